"""Places: where rows of one table stand in another, and one number for every row_id of several tables."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Place = Ints | slice  # rows of a table: a slice where they follow each other, which copies nothing
Ids = pd.Series | pd.Index

ID = "row_id"


def located(asked: Ids, among: Ids) -> Ints:
    """Return where each id first stands among others, −1 where it does not; whole numbers of 0 and more, or texts."""
    wanted, known = asked.to_numpy(), among.to_numpy()
    if not len(known):
        return np.full(len(wanted), -1, dtype=np.int64)
    if _counted(wanted) and _counted(known):
        first = np.full(int(max(known.max(), wanted.max(initial=0))) + 1, -1, dtype=np.int64)
        first[known[::-1]] = np.arange(len(known) - 1, -1, -1)
        return np.asarray(first[wanted])
    found = pc.index_in(pa.array(asked), value_set=pa.array(among))
    return np.asarray(found.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)


def first_seen(ids: Ids) -> Mask:
    """Return which rows are the first of their id."""
    return np.asarray(located(ids, ids) == np.arange(len(ids)))


def distinct(numbers: Ints) -> Ints:
    """Return the distinct numbers, ascending: for millions of them sorting takes a tenth of `np.unique`'s time."""
    ordered = np.sort(numbers)
    return np.asarray(ordered[np.r_[True, ordered[1:] != ordered[:-1]][: len(ordered)]])


def run(place: Ints) -> Place:
    """Return places as a slice, where they follow each other."""
    if not len(place) or place[0] < 0 or len(place) != place[-1] - place[0] + 1 or (np.diff(place) != 1).any():
        return place
    return slice(int(place[0]), int(place[-1]) + 1)


def once(table: pd.DataFrame) -> pd.DataFrame:
    """Return the first row of every id; the table itself where there are no others."""
    first = first_seen(table[ID])
    return table if first.all() else table[first]


def taken(values: npt.NDArray[Any], place: Place) -> npt.NDArray[np.float64]:
    """Return numbers by place, missing where the place is −1; to be read, never written to."""
    if isinstance(place, slice):
        return values[place].astype(np.float64, copy=False)
    if not len(values):
        return np.full(place.shape, np.nan)
    found = values[place].astype(np.float64)
    if (absent := place < 0).any():
        found[absent] = np.nan
    return found


def numbered(paths: dict[str, Path]) -> dict[str, pd.Series]:
    """Return the row ids of tables in Parquet files as numbers from 0 on: equal ids are equal numbers.

    A table whose ids are those of an earlier one, row by row, shares its numbers, so nothing of it is counted twice.
    """
    kept: dict[str, pa.ChunkedArray] = {}
    same: dict[str, str] = {}
    for name, path in paths.items():
        ids = pq.read_table(path, columns=[ID]).column(0).cast(pa.large_string())
        same[name] = next((other for other, known in kept.items() if known.equals(ids)), name)
        if same[name] == name:
            kept[name] = ids
    every = pa.chunked_array([chunk for ids in kept.values() for chunk in ids.chunks], pa.large_string())
    coded = every.dictionary_encode(null_encoding="encode").chunks
    number = np.concatenate([chunk.indices.to_numpy() for chunk in coded] or [np.empty(0)]).astype(np.int64)
    edges = np.cumsum([len(ids) for ids in kept.values()])[:-1]
    found = dict(zip(kept, np.split(number, edges), strict=True))
    shared = {name: pd.Series(values, name=ID) for name, values in found.items()}
    return {name: shared[other] for name, other in same.items()}


def _counted(ids: npt.NDArray[Any]) -> bool:
    return ids.dtype.kind in "iu" and not (len(ids) and ids.min() < 0)
