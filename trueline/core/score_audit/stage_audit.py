"""Stage audit: a stage's work on a test fold, done again where the rows that it scores have other outcomes.

Each of resample, tune, train and calibrate audits itself. As each hands the next the same bits, the predictions are the
same. This takes a fraction of a run: one fold is worked on, and each learner is fitted once. The command
`python -m trueline audit` runs the four stages as they are.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import Field

from trueline.core.errors import UserError
from trueline.core.runtime.params import PARAMS_FILE, StageSettings, load_seed, load_settings
from trueline.core.score_audit.exchanged_outcomes import draw_test_folds, exchange_outcomes, find_unseen_rows
from trueline.core.score_audit.table_differences import describe_differences
from trueline.core.tables import table_schema

BuildResult = Callable[[str], pd.DataFrame]  # a fold → what the stage makes of it, in rows that are named by row_id


class ScoreAuditSettings(StageSettings):
    """In how many test folds each stage is audited."""

    folds: int = Field(ge=0)


def audit_stage(
    inputs: list[Path],
    outcomes: Path,
    get_result: BuildResult,
    rebuild: BuildResult,
    is_left_out: Callable[[str], bool] = lambda _: False,
) -> dict[str, Any]:
    """Return in how many values a stage's result for drawn test folds depends on the outcomes of their score rows.

    `outcomes` is that one of the relative `inputs` that holds outcomes. `get_result` returns what the stage made of a
    fold. `rebuild` makes it again: it is called in a private folder that holds the inputs and params.yaml under the
    same relative paths and nothing else, and plugins are loaded anew. An error that it raises is part of the answer.
    A fold is left out if the stage may see its score rows.
    """
    seed, table = load_seed(), table_schema.read_table(outcomes)
    audits = []
    for fold in draw_test_folds(table, load_settings(ScoreAuditSettings, "score_audit").folds, seed):
        if is_left_out(fold):
            audits.append({"fold": fold, "exchanged": 0})
            continue
        is_exchanged = find_unseen_rows(table, fold)
        audit: dict[str, Any] = {"fold": fold, "exchanged": int(is_exchanged.sum()), "error": None}
        with _open_private_folder(inputs, outcomes, exchange_outcomes(table, is_exchanged, seed)) as folder:
            try:
                rebuilt = rebuild(fold)
            except (Exception, SystemExit) as error:  # whatever a plugin raises that works on the rows as they are
                rebuilt = pd.DataFrame()
                audit["error"] = _describe_error(error, folder)
        audits.append(audit | describe_differences(get_result(fold), rebuilt))
    return {"folds": audits}


@contextmanager
def _open_private_folder(inputs: list[Path], outcomes: Path, exchanged: pd.DataFrame) -> Iterator[Path]:
    """Work in a folder with the inputs, `exchanged` in the place of one, and with no plugin that has seen others."""
    plugins = {name: module for name, module in sys.modules.items() if name.startswith("stages.")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in {*inputs, PARAMS_FILE} - {outcomes}:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).symlink_to(path.absolute())
        (folder / outcomes).parent.mkdir(parents=True, exist_ok=True)
        table_schema.write_table(exchanged, folder / outcomes)
        for plugin in plugins:
            del sys.modules[plugin]
        try:
            with chdir(folder):
                yield folder
        finally:
            sys.modules.update(plugins)


def _describe_error(error: BaseException, folder: Path) -> str:
    """Return the first line of an error, in which no path outside the private folder's inputs can be read."""
    lines = str(error).replace(f"{folder}/", "").splitlines() or [""]
    return lines[0] if isinstance(error, UserError) else f"{type(error).__name__}: {lines[0]}"
