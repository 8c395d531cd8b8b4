"""Running totals of a table's columns by key, made once, shared by every window, and kept in bounded number."""

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from numbers import Integral, Real
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.refusals import Refusal, suggest
from core.segments import CHUNK, Floats, Ints, Segments

By = str | Sequence[str]
Array = npt.NDArray[Any]
Thing = TypeVar("Thing")

TICKS_A_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
LAYOUTS = 3  # sorted layouts kept, 28 bytes a row each
EDGES = 6  # window edges kept, 4 bytes a row each
ARRAYS = 6  # columns and totals kept, 8 bytes a row each


class Memory(Generic[Thing]):
    """Things made once, of which the one unused for longest is let go when there are too many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._things: OrderedDict[Hashable, Thing] = OrderedDict()

    def recall(self, key: Hashable, make: Callable[[], Thing]) -> Thing:
        """Look a thing up, or make it."""
        thing = self._things[key] if key in self._things else make()
        self._things[key] = thing
        self._things.move_to_end(key)
        while len(self._things) > self._most:
            self._things.popitem(last=False)
        return thing


class Totals:
    """What every row could have known before its time, in the sorted order of a key."""

    def __init__(self, table: pd.DataFrame, time: str) -> None:
        self._table = table.copy(deep=False)
        clock = _clock(self._column(time), time)
        self.day = TICKS_A_DAY[clock.unit]
        self.times, self._rank, self._by_time = _ranked(clock.asi8)
        self._layouts = Memory[Segments](LAYOUTS)
        self._edges, self._arrays = Memory[Array](EDGES), Memory[Array](ARRAYS)

    def layout(self, by: By) -> Segments:
        """The rows sorted for a key."""
        names = _names(by)
        return self._layouts.recall(names, lambda: self._sorted(names))

    def low(self, by: By, last: int | None, days: float | None) -> Array | None:
        """The first sorted row of each row's window; None where the window is all earlier rows."""
        if last is not None and days is not None:
            raise Refusal(f"last={last!r} and days={days!r} came together; give one of them, or neither for all rows.")
        if last is not None:
            number = whole("last", last)
            return self._edges.recall(("last", number, _names(by)), lambda: self.layout(by).back_rows(number))
        if days is not None:
            reach = positive("days", days)
            back = self._ranks_back(reach)
            return self._edges.recall(("days", reach, _names(by)), lambda: self.layout(by).back_ranks(back))
        return None

    def values(self, column: str, by: By) -> Floats:
        """The sorted column; infinite values are missing."""
        return self._keep(("values", column, _names(by)), lambda: self.layout(by).sort(self.column(column)))

    def centre(self, column: str, by: By) -> Floats:
        """The value that each sorted row's column is counted from in `seen`: its key's first."""
        layout = self.layout(by)
        key = ("centre", column, _names(by))
        return self._keep(key, lambda: np.repeat(layout.centre(self.values(column, by)), layout.length))

    def rows(self, by: By) -> Floats:
        """How many rows each sorted row's key had before."""
        layout = self.layout(by)
        return self._keep(("rows", _names(by)), lambda: (layout.first - layout.start).astype(np.float64))

    def step(self, by: By) -> Ints:
        """How many distinct times each sorted row's key had before."""
        return self._keep(("step", _names(by)), lambda: self.layout(by).step)

    def seen(self, kind: str, column: str, by: By) -> Array:
        """A total over the strictly earlier rows of each sorted row's key: of 1, x, x², t, t² or tx.

        x is the value less its key's centre and t the number of the key's time; missing values count for nothing.
        """
        return self._keep((kind, column, _names(by)), lambda: self._summed(kind, column, by))

    def within(
        self, low: Array | None, totals: Sequence[Array], others: Sequence[Array], formula: Callable[..., Floats]
    ) -> Floats:
        """Apply a formula to what each window adds to the totals, and to other sorted figures, some rows at a time."""
        found = np.empty(len(totals[0]))
        with np.errstate(all="ignore"):
            for begin in range(0, len(found), CHUNK):
                rows = slice(begin, begin + CHUNK)
                edge = None if low is None else low[rows]
                added = (seen[rows] if edge is None else seen[rows] - seen.take(edge, mode="clip") for seen in totals)
                found[rows] = formula(*added, *(other[rows] for other in others))
        return found

    def table_order(self, by: By, found: Floats, absent: float) -> Floats:
        """Bring sorted figures back into the table's order; `absent` for rows without a key."""
        layout = self.layout(by)
        if len(layout.order) == len(self._table):
            return found.take(layout.inverse, mode="clip")
        answer = np.full(len(self._table), absent)
        answer[layout.order] = found
        return answer

    def _summed(self, kind: str, column: str, by: By) -> Array:
        layout, values = self.layout(by), self.values(column, by)
        absent = np.isnan(values)
        if kind == "1":
            return layout.before((~absent).astype(np.float64)) if absent.any() else self.rows(by)
        if kind in ("t", "t²"):
            return layout.before(~absent * self.step(by) ** len(kind))
        with np.errstate(over="ignore", invalid="ignore"):
            x = values - self.centre(column, by)
            x[absent] = 0.0
            if kind != "x":
                x *= x if kind == "x²" else self.step(by)
            return layout.before(x)

    def _keep(self, key: Hashable, make: Callable[[], Array]) -> Array:
        array = self._arrays.recall(key, make)
        array.flags.writeable = False
        return array

    def _column(self, name: str) -> "pd.Series[Any]":
        if not isinstance(name, str) or name not in self._table.columns:
            raise Refusal(f"column {name!r} is not in the table; {suggest(str(name), map(str, self._table.columns))}")
        return self._table[name]

    def has(self, column: str) -> bool:
        """Whether the table has a column."""
        return column in self._table.columns

    def days(self) -> Ints:
        """The day of each row's time, counted from 1970."""
        days: Ints = self.times[self._rank] // self.day
        return days

    def column(self, column: str) -> Floats:
        series = self._column(column)
        if not pd.api.types.is_numeric_dtype(series.dtype):
            raise Refusal(f"column {column!r} holds {series.dtype}; aggregates need numbers or true and false.")
        if isinstance(series.dtype, np.dtype):
            return series.to_numpy(np.float64)
        return series.to_numpy(np.float64, na_value=np.nan)

    def codes(self, by: By) -> Ints:
        """A number for each row's key, by first appearance; −1 where a part of it is missing."""
        names = _names(by)
        codes = pd.factorize(self._column(names[0]))[0]
        for name in names[1:]:
            more, words = pd.factorize(self._column(name))
            known = np.flatnonzero((codes >= 0) & (more >= 0))
            pair = pd.factorize(codes[known] * len(words) + more[known])[0]
            codes = np.full(len(codes), -1)
            codes[known] = pair
        return codes

    def _sorted(self, names: tuple[str, ...]) -> Segments:
        return Segments.of(self.codes(names), self._rank, self._by_time)

    def _ranks_back(self, days: float) -> Ints:
        """How many distinct times lie between each time and the first one inside its window of days."""
        if not len(self.times):
            return self.times
        span = int(self.times[-1]) - int(self.times[0])
        reach = math.floor(days * self.day) if days < span / self.day else span
        edge: Ints = np.maximum(self.times, self.times[0] + reach) - reach  # no edge overflows below the first time
        back: Ints = np.arange(len(edge)) - np.searchsorted(self.times, edge)
        return back


def whole(name: str, number: object) -> int:
    """Return a whole number of at least 1, or refuse."""
    if isinstance(number, bool) or not isinstance(number, Integral) or int(number) < 1:
        raise Refusal(f"{name}={number!r} came; give a whole number of 1 or more.")
    return int(number)


def positive(name: str, number: object) -> float:
    """Return a positive finite number, or refuse."""
    if not isinstance(number, Real) or not 0 < float(number) < math.inf:
        raise Refusal(f"{name}={number!r} came; give a positive, finite number.")
    return float(number)


def _names(by: By) -> tuple[str, ...]:
    names = (by,) if isinstance(by, str) else tuple(by)
    if not names:
        raise Refusal("by names no column; give at least one key column.")
    return names


def _clock(times: "pd.Series[Any]", name: str) -> pd.DatetimeIndex:
    if len(times) and not pd.api.types.is_datetime64_any_dtype(times.dtype):
        raise Refusal(f"time column {name!r} holds {times.dtype}; give datetime64, as pandas.to_datetime makes.")
    clock = pd.DatetimeIndex(times)
    if lacking := np.count_nonzero(times.isna()):
        raise Refusal(f"time column {name!r} lacks {lacking} of {len(clock)} times; fill or drop those rows.")
    return clock


def _ranked(ticks: Ints) -> tuple[Ints, Ints, Ints | None]:
    """The distinct times, each row's rank among them, and the rows in time order; None where they are in order."""
    order = None if (ticks[1:] >= ticks[:-1]).all() else np.argsort(ticks, kind="stable")
    ascending = ticks if order is None else ticks[order]
    fresh = np.ones(len(ticks), bool)
    fresh[1:] = ascending[1:] != ascending[:-1]
    rank = np.cumsum(fresh) - 1
    if order is not None:
        rank[order] = rank.copy()
    return ascending[fresh], rank, order
