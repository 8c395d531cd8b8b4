"""Running totals of a table's columns by key, computed once for all windows and cached in bounded number."""

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from trueline.core.errors import UserError, did_you_mean
from trueline.core.history.grouped_rows import CHUNK_ROWS, Floats, GroupedRows, Ints

KeyColumns = str | Sequence[str]


@dataclass(frozen=True)
class FirstSeen:
    """A key that never changes: what `columns` were at the first row of the key `by`."""

    columns: KeyColumns
    by: KeyColumns


RatedKey = KeyColumns | FirstSeen
Array = npt.NDArray[Any]
Item = TypeVar("Item")


class Table(Protocol):
    """What running totals need of a table; a DataFrame has it."""

    @property
    def columns(self) -> Iterable[Any]:
        """The names of the columns."""

    def __len__(self) -> int: ...

    def __contains__(self, name: Any) -> bool: ...

    def __getitem__(self, name: str) -> Any: ...


TICKS_PER_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
MAX_LAYOUTS = 3  # sorted layouts in the cache, 28 bytes a row each
MAX_EDGES = 6  # window edges in the cache, 4 bytes a row each
MAX_ARRAYS = 6  # columns and totals in the cache, 8 bytes a row each
SMALL_ITEMS_ROWS = 1_000_000  # rows of all the items that a small table may have in a cache beyond that: some 8 MB


class LruCache(Generic[Item]):
    """A cache that drops the least recently used item when it holds more than `max_items`."""

    def __init__(self, max_items: int) -> None:
        self._max_items = max_items
        self._items: OrderedDict[Hashable, Item] = OrderedDict()

    def get_or_create(self, key: Hashable, create: Callable[[], Item]) -> Item:
        """Return the item of a key, created if it is not cached."""
        item = self._items[key] if key in self._items else create()
        self._items[key] = item
        self._items.move_to_end(key)
        while len(self._items) > self._max_items:
            self._items.popitem(last=False)
        return item


class RunningTotals:
    """Running totals over what every row could have known before its time, in the sorted order of a key."""

    def __init__(self, table: Table, time: str) -> None:
        self._table = table.copy(deep=False) if isinstance(table, pd.DataFrame) else table
        clock = _validate_times(self._get_column(time), time)
        self.ticks_per_day = TICKS_PER_DAY[clock.unit]
        self.times, self._time_rank, self._by_time = _rank_times(clock.asi8)
        small_items = SMALL_ITEMS_ROWS // max(len(table), 1)
        self._layouts = LruCache[GroupedRows](max(MAX_LAYOUTS, small_items))
        self._window_edges = LruCache[Array](max(MAX_EDGES, small_items))
        self._arrays = LruCache[Array](max(MAX_ARRAYS, small_items))

    def get_layout(self, by: KeyColumns) -> GroupedRows:
        """The rows sorted by a key."""
        names = _list_key_names(by)
        return self._layouts.get_or_create(names, lambda: self._sort_rows(names))

    def find_window_starts(self, by: KeyColumns, last: int | None, days: float | None) -> Array | None:
        """The first sorted row of each row's window; None if the window is all earlier rows.

        Raises UserError if both windows are given, or one is not positive.
        """
        if last is not None and days is not None:
            raise UserError(
                f"last={last!r} and days={days!r} are given together; give one of them, or neither for all rows."
            )
        if last is not None:
            row_count = require_positive_integer("last", last)
            return self._window_edges.get_or_create(
                ("last", row_count, _list_key_names(by)), lambda: self.get_layout(by).find_row_window_starts(row_count)
            )
        if days is not None:
            window_days = require_positive_number("days", days)
            ranks_back = self._count_ranks_back(window_days)
            return self._window_edges.get_or_create(
                ("days", window_days, _list_key_names(by)),
                lambda: self.get_layout(by).find_time_window_starts(ranks_back),
            )
        return None

    def get_values(self, column: str, by: KeyColumns) -> Floats:
        """A column in sorted order; infinite values are missing."""
        return self._get_array(
            ("values", column, _list_key_names(by)), lambda: self.get_layout(by).sort_values(self.get_numbers(column))
        )

    def get_centres(self, column: str, by: KeyColumns) -> Floats:
        """The value that `get_prefix_sum` subtracts from each sorted row's column: the first of its key."""
        layout = self.get_layout(by)
        key = ("centre", column, _list_key_names(by))
        return self._get_array(
            key, lambda: np.repeat(layout.find_key_centres(self.get_values(column, by)), layout.key_length)
        )

    def count_rows_before(self, by: KeyColumns) -> Floats:
        """How many rows each sorted row's key had before."""
        layout = self.get_layout(by)
        return self._get_array(
            ("rows", _list_key_names(by)), lambda: (layout.past_end - layout.row_key_begin).astype(np.float64)
        )

    def count_times_before(self, by: KeyColumns) -> Ints:
        """How many distinct times each sorted row's key had before."""
        return self._get_array(("step", _list_key_names(by)), lambda: self.get_layout(by).times_before)

    def get_prefix_sum(self, moment: str, column: str, by: KeyColumns) -> Array:
        """A total over the strictly earlier rows of each sorted row's key: of 1, x, x², t, t² or tx.

        x is the value minus its key's centre, t the number of the time within its key; missing values add nothing.
        """
        return self._get_array(
            (moment, column, _list_key_names(by)), lambda: self._compute_prefix_sum(moment, column, by)
        )

    def apply_to_windows(
        self,
        window_start: Array | None,
        totals: Sequence[Array],
        other_arrays: Sequence[Array],
        formula: Callable[..., Floats],
    ) -> Floats:
        """Apply a formula to the sums of each window and to other sorted arrays, a chunk of rows at a time."""
        results = np.empty(len(totals[0]))
        with np.errstate(all="ignore"):
            for begin in range(0, len(results), CHUNK_ROWS):
                rows = slice(begin, begin + CHUNK_ROWS)
                start_rows = None if window_start is None else window_start[rows]
                window_sums = (
                    total[rows] if start_rows is None else total[rows] - total.take(start_rows, mode="clip")
                    for total in totals
                )
                results[rows] = formula(*window_sums, *(other_array[rows] for other_array in other_arrays))
        return results

    def restore_table_order(self, by: KeyColumns, sorted_values: Floats, missing_value: float) -> Floats:
        """Return sorted figures in the order of the table; `missing_value` for rows without a key."""
        layout = self.get_layout(by)
        if len(layout.order) == len(self._table):
            return sorted_values.take(layout.inverse_order, mode="clip")
        table_values = np.full(len(self._table), missing_value)
        table_values[layout.order] = sorted_values
        return table_values

    def _compute_prefix_sum(self, moment: str, column: str, by: KeyColumns) -> Array:
        layout, values = self.get_layout(by), self.get_values(column, by)
        is_missing = np.isnan(values)
        if moment == "1":
            if is_missing.any():
                return layout.aggregate_earlier_rows((~is_missing).astype(np.float64))
            return self.count_rows_before(by)
        if moment in ("t", "t²"):
            return layout.aggregate_earlier_rows(~is_missing * self.count_times_before(by) ** len(moment))
        with np.errstate(over="ignore", invalid="ignore"):
            x = values - self.get_centres(column, by)
            x[is_missing] = 0.0
            if moment != "x":
                x *= x if moment == "x²" else self.count_times_before(by)
            return layout.aggregate_earlier_rows(x)

    def _get_array(self, key: Hashable, create: Callable[[], Array]) -> Array:
        array = self._arrays.get_or_create(key, create)
        array.flags.writeable = False
        return array

    def _get_column(self, name: str) -> "pd.Series[Any]":
        if not isinstance(name, str) or name not in self._table:
            raise UserError(
                f"column {name!r} is not in the table; {did_you_mean(str(name), map(str, self._table.columns))}"
            )
        column: pd.Series[Any] = self._table[name]
        return column

    def has_column(self, column: str) -> bool:
        """Whether the table has a column."""
        return column in self._table

    def get_row_days(self) -> Ints:
        """The day of each row's time, counted from 1970."""
        days: Ints = self.times[self._time_rank] // self.ticks_per_day
        return days

    def get_numbers(self, column: str) -> Floats:
        """A column as float64, missing as NaN; raises UserError if it is not numeric or boolean."""
        series = self._get_column(column)
        if not pd.api.types.is_numeric_dtype(series.dtype):
            raise UserError(f"column {column!r} holds {series.dtype}; aggregates need numbers or true/false.")
        if isinstance(series.dtype, np.dtype):
            return series.to_numpy(np.float64)
        return series.to_numpy(np.float64, na_value=np.nan)

    def get_time_ranks(self) -> Ints:
        """The rank of each row's time among all distinct times."""
        return self._time_rank

    def append_column(self, name: str, values: Floats) -> pd.DataFrame:
        """The table with one more column, or another one of that name."""
        columns = {str(column): self._table[str(column)] for column in self._table.columns}
        return pd.DataFrame({**columns, name: values})

    def sum_columns(self, column_factors: Mapping[str, float]) -> Floats:
        """The sum of columns, each times its factor; missing where one of them is."""
        return np.asarray(sum(factor * self.get_numbers(name) for name, factor in column_factors.items()))

    def encode_keys(self, by: KeyColumns) -> Ints:
        """A number for each row's key, by first appearance; −1 if any of its columns is missing."""
        names = _list_key_names(by)
        codes = self._encode_column(names[0])[0]
        for name in names[1:]:
            column_codes, value_count = self._encode_column(name)
            rows_with_key = np.flatnonzero((codes >= 0) & (column_codes >= 0))
            pair_codes = pd.factorize(codes[rows_with_key] * value_count + column_codes[rows_with_key])[0]
            codes = np.full(len(codes), -1)
            codes[rows_with_key] = pair_codes
        return codes

    def _encode_column(self, name: str) -> tuple[Ints, int]:
        """A number for each value, by first appearance, −1 if it is missing; and how many distinct values there are."""
        column = self._get_column(name)
        # of an array, because the distinct values of a Series become an index, which takes as long as 10,000 rows
        codes, distinct_values = pd.factorize(column.to_numpy() if isinstance(column.dtype, np.dtype) else column)
        return codes, len(distinct_values)

    def encode_rated_keys(self, by: RatedKey) -> Ints:
        """A number for each row's key, as `encode_keys`, or for its first value."""
        if isinstance(by, FirstSeen):
            return take_first_codes(self.encode_keys(by.by), self.encode_keys(by.columns), self._time_rank)
        return self.encode_keys(by)

    def _sort_rows(self, names: tuple[str, ...]) -> GroupedRows:
        return GroupedRows.group_by_key(self.encode_keys(names), self._time_rank, self._by_time)

    def _count_ranks_back(self, days: float) -> Ints:
        """How many distinct times lie between each time and the first one inside its window of days."""
        if not len(self.times):
            return self.times
        span = int(self.times[-1]) - int(self.times[0])
        window_ticks = math.floor(days * self.ticks_per_day) if days < span / self.ticks_per_day else span
        # the maximum keeps edges from overflowing below the first time
        window_edge: Ints = np.maximum(self.times, self.times[0] + window_ticks) - window_ticks
        ranks_back: Ints = np.arange(len(window_edge)) - np.searchsorted(self.times, window_edge)
        return ranks_back


def take_first_codes(keys: Ints, codes: Ints, times: Ints) -> Ints:
    """Return for each row the code of its key's earliest row, if that is strictly earlier; else its own code.

    Of several earliest rows the first in the table counts. A row without a key, which is −1, has its own code.
    """
    by_time = np.argsort(times, kind="stable")
    distinct_keys, first_positions = np.unique(keys[by_time], return_index=True)
    first_rows = by_time[first_positions][np.searchsorted(distinct_keys, keys)]
    return np.where((keys >= 0) & (times[first_rows] < times), codes[first_rows], codes)


def require_positive_integer(name: str, number: object) -> int:
    """Return a whole number of at least 1; raise UserError for anything else."""
    if isinstance(number, bool) or not isinstance(number, Integral) or int(number) < 1:
        raise UserError(f"{name}={number!r} is not allowed; give a whole number of 1 or more.")
    return int(number)


def require_positive_number(name: str, number: object) -> float:
    """Return a positive, finite number; raise UserError for anything else."""
    if not isinstance(number, Real) or not 0 < float(number) < math.inf:
        raise UserError(f"{name}={number!r} is not allowed; give a positive, finite number.")
    return float(number)


def _list_key_names(by: KeyColumns) -> tuple[str, ...]:
    names = (by,) if isinstance(by, str) else tuple(by)
    if not names:
        raise UserError("`by` names no column; give at least one key column.")
    return names


def _validate_times(times: "pd.Series[Any]", name: str) -> pd.DatetimeIndex:
    if len(times) and not pd.api.types.is_datetime64_any_dtype(times.dtype):
        raise UserError(f"time column {name!r} holds {times.dtype}; give datetime64, as pandas.to_datetime returns.")
    clock = pd.DatetimeIndex(times)
    if missing_count := np.count_nonzero(times.isna()):
        raise UserError(f"time column {name!r} lacks {missing_count} of {len(clock)} times; fill or drop those rows.")
    return clock


def _rank_times(ticks: Ints) -> tuple[Ints, Ints, Ints | None]:
    """The distinct times, each row's rank among them, and the rows in time order; None if they already are in order."""
    order = None if (ticks[1:] >= ticks[:-1]).all() else np.argsort(ticks, kind="stable")
    ascending = ticks if order is None else ticks[order]
    is_new_time = np.ones(len(ticks), bool)
    is_new_time[1:] = ascending[1:] != ascending[:-1]
    rank = np.cumsum(is_new_time) - 1
    if order is not None:
        rank[order] = rank.copy()
    return ascending[is_new_time], rank, order
