"""Shadow outcomes: the prepared rows that a champion and its shadow were asked about and neither had learned from."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core import tables
from core.refusals import Refusal
from core.texts import clean
from experiments import locks, outputs, parsed, repository
from experiments.shadow_log import Both, Row

FOLDS = "data/folds/{task}.parquet"
MODEL = "models/{task}/final"
FOLD = "final"
WORKSPACE = "workspace"
TEXTS = ("name", "description", "location")


def prepared(task: str, source: Path | None) -> pd.DataFrame | None:
    """Return the prepared table of a task, the workspace's if none is named; None where the workspace has none."""
    place = source or Path(f"data/prepared/{task}.parquet")
    if place.exists():
        return tables.read(place)
    if source is None:
        return None
    raise Refusal(f"--outcomes {source} is not there; name a table as prepare writes it, or leave it out.")


def matched(task: str, rows: Iterable[Both], table: pd.DataFrame) -> list[tuple[int, Both]]:
    """Return the place in the prepared table of every row that is in it; of rows asked for again, the last.

    Players are found by player and day, runners by race and box, events by their text or, if that was changed since, by
    id and name.
    """
    places = {str(row_id): place for place, row_id in enumerate(table["row_id"])}
    names = dict(zip(places, table["name"], strict=True)) if task == "events" else {}
    texts = {_text(row): place for place, row in enumerate(table[list(TEXTS)].to_dict("records"))} if names else {}
    found: dict[int, Both] = {}
    for both in rows:
        row = both[0]
        key = row_id(row)
        place = texts.get(_text(row)) if names else places.get(key)
        if place is None and key in names and clean(str(row.get("name"))) == names[key]:
            place = places[key]
        if place is not None:
            found[place] = both
    return sorted(found.items(), key=lambda item: item[0])


def row_id(row: Row) -> str:
    """Return the name that prepare gives the row of a log row."""
    if "box" in row:
        return f"{row.get('race_id')}:{row['box']}"
    return f"{row['player_id']}:{row.get('date')}" if "player_id" in row else str(row.get("id"))


def learned(task: str, version: str, table: pd.DataFrame) -> set[str]:
    """Return the groups of a table (days, races, clusters) that a version's final model or calibrator had rows of.

    Refuses a version whose folds are not at hand: nobody could say then which rows are new to it.
    """
    folds = _folds(task, version)
    known = set(folds["row_id"][folds[FOLD].notna()])
    return set(table["group"][table["row_id"].isin(known)])


def whole(places: Iterable[int], table: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which rows belong to groups of the table all of whose rows are among them: a race needs every runner."""
    group = table["group"].iloc[list(places)]
    size = table["group"].value_counts()
    counts = group.map(group.value_counts()).to_numpy()
    return np.asarray(counts == group.map(size).to_numpy())


def _folds(task: str, version: str) -> pd.DataFrame:
    name, _, begins = version.rpartition(":")
    if name == WORKSPACE:
        return _folds_here(task, begins)
    rev = repository.commit(f"refs/tags/{name}")
    if rev is None:
        raise Refusal(f"git has no tag {name}, so nobody knows which rows {version} learned from.")
    return outputs.table(rev, FOLDS.format(task=task), task)


def _folds_here(task: str, begins: str) -> pd.DataFrame:
    held, place = locks.outs(parsed.workspace(parsed.LOCK) or {}), FOLDS.format(task=task)
    own = held.get(MODEL.format(task=task), "").startswith(begins)
    if not own or not Path(place).exists() or hashlib.md5(Path(place).read_bytes()).hexdigest() != held.get(place):
        raise Refusal(f"the workspace's model is not {begins} any more, so nobody knows which rows that learned from.")
    return tables.read(Path(place))


def _text(row: Any) -> tuple[str, ...]:
    return tuple(clean(str(row.get(name) or "")) for name in TEXTS)
