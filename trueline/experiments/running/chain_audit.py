"""Chain audit: the stages that learn, run as they are in a private copy where a test fold scores other outcomes.

Nothing but outcomes is changed, so predictions that change depend on what they are scored on.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from trueline.core.errors import UserError, did_you_mean
from trueline.core.runtime.memory import OFF_VARIABLE
from trueline.core.runtime.params import PARAMS_FILE, load_seed, load_task_config
from trueline.core.runtime.stage_entry import expand_paths, require_files
from trueline.core.score_audit.exchanged_outcomes import (
    draw_test_folds,
    exchange_outcomes,
    find_unseen_rows,
    is_tuned_on,
)
from trueline.core.score_audit.table_differences import describe_differences
from trueline.core.splits.walk_forward import list_folds, list_target_columns
from trueline.core.tables import table_schema

CODE_FOLDERS = ("stages", "trueline")
TABLES = {
    "prepared": "data/prepared/{task}.parquet",
    "features": "data/features/{task}.parquet",
    "folds": "data/folds/{task}.parquet",
    "predictions": "data/predictions/{task}.parquet",
    "tuned": "models/{task}/tuned.json",
}


@dataclass(frozen=True)
class ChainAudit:
    """What a chain audit found: how many rows got other outcomes, and how many predictions changed then."""

    task: str
    fold: str
    stages: list[str]
    exchanged: int
    compared: int
    differing: int
    example: dict[str, Any] | None  # row, column and both values of the first prediction that changed


def audit_chain(task: str, fold: str | None = None) -> ChainAudit:
    """Run resample, tune, train and calibrate again for one test fold, drawn by the data, and compare its predictions.

    Tuning is left out where it may see the score rows, as it does without a clock. Raises UserError for an unknown
    task or fold, for missing outputs, for a stage that fails in the copy, and if the predictions of the workspace are
    not those that its code makes of the outcomes as they are.
    """
    load_task_config(task)
    paths = expand_paths(TABLES, task)
    require_files(paths, task)
    folds = table_schema.read_table(paths["folds"])
    fold = _choose_fold(folds, fold)
    stages = ["resample", *([] if is_tuned_on(folds, fold) else ["tune"]), "train", "calibrate"]
    is_exchanged = find_unseen_rows(folds, fold)
    tables = {name: _exchange_table(paths[name], folds.loc[is_exchanged, "row_id"]) for name in ("folds", "prepared")}
    published = _select_predictions(paths["predictions"], fold)
    differences = describe_differences(published, _predict_privately(task, fold, stages, tables))
    if differences["differing"]:
        tables = {name: table_schema.read_table(paths[name]) for name in tables}
        if describe_differences(published, _predict_privately(task, fold, stages, tables))["differing"]:
            raise UserError(
                f"{paths['predictions']} is not what this code makes of the outcomes as they are, so nothing can be "
                f"compared with it; run `dvc repro diagnose@{task}` first."
            )
    return ChainAudit(task, fold, stages, int(is_exchanged.sum()), **differences)


def _choose_fold(folds: pd.DataFrame, fold: str | None) -> str:
    test_folds = list_folds(folds, "test")
    if fold is None:
        return draw_test_folds(folds, 1, load_seed())[0]
    if fold not in test_folds:
        raise UserError(f"{fold!r} is not a test fold; {did_you_mean(fold, test_folds)}")
    return fold


def _exchange_table(path: Path, row_ids: pd.Series) -> pd.DataFrame:
    """Return a table in which the given rows have the outcomes of others, and all else that is not known before."""
    table = table_schema.read_table(path)
    later_columns = [column.name for column in table_schema.read_declarations(path) if column.known != "before"]
    return exchange_outcomes(table, table["row_id"].isin(row_ids).to_numpy(), load_seed(), later_columns)


def _predict_privately(task: str, fold: str, stages: Iterable[str], tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the predictions that stages make of a fold in a copy of the workspace with other tables."""
    paths = expand_paths(TABLES, task)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for code in CODE_FOLDERS:
            shutil.copytree(code, folder / code)
        params = yaml.safe_load(PARAMS_FILE.read_text()) | {"score_audit": {"folds": 0}}
        (folder / PARAMS_FILE).write_text(yaml.safe_dump(params, sort_keys=False))
        for path in paths.values():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
        for copied in ("features", "tuned"):
            shutil.copyfile(paths[copied], folder / paths[copied])
        test_folds = list_folds(tables["folds"], "test")
        one_fold = tables["folds"].drop(columns=[name for name in test_folds if name != fold])
        table_schema.write_table(one_fold, folder / paths["folds"])
        declarations = table_schema.read_declarations(paths["prepared"])
        table_schema.write_table(tables["prepared"], folder / paths["prepared"], declarations)
        for stage in stages:
            _run_stage(stage, task, folder)
        return _select_predictions(folder / paths["predictions"], fold)


def _run_stage(stage: str, task: str, folder: Path) -> None:
    command = [sys.executable, "-m", f"stages.{stage}", task]
    environment = os.environ | {OFF_VARIABLE: "1"}  # the audit asks what the code does now
    completed = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if completed.returncode:
        last_line = (completed.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"{stage} fails in a copy that holds only what it reads, although it ran here: {last_line}")


def _select_predictions(path: Path, fold: str) -> pd.DataFrame:
    """Return the predictions of one fold, by row_id."""
    table = table_schema.read_table(path)
    of_fold = table[table["fold"] == fold].set_index("row_id")
    return of_fold.drop(columns=["group", "time", "fold", *list_target_columns(table)])
