"""Row lookup: positions of one table's rows in another, and one numbering of the row ids of several tables."""

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
RowIndexer = Ints | slice  # rows of a table; a slice if they are consecutive, which copies nothing
Ids = pd.Series | pd.Index

ID_COLUMN = "row_id"


def lookup_rows(wanted_ids: Ids, table_ids: Ids) -> Ints:
    """Return the first position of each id in a table, −1 if absent; ids are whole numbers of 0 or more, or texts."""
    wanted_values, table_values = wanted_ids.to_numpy(), table_ids.to_numpy()
    if not len(table_values):
        return np.full(len(wanted_values), -1, dtype=np.int64)
    if _is_nonnegative_integer(wanted_values) and _is_nonnegative_integer(table_values):
        first_position = np.full(int(max(table_values.max(), wanted_values.max(initial=0))) + 1, -1, dtype=np.int64)
        first_position[table_values[::-1]] = np.arange(len(table_values) - 1, -1, -1)
        return np.asarray(first_position[wanted_values])
    matched_positions = pc.index_in(pa.array(wanted_ids), value_set=pa.array(table_ids))
    return np.asarray(matched_positions.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)


def flag_first_occurrences(ids: Ids) -> Mask:
    """Return True for rows that are the first with their id."""
    return np.asarray(lookup_rows(ids, ids) == np.arange(len(ids)))


def sort_unique(numbers: Ints) -> Ints:
    """Return the distinct numbers, ascending; for millions of them in a tenth of `np.unique`'s time."""
    ascending = np.sort(numbers)
    return np.asarray(ascending[np.r_[True, ascending[1:] != ascending[:-1]][: len(ascending)]])


def convert_to_slice(positions: Ints) -> RowIndexer:
    """Return positions as a slice if they are consecutive, else as they are."""
    if (
        not len(positions)
        or positions[0] < 0
        or len(positions) != positions[-1] - positions[0] + 1
        or (np.diff(positions) != 1).any()
    ):
        return positions
    return slice(int(positions[0]), int(positions[-1]) + 1)


def drop_duplicate_ids(table: pd.DataFrame) -> pd.DataFrame:
    """Return the first row of every id; the table itself if no id is repeated."""
    is_first = flag_first_occurrences(table[ID_COLUMN])
    return table if is_first.all() else table[is_first]


def take_or_nan(values: npt.NDArray[Any], positions: RowIndexer) -> npt.NDArray[np.float64]:
    """Return the numbers at positions, NaN at position −1; it may be a view, so never write to it."""
    if isinstance(positions, slice):
        return values[positions].astype(np.float64, copy=False)
    if not len(values):
        return np.full(positions.shape, np.nan)
    numbers = values[positions].astype(np.float64)
    if (is_missing := positions < 0).any():
        numbers[is_missing] = np.nan
    return numbers


def encode_row_ids(paths: dict[str, Path]) -> dict[str, pd.Series]:
    """Return the row ids of tables in Parquet files as numbers from 0 on; equal ids get equal numbers.

    A table with the same ids as an earlier one, row by row, shares that one's numbers, so none is encoded twice.
    """
    distinct_ids: dict[str, pa.ChunkedArray] = {}
    name_of_equal: dict[str, str] = {}
    for name, path in paths.items():
        ids = pq.read_table(path, columns=[ID_COLUMN]).column(0).cast(pa.large_string())
        name_of_equal[name] = next(
            (earlier_name for earlier_name, earlier_ids in distinct_ids.items() if earlier_ids.equals(ids)), name
        )
        if name_of_equal[name] == name:
            distinct_ids[name] = ids
    all_ids = pa.chunked_array([chunk for ids in distinct_ids.values() for chunk in ids.chunks], pa.large_string())
    chunks = all_ids.dictionary_encode(null_encoding="encode").chunks
    id_numbers = np.concatenate([chunk.indices.to_numpy() for chunk in chunks] or [np.empty(0)]).astype(np.int64)
    edges = np.cumsum([len(ids) for ids in distinct_ids.values()])[:-1]
    numbers_by_name = dict(zip(distinct_ids, np.split(id_numbers, edges), strict=True))
    series_by_name = {name: pd.Series(values, name=ID_COLUMN) for name, values in numbers_by_name.items()}
    return {name: series_by_name[earlier_name] for name, earlier_name in name_of_equal.items()}


def _is_nonnegative_integer(ids: npt.NDArray[Any]) -> bool:
    return ids.dtype.kind in "iu" and not (len(ids) and ids.min() < 0)
