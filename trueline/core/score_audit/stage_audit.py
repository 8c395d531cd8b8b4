"""Stage audit: a stage's work on a test fold, done again where the rows that it scores have other outcomes.

Each of resample, tune, train and calibrate audits itself. As each hands the next the same bits, the predictions are the
same. This takes a fraction of a run: one fold is worked on, and each learner is fitted once. The command
`python -m trueline audit` runs the four stages as they are.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import Field

from trueline.core.errors import EngineError, UserError
from trueline.core.runtime.atomic_outputs import LOCK_FOLDER
from trueline.core.runtime.machine_failures import explain_failure
from trueline.core.runtime.params import PARAMS_FILE, StageSettings, load_engine, load_seed, load_settings
from trueline.core.runtime.plugins import forget_plugins
from trueline.core.score_audit.exchanged_outcomes import (
    draw_test_folds,
    exchange_outcomes,
    find_score_rows,
    find_unseen_rows,
)
from trueline.core.score_audit.table_differences import describe_differences
from trueline.core.tables import table_schema

BuildResult = Callable[[str], pd.DataFrame]  # a fold → what the stage makes of it, in rows that are named by row_id


class ScoreAuditSettings(StageSettings):
    """In how many test folds each stage is audited at least."""

    folds: int = Field(ge=0)


def draw_audited_folds(outcomes: Path) -> list[str]:
    """Return the test folds, drawn by the data, in which a stage that has these folds or scores is audited."""
    count = load_settings(ScoreAuditSettings, "score_audit").folds
    return draw_test_folds(table_schema.read_table(outcomes), count, load_seed())


def audit_stage(
    inputs: list[Path],
    outcomes: Path,
    get_result: BuildResult,
    rebuild: BuildResult,
    folds: Sequence[str],
    is_left_out: Callable[[str], bool] = lambda _: False,
    other_outcomes: Mapping[Path, Sequence[str]] | None = None,
) -> dict[str, Any]:
    """Return in how many values a stage's result for some test folds depends on the outcomes of their score rows.

    `outcomes` is that one of the relative `inputs` that holds outcomes. `get_result` returns what the stage made of a
    fold. `rebuild` makes it again: it is called in a private folder that holds the inputs and params.yaml under the
    same relative paths and nothing else, and plugins are loaded anew. Of a table of scores, the folder holds the rows
    of the fold alone. An error that `rebuild` raises is part of the answer, unless it is one of the engine.
    A fold is left out if the stage may see its score rows. `other_outcomes` names the columns of further `inputs`, with
    one row per row_id, that go with the outcomes.
    """
    seed, table = load_seed(), table_schema.read_table(outcomes)
    columns_by_path = {path: list(columns) for path, columns in (other_outcomes or {}).items() if columns}
    other_tables = {path: table_schema.read_table(path).set_index("row_id", drop=False) for path in columns_by_path}
    audits = []
    for fold in folds:
        if is_left_out(fold):
            audits.append({"fold": fold, "exchanged": 0})
            continue
        rows = table[table["fold"] == fold] if "role" in table else table
        is_exchanged = find_unseen_rows(rows, fold)
        audit: dict[str, Any] = {"fold": fold, "exchanged": int(is_exchanged.sum()), "error": None}
        rows_with_ids, is_scored = rows.assign(donor=rows["row_id"]), find_score_rows(rows, fold)
        exchanged = {outcomes: exchange_outcomes(rows_with_ids, is_exchanged, seed, ["donor"], is_scored)}
        donors = exchanged[outcomes].pop("donor")
        for path, other_table in other_tables.items():
            exchanged[path] = _copy_donor_values(other_table, rows["row_id"], donors, columns_by_path[path])
        with _open_private_folder(inputs, exchanged) as folder:
            try:
                rebuilt = rebuild(fold)
            except EngineError:
                raise
            except (Exception, SystemExit) as error:  # whatever a plugin raises that works on the rows as they are
                if explain_failure(error):  # a full disk says nothing of the stage
                    raise
                rebuilt = pd.DataFrame()
                audit["error"] = _describe_error(error, folder)
        audits.append(audit | describe_differences(get_result(fold), rebuilt))
    return {"folds": audits}


def _copy_donor_values(
    table_by_id: pd.DataFrame, row_ids: pd.Series, donors: pd.Series, columns: list[str]
) -> pd.DataFrame:
    """Return the rows of some ids, in some columns with the values of their donors."""
    exchanged = table_by_id.loc[row_ids].reset_index(drop=True)
    exchanged[columns] = table_by_id.loc[donors, columns].reset_index(drop=True)
    return exchanged


@contextmanager
def _open_private_folder(inputs: list[Path], exchanged: Mapping[Path, pd.DataFrame]) -> Iterator[Path]:
    """Work in a folder with the inputs, some replaced by `exchanged`, and with no plugin that has seen others."""
    # workers of a running scheduler see the storage of the repository, and not this machine's temporary files
    parent = LOCK_FOLDER.absolute() if load_engine().scheduler else None
    with tempfile.TemporaryDirectory(dir=parent) as name:
        folder = Path(name)
        for path in {*inputs, PARAMS_FILE} - {*exchanged}:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).symlink_to(path.absolute())
        for path, table in exchanged.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            table_schema.write_table(table, folder / path, table_schema.read_declarations(path))
        with forget_plugins(), chdir(folder):
            yield folder


def _describe_error(error: BaseException, folder: Path) -> str:
    """Return the first line of an error, in which no path outside the private folder's inputs can be read."""
    lines = str(error).replace(f"{folder}/", "").splitlines() or [""]
    return lines[0] if isinstance(error, UserError) else f"{type(error).__name__}: {lines[0]}"
