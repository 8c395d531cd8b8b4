"""Rows of one key side by side, oldest first, and running totals that begin afresh with every key.

No total crosses from one key into the next or reaches ahead, so a row's figures are, to the last bit, a function of
the earlier rows of its own key.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CHUNK = 1 << 14  # rows figured together: what lies between stays in the processor's cache
MEMBERS = 1 << 19  # window members spelled out at once: 4 MB for each array of them


@dataclass(frozen=True)
class Segments:
    """The rows that have a key, sorted by key and time, with keys of equal length adjacent."""

    order: Ints  # the table row of each sorted row
    place: Ints  # key number * times + time rank, ascending
    begin: Ints  # the first sorted row of each key
    length: Ints  # rows of each key
    times: int  # distinct times of the table

    @classmethod
    def of(cls, codes: Ints, rank: Ints, by_time: Ints | None) -> "Segments":
        """Sort rows by key code (-1: no key, left out) and time rank; `by_time` is their time order, None if kept."""
        times = int(rank.max(initial=-1)) + 1
        rows = by_time
        if (codes < 0).any():
            rows = np.flatnonzero(codes >= 0) if rows is None else rows[codes[rows] >= 0]
        if rows is not None:
            codes, rank = codes[rows], rank[rows]
        length = np.bincount(codes)
        by_length = np.argsort(length, kind="stable")
        order, rank = _grouped(np.argsort(by_length), codes, rank)
        length = length[by_length]
        place = np.repeat(np.arange(len(length)) * times, length) + rank
        return cls(order if rows is None else rows[order], place, np.cumsum(length) - length, length, times)

    @cached_property
    def first(self) -> Ints:
        """The first sorted row of the same key and time: where the past of a sorted row ends."""
        first = np.arange(len(self.place))
        first[1:][self.place[1:] == self.place[:-1]] = 0
        return np.maximum.accumulate(first, out=first)

    @cached_property
    def tied(self) -> Ints:
        """The sorted rows that share their key and time with another."""
        same = np.zeros(len(self.place) + 1, bool)
        same[1:-1] = self.place[1:] == self.place[:-1]
        return np.flatnonzero(same[1:] | same[:-1])

    @cached_property
    def inverse(self) -> npt.NDArray[Any]:
        """The sorted row of each table row, where every row has a key: reading by it beats writing by `order`."""
        inverse = np.empty(len(self.order), _short(len(self.order)))
        inverse[self.order] = np.arange(len(self.order), dtype=inverse.dtype)
        return inverse

    @property
    def start(self) -> Ints:
        """The first sorted row of each sorted row's key."""
        return np.repeat(self.begin, self.length)

    @property
    def rank(self) -> Ints:
        """The time rank of each sorted row."""
        return self.place - np.repeat(np.arange(len(self.length)) * self.times, self.length)

    @property
    def moment(self) -> Ints:
        """A number for each distinct key and time, ascending."""
        return np.cumsum(self.first == np.arange(len(self.first))) - 1

    @property
    def step(self) -> Ints:
        """How many distinct times its key had before each sorted row."""
        moment = self.moment
        return moment - np.repeat(moment[self.begin], self.length)

    def sort(self, values: Floats) -> Floats:
        """Bring a table's column into sorted order, the infinite as missing; ties ascend, so input order is lost."""
        found = values.take(self.order, mode="clip")
        found += 0.0  # one zero, not two
        found[np.isinf(found)] = np.nan
        among = found[self.tied]
        found[self.tied] = among[np.lexsort((among, self.place[self.tied]))]
        return found

    def centre(self, values: Floats) -> Floats:
        """The first non-missing value of each key, 0 where there is none: known before any window that uses it."""
        present = np.flatnonzero(~np.isnan(values))
        number = np.searchsorted(present, self.begin)
        some = np.searchsorted(present, self.begin + self.length) > number
        centre = np.zeros(len(self.begin))
        centre[some] = values[present[number[some]]]
        return centre

    def before(self, values: npt.NDArray[Any], reach: np.ufunc = np.add, empty: float = 0.0) -> npt.NDArray[Any]:
        """Reduce the strictly earlier rows of each row's key by a ufunc; `empty` where there are none."""
        seen = np.empty_like(values)
        for rows, shape in self._blocks():
            block, total = values[rows].reshape(shape), seen[rows].reshape(shape)
            total[:, 0] = empty
            reach.accumulate(block[:, :-1], axis=1, out=total[:, 1:])
        seen[self.tied] = seen[self.first[self.tied]]
        return seen

    def back_rows(self, number: int) -> npt.NDArray[Any]:
        """Where the window of whole earlier times begins that holds `number` rows or, failing that, all there are."""
        return self.first[np.maximum(self.first - number, self.start)].astype(_short(len(self.first)))

    def back_ranks(self, ranks: Ints) -> npt.NDArray[Any]:
        """Where the window begins that reaches back from a row's time rank by as many as `ranks` holds for it."""
        edge = self.place - ranks[self.rank]
        low = np.empty(len(edge), _short(len(edge)))
        for begin in range(0, len(edge), CHUNK):  # edges ascend, so a short stretch of rows holds the windows of many
            end = begin + CHUNK
            base = np.searchsorted(self.place, edge[begin])
            low[begin:end] = base + np.searchsorted(self.place[base:end], edge[begin:end])
        return low

    def _blocks(self) -> Iterator[tuple[slice, tuple[int, int]]]:
        lengths, keys = np.unique(self.length, return_counts=True)
        stop = 0
        for length, number in zip(lengths.tolist(), keys.tolist(), strict=True):
            begin, stop = stop, stop + length * number
            yield slice(begin, stop), (number, length)


def _grouped(number: Ints, codes: Ints, carried: Ints) -> tuple[Ints, Ints]:
    """Positions by the number of their code, input order kept, and what they carry: a counting sort.

    It is the one inside a sparse matrix's change of layout, with one entry per column.
    """
    size, short = len(codes), _short(len(codes))
    entries: Any = carried, number.astype(short)[codes] if size else codes, np.arange(size + 1, dtype=short)
    matrix = sparse.csc_array(entries, shape=(len(number), size)).tocsr()
    return matrix.indices.astype(np.int64), matrix.data


def _short(rows: int) -> type[np.int32 | np.int64]:
    return np.int32 if rows < 2**31 - 1 else np.int64


def comoment(low: Ints, high: Ints, x: npt.NDArray[Any], y: Floats) -> Floats:
    """Spell out windows [low, high) and return each one's sum of (x - mean x)(y - mean y) over non-missing y.

    Costs the sum of the windows' sizes, but loses no digits to what lies before a window. Windows must not be empty.
    """
    size = high - low
    cuts = np.flatnonzero(np.diff(np.cumsum(size) // MEMBERS)) + 1
    parts = zip(np.split(low, cuts), np.split(size, cuts), strict=True)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return np.concatenate([_comoment(begin, length, x, y) for begin, length in parts])


def _comoment(low: Ints, size: Ints, x: npt.NDArray[Any], y: Floats) -> Floats:
    edge = np.cumsum(size) - size
    member = np.arange(size.sum()) + np.repeat(low - edge, size)
    values, absent = y[member], np.isnan(y[member])
    number = size - np.add.reduceat(absent, edge, dtype=np.int64)

    def deviation(found: Floats) -> Floats:
        found = np.where(absent, np.nan, found)
        found = np.where(absent, 0.0, found - np.repeat(np.fmin.reduceat(found, edge), size))  # equal values give 0.0
        return np.where(absent, 0.0, found - np.repeat(np.add.reduceat(found, edge) / number, size))

    return np.add.reduceat(deviation(x[member]) * deviation(values), edge)


def fading_mean(position: Ints, age: Ints, values: Floats, half_life: float) -> Floats:
    """Average each value with those before it in its run, weight 2^-(age difference / half-life).

    `position` counts 0, 1, 2, … from the start of each run and `age` is the clock. Doubling spans: after the k-th
    round a row holds its newest 2^k values, so the rounds are log2 of the longest run and no weight overflows.
    """
    total, weight, span = values.copy(), np.ones(len(values)), 1
    while len(rows := np.flatnonzero(position >= span)):
        fade = np.exp2((age[rows - span] - age[rows]) / half_life)
        with np.errstate(over="ignore", invalid="ignore"):
            total[rows] += fade * total[rows - span]
        weight[rows] += fade * weight[rows - span]
        span *= 2
    return total / weight
