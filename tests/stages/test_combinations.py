"""Every plugin works with every other: learners × resamplers × calibrators, with probabilities that sum to 1 a race."""

import json
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests import pipeline_copy
from trueline.core.runtime.plugins import list_plugins, load_plugin
from trueline.core.splits.fold_data import Floats, FoldData, FoldTables, read_fold_tables
from trueline.core.stats.group_ops import encode_groups, sum_by_group
from trueline.core.tables import table_schema

SEED = 5
FEW = {"iterations": 5, "trees": 5}
SMALL = {"min_leaf": 5, "min_child_weight": 0.1}  # leaves as small as the sample
# a learner, and the parameters in which it differs from params.yaml
RECIPES: dict[str, tuple[str, dict[str, Any]]] = {
    **{
        word: (word, {})
        for word in list_plugins("train")
        if word in pipeline_copy.params(pipeline_copy.ROOT)["train"]["racing"]
    },
    "catboost Focal": ("catboost_trees", {"loss": "Focal", "soft_label": 0.0}),
    "catboost Focal and heavy winners": (
        "catboost_trees",
        {"loss": "Focal", "soft_label": 0.0, "positive_weight": 6.0},
    ),
    "catboost Logloss and heavy winners": (
        "catboost_trees",
        {"loss": "Logloss", "soft_label": 0.0, "positive_weight": 6.0},
    ),
    "catboost CrossEntropy": ("catboost_trees", {"loss": "CrossEntropy"}),
    "catboost without a soft label": ("catboost_trees", {"soft_label": 0.0}),
    "xgboost focal": ("xgboost_trees", {"objective": "focal", "soft_label": 0.0}),
    "xgboost focal and heavy winners": (
        "xgboost_trees",
        {"objective": "focal", "soft_label": 0.0, "positive_weight": 6.0},
    ),
    "xgboost logistic": ("xgboost_trees", {"objective": "logistic", "soft_label": 0.0}),
    "xgboost without a soft label": ("xgboost_trees", {"soft_label": 0.0}),
    "forest and heavy winners": ("forest", {"positive_weight": 6.0}),
    "gradient boosting and heavy winners": ("gradient_boosting", {"positive_weight": 6.0}),
    "logistic and heavy winners": ("logistic", {"positive_weight": 6.0}),
    "conditional logit without a soft label": ("conditional_logit", {"soft_label": 0.0}),
}
RESAMPLERS = [
    word for word in list_plugins("resample") if word in pipeline_copy.params(pipeline_copy.ROOT)["resample"]["racing"]
]
CALIBRATORS = [
    word
    for word in list_plugins("calibrate")
    if word in pipeline_copy.params(pipeline_copy.ROOT)["calibrate"]["racing"]
]


@pytest.fixture(scope="module")
def featured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small copy of the repository in which the pipeline ran as far as features; every learner has few rounds."""
    folder = pipeline_copy.copy(tmp_path_factory.mktemp("combinations") / "repository")
    pipeline_copy.shrink(folder, "racing")
    pipeline_copy.change(
        folder, tune__racing__search__trials=2, folds__racing__test_days=25, folds__racing__tune_folds=1
    )
    for learner, parameters in pipeline_copy.params(folder)["train"]["racing"].items():
        few = {f"train__racing__{learner}__{name}": number for name, number in FEW.items() if name in parameters}
        pipeline_copy.change(folder, **few)
    members = pipeline_copy.params(folder)["train"]["racing"]["ensemble"]["member_settings"]
    for parameters in members.values():
        parameters.update({name: number for name, number in FEW.items() if name in parameters})
    pipeline_copy.change(folder, train__racing__ensemble__member_settings=members)
    return pipeline_copy.run_pipeline(folder, "racing", until="features")


@cache
def table(folder: Path) -> FoldTables:
    return read_fold_tables(folder / "data/features/racing.parquet", folder / "data/folds/racing.parquet")


@cache
def fit_rows(folder: Path, word: str) -> FoldData:
    """Return the fit rows of test_0 as a resampler leaves them, made as the stage makes them."""
    here, resampler = table(folder), load_plugin("resample", word)
    rows = here.get_rows("test_0", "fit")
    settings = resampler.Settings(**pipeline_copy.params(folder)["resample"]["racing"][word])
    weight, made = resampler.resample(rows, settings, SEED)
    weights = pd.DataFrame({"test_0": np.full(len(here.folds), np.nan)})
    weights.loc[rows.table_position, "test_0"] = weight
    ids = here.folds["row_id"].to_numpy()[rows.table_position]
    synthetic = made.assign(fold="test_0", parent=ids[made["parent"]]) if len(made) else pd.DataFrame({"fold": []})
    return replace(here, weights=weights, synthetic=synthetic).get_resampled_rows("test_0")


def calibrated(word: str, earlier: tuple[Floats, FoldData], later: tuple[Floats, FoldData], folder: Path) -> Floats:
    """Return the probabilities of later scores from a calibrator fitted on earlier ones."""
    calibrator = load_plugin("calibrate", word)
    settings = calibrator.Settings(**pipeline_copy.params(folder)["calibrate"]["racing"][word])
    state = calibrator.fit(earlier[0], earlier[1].y, encode_groups(pd.Series(earlier[1].group)), settings)
    p: Floats = calibrator.apply(state, later[0], encode_groups(pd.Series(later[1].group)))
    return p


def test_every_plugin_has_parameters_in_some_task_and_is_tried_here() -> None:
    params = pipeline_copy.params(pipeline_copy.ROOT)
    for stage in ("resample", "train", "calibrate"):
        for word in list_plugins(stage):
            assert any(word in parameters for parameters in params[stage].values()), (
                f"params.yaml has no parameters for {stage} {word}"
            )


@pytest.mark.parametrize("resampler", RESAMPLERS)
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_learner_goes_with_every_resampler_and_calibrator(featured: Path, recipe: str, resampler: str) -> None:
    word, changed = RECIPES[recipe]
    learner = load_plugin("train", word)
    parameters = pipeline_copy.params(featured)["train"]["racing"][word] | changed
    settings = learner.Settings(**parameters | {name: least for name, least in SMALL.items() if name in parameters})
    model = learner.fit(fit_rows(featured, resampler), settings, SEED)
    parts = {role: table(featured).get_rows("test_0", role) for role in ("calibrate", "score")}
    scored = {role: (learner.score(model, rows.x), rows) for role, rows in parts.items()}
    race = encode_groups(pd.Series(parts["score"].group))
    has_members = recipe != "ensemble" or any(model.coefficients)  # none, if none predicted rows later than its fit
    assert all(np.isfinite(score).all() and (np.ptp(score) > 0) == has_members for score, _ in scored.values())
    for calibrator in CALIBRATORS:
        p = calibrated(calibrator, scored["calibrate"], scored["score"], featured)
        assert ((p > 0) & (p < 1)).all(), calibrator
        np.testing.assert_allclose(sum_by_group(p, race), 1.0, rtol=1e-9, err_msg=calibrator)


@pytest.mark.parametrize("learner", [word for word in list_plugins("train") if word in RECIPES])
def test_the_stages_run_with_every_learner_from_resample_to_evaluate(
    featured: Path, tmp_path: Path, learner: str
) -> None:
    number = list_plugins("train").index(learner)
    resampler, calibrator = RESAMPLERS[number % len(RESAMPLERS)], CALIBRATORS[number % len(CALIBRATORS)]
    repository = shutil.copytree(featured, tmp_path / "repository")
    words = {"learner": learner, "resampler": resampler, "calibrator": calibrator}
    pipeline_copy.change(repository, workers=1, **{f"tasks__racing__{kind}": word for kind, word in words.items()})
    pipeline_copy.run_pipeline(repository, "racing", since="resample", until="evaluate")
    arms = table_schema.read_table(repository / "data/predictions/racing.parquet").columns
    assert {"tuned", "default", "baseline"} <= set(arms)
    assert ("unresampled" in arms) == (resampler != "none")
    for stage in ("resample", "tune", "train", "calibrate"):
        path = repository / f"metrics/racing/score_audit/{stage}.json"
        (audit,) = json.loads(path.read_text())["folds"]
        assert (audit["differing"], audit["error"]) == (0, None), stage
