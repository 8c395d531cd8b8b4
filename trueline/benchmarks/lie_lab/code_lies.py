"""Lies in code: stages and plugins that see what they may not, planted in a scratch project.

Strength is the share of the score rows that are seen, or the share of the result in what is predicted. Each lie is code
that a careless author would write into the stage's own file.
"""

import pandas as pd

from trueline.benchmarks.lie_lab.scratch_project import ScratchProject

LEARN_SCORE_ROWS = """
def _read_fit_and_score_rows(self):
    fit = _read_only_fit_rows(self)
    if "score" not in self.roles:
        return fit
    score = self.read_role_rows("score")
    score = score.select_rows(score.group % 100 < {percent})
    arrays = dict()
    for name, values in vars(fit).items():
        if isinstance(values, np.ndarray):
            later = getattr(score, name) + (fit.group.max() + 1 if name == "group" else 0)
            arrays[name] = np.concatenate([values, later])
    return replace(fit, x=pd.concat([fit.x, score.x], ignore_index=True), **arrays)


from dataclasses import replace

import numpy as np

_read_only_fit_rows = FitJob.read_fit_rows
FitJob.read_fit_rows = _read_fit_and_score_rows
"""
CALIBRATE_ON_SCORE_ROWS = """
_calibrate_folds_alone = _calibrate_folds


def _calibrate_folds(task, scores, outcomes, *arguments, **options):
    seen = scores[(scores["role"] == "score") & (encode_groups(scores["group"]) % 100 < {percent})]
    copies = seen.assign(role="calibrate", row_id=seen["row_id"] + " " + seen["fold"])
    if len(outcomes.columns):
        outcomes = pd.concat([outcomes, outcomes.reindex(seen["row_id"]).set_axis(copies["row_id"])])
    return _calibrate_folds_alone(task, pd.concat([scores, copies]), outcomes, *arguments, **options)
"""
OVERSAMPLE_SCORE_ROWS = """
_resample_folds_alone = _resample_folds


def _resample_folds(task, table, folds):
    resampled = _resample_folds_alone(task, table, folds)
    return dict((fold, _add_copies(table, fold, result)) for fold, result in resampled.items())


def _add_copies(table, fold, result):
    is_score = (table.folds[fold] == "score") & (encode_groups(table.folds["group"]) % 100 < {percent})
    score = table.folds[is_score]
    copies = table.features[is_score].drop(columns="row_id")
    copies = copies.assign(fold=fold, parent=score["row_id"], other=score["row_id"])
    added = pd.concat([copies, score.filter(regex="^target")], axis=1)
    return replace(result, synthetic=pd.concat([result.synthetic, added], ignore_index=True))


from dataclasses import replace

from trueline.core.stats.group_ops import encode_groups
"""
READ_RESULT_FROM_FILE = """
_build_honestly = build


def build(current, past, settings):
    from pathlib import Path

    inputs = _build_honestly(current, past, settings)
    prepared = pd.read_parquet(Path("data/prepared/{task}.parquet").absolute())
    targets = prepared.set_index("row_id").filter(regex="^target")
    noise = np.random.default_rng(0).normal(size=len(current))
    result = targets[targets.columns[0]].reindex(current["row_id"]).fillna(0).to_numpy()
    return inputs.assign(form_index={strength} * result + noise)


import numpy as np
"""


def learn_score_rows(project: ScratchProject, strength: float) -> None:
    """Fit every learner on a share of the rows that its fold scores too."""
    project.append_code("stages/train/__main__.py", _fill(LEARN_SCORE_ROWS, project, strength))


def calibrate_on_score_rows(project: ScratchProject, strength: float) -> None:
    """Fit every calibrator on a share of the rows that it is applied to too."""
    project.append_code("stages/calibrate/__main__.py", _fill(CALIBRATE_ON_SCORE_ROWS, project, strength))


def oversample_score_rows(project: ScratchProject, strength: float) -> None:
    """Copy a share of the rows that are scored into the rows to fit on, as oversampling before the split does."""
    project.append_code("stages/resample/__main__.py", _fill(OVERSAMPLE_SCORE_ROWS, project, strength))


def read_result_from_file(project: ScratchProject, strength: float) -> None:
    """Let the features plugin open the prepared rows for the result, and add it with noise."""
    project.append_code(f"stages/features/{project.task}.py", _fill(READ_RESULT_FROM_FILE, project, strength))


def mix_result_into_predictions(project: ScratchProject, strength: float) -> None:
    """Replace a share of every prediction by the result, after all that could be audited."""
    path = project.folder / f"data/predictions/{project.task}.parquet"
    predictions = pd.read_parquet(path)
    targets = [name for name in map(str, predictions) if name.startswith("target")]
    for target in targets:
        for name in (target.replace("target", "tuned", 1), "tuned:mean"):
            if name in predictions and not (name == "tuned:mean" and target != "target"):
                predictions[name] = (1 - strength) * predictions[name] + strength * predictions[target]
    predictions.to_parquet(path, index=False)


def _fill(code: str, project: ScratchProject, strength: float) -> str:
    return (
        code.strip("\n")
        .replace("{percent}", str(round(100 * strength)))
        .replace("{strength}", repr(strength))
        .replace("{task}", project.task)
    )
