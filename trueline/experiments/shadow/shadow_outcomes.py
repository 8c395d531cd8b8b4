"""Find the outcomes of shadowed requests in the prepared table, and the rows that either model had learned from."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trueline.core.errors import UserError
from trueline.core.tables import table_schema
from trueline.core.text.cleaning import clean_text
from trueline.experiments.shadow.shadow_log import Row, RowPair
from trueline.experiments.store import dvc_lock, file_cache, git, output_files

FOLDS_PATH = "data/folds/{task}.parquet"
MODEL_PATH = "models/{task}/final"
FINAL_FOLD = "final"
WORKSPACE = "workspace"
TEXT_COLUMNS = ("name", "description", "location")


def read_prepared(task: str, source: Path | None) -> pd.DataFrame | None:
    """Return the prepared table at `source`, or else the workspace's, or None if the workspace has none.

    Raises UserError if `source` does not exist.
    """
    path = source or Path(f"data/prepared/{task}.parquet")
    if path.exists():
        return table_schema.read_table(path)
    if source is None:
        return None
    raise UserError(f"--outcomes {source} does not exist; give a table as prepare writes it, or leave it out.")


def match_rows(task: str, rows: Iterable[RowPair], table: pd.DataFrame) -> list[tuple[int, RowPair]]:
    """Return the position in the prepared table of every logged row that is in it; of repeated rows the last counts.

    Players are matched by player and day, runners by race and box, events by their text or, if that changed since, by
    id and name.
    """
    position_by_id = {str(row_id): position for position, row_id in enumerate(table["row_id"])}
    names = dict(zip(position_by_id, table["name"], strict=True)) if task == "events" else {}
    position_by_text = (
        {_extract_text(row): position for position, row in enumerate(table[list(TEXT_COLUMNS)].to_dict("records"))}
        if names
        else {}
    )
    pair_by_position: dict[int, RowPair] = {}
    for pair in rows:
        row = pair[0]
        key = build_row_id(row)
        position = position_by_text.get(_extract_text(row)) if names else position_by_id.get(key)
        if position is None and key in names and clean_text(str(row.get("name"))) == names[key]:
            position = position_by_id[key]
        if position is not None:
            pair_by_position[position] = pair
    return sorted(pair_by_position.items(), key=lambda item: item[0])


def build_row_id(row: Row) -> str:
    """Return the row_id that prepare gives to a logged row."""
    if "box" in row:
        return f"{row.get('race_id')}:{row['box']}"
    return f"{row['player_id']}:{row.get('date')}" if "player_id" in row else str(row.get("id"))


def find_learned_groups(task: str, version: str, table: pd.DataFrame) -> set[str]:
    """Return the groups of a table (days, races, clusters) that hold rows a version's model or calibrator learned from.

    Raises UserError if the folds of the version are not available, for then it is not known which rows are new to it.
    """
    folds = _read_folds(task, version)
    learned_ids = set(folds["row_id"][folds[FINAL_FOLD].notna()])
    return set(table["group"][table["row_id"].isin(learned_ids)])


def mask_complete_groups(positions: Iterable[int], table: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return for each row whether every row of its group in the table is present: a race needs all its runners."""
    group = table["group"].iloc[list(positions)]
    size = table["group"].value_counts()
    counts = group.map(group.value_counts()).to_numpy()
    return np.asarray(counts == group.map(size).to_numpy())


def _read_folds(task: str, version: str) -> pd.DataFrame:
    name, _, md5_prefix = version.rpartition(":")
    if name == WORKSPACE:
        return _read_workspace_folds(task, md5_prefix)
    rev = git.resolve_commit(f"refs/tags/{name}")
    if rev is None:
        raise UserError(f"git has no tag {name}, so it is not known which rows {version} learned from.")
    return output_files.read_output_table(rev, FOLDS_PATH.format(task=task), task)


def _read_workspace_folds(task: str, md5_prefix: str) -> pd.DataFrame:
    output_hashes = dvc_lock.get_output_hashes(file_cache.read_workspace_file(file_cache.LOCK) or {})
    path = FOLDS_PATH.format(task=task)
    is_same_model = output_hashes.get(MODEL_PATH.format(task=task), "").startswith(md5_prefix)
    if (
        not is_same_model
        or not Path(path).exists()
        or hashlib.md5(Path(path).read_bytes()).hexdigest() != output_hashes.get(path)
    ):
        raise UserError(
            f"the workspace's model is no longer {md5_prefix}, so it is not known which rows that one learned from."
        )
    return table_schema.read_table(Path(path))


def _extract_text(row: Any) -> tuple[str, ...]:
    return tuple(clean_text(str(row.get(name) or "")) for name in TEXT_COLUMNS)
