"""Rows grouped by key and sorted by time, and running totals that restart at every key.

No total crosses from one key into the next or looks ahead, so a row's figures are, to the last bit, a function of the
earlier rows of its own key.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CHUNK_ROWS = 1 << 14  # rows computed at a time: intermediate arrays then stay in the processor's cache
CHUNK_MEMBERS = 1 << 19  # window members expanded at a time: 4 MB for each array of them


@dataclass(frozen=True)
class GroupedRows:
    """The rows that have a key, sorted by key and time; keys with equal numbers of rows are adjacent."""

    order: Ints  # the position in the table of each sorted row
    sort_code: Ints  # key number * times + time rank, ascending
    key_begin: Ints  # the first sorted row of each key
    key_length: Ints  # rows of each key
    time_count: int  # distinct times of the table

    @classmethod
    def group_by_key(cls, codes: Ints, rank: Ints, by_time: Ints | None) -> "GroupedRows":
        """Sort rows by key code (−1: no key, left out) and time rank.

        `by_time` holds the rows in time order; None if the table already is in time order.
        """
        times = int(rank.max(initial=-1)) + 1
        rows = by_time
        if (codes < 0).any():
            rows = np.flatnonzero(codes >= 0) if rows is None else rows[codes[rows] >= 0]
        if rows is not None:
            codes, rank = codes[rows], rank[rows]
        length = np.bincount(codes)
        by_length = np.argsort(length, kind="stable")
        order, rank = _sort_by_group(np.argsort(by_length), codes, rank)
        length = length[by_length]
        sort_code = np.repeat(np.arange(len(length)) * times, length) + rank
        return cls(order if rows is None else rows[order], sort_code, np.cumsum(length) - length, length, times)

    @cached_property
    def past_end(self) -> Ints:
        """For each sorted row, the first sorted row of the same key and time: where its past ends (exclusive)."""
        past_end = np.arange(len(self.sort_code))
        past_end[1:][self.sort_code[1:] == self.sort_code[:-1]] = 0
        return np.maximum.accumulate(past_end, out=past_end)

    @cached_property
    def tied_rows(self) -> Ints:
        """The sorted rows that share their key and time with another."""
        is_same = np.zeros(len(self.sort_code) + 1, bool)
        is_same[1:-1] = self.sort_code[1:] == self.sort_code[:-1]
        return np.flatnonzero(is_same[1:] | is_same[:-1])

    @cached_property
    def inverse_order(self) -> npt.NDArray[Any]:
        """The sorted position of each table row, if all have a key: reading by it is faster than writing by `order`."""
        inverse = np.empty(len(self.order), _pick_index_type(len(self.order)))
        inverse[self.order] = np.arange(len(self.order), dtype=inverse.dtype)
        return inverse

    @property
    def row_key_begin(self) -> Ints:
        """The first sorted row of each sorted row's key."""
        return np.repeat(self.key_begin, self.key_length)

    @property
    def time_rank(self) -> Ints:
        """The time rank of each sorted row."""
        return self.sort_code - np.repeat(np.arange(len(self.key_length)) * self.time_count, self.key_length)

    @property
    def moment_number(self) -> Ints:
        """A number for each distinct key and time, ascending."""
        return np.cumsum(self.past_end == np.arange(len(self.past_end))) - 1

    @property
    def times_before(self) -> Ints:
        """How many distinct times the key of each sorted row had before it."""
        moment = self.moment_number
        return moment - np.repeat(moment[self.key_begin], self.key_length)

    def sort_values(self, values: Floats) -> Floats:
        """Return a table column in sorted order, infinite values as missing.

        Values that tie in key and time ascend, so that the order of the input has no effect.
        """
        sorted_values = values.take(self.order, mode="clip")
        sorted_values += 0.0  # turns −0.0 into 0.0
        sorted_values[np.isinf(sorted_values)] = np.nan
        tied_values = sorted_values[self.tied_rows]
        sorted_values[self.tied_rows] = tied_values[np.lexsort((tied_values, self.sort_code[self.tied_rows]))]
        return sorted_values

    def find_key_centres(self, values: Floats) -> Floats:
        """The first non-missing value of each key, or 0 if it has none: known before any window that uses it."""
        present = np.flatnonzero(~np.isnan(values))
        first_present = np.searchsorted(present, self.key_begin)
        has_value = np.searchsorted(present, self.key_begin + self.key_length) > first_present
        centres = np.zeros(len(self.key_begin))
        centres[has_value] = values[present[first_present[has_value]]]
        return centres

    def aggregate_earlier_rows(
        self, values: npt.NDArray[Any], reducer: np.ufunc = np.add, empty_value: float = 0.0
    ) -> npt.NDArray[Any]:
        """Reduce the strictly earlier rows of each row's key by a ufunc; `empty_value` if there are none."""
        totals = np.empty_like(values)
        for rows, shape in self._blocks:
            block, block_totals = values[rows].reshape(shape), totals[rows].reshape(shape)
            block_totals[:, 0] = empty_value
            reducer.accumulate(block[:, :-1], axis=1, out=block_totals[:, 1:])
        totals[self.tied_rows] = totals[self.past_end[self.tied_rows]]
        return totals

    def find_row_window_starts(self, row_count: int) -> npt.NDArray[Any]:
        """Return where each row's window begins: the fewest whole earlier times with `row_count` rows, else all."""
        return self.past_end[np.maximum(self.past_end - row_count, self.row_key_begin)].astype(
            _pick_index_type(len(self.past_end))
        )

    def find_time_window_starts(self, ranks: Ints) -> npt.NDArray[Any]:
        """Return where each row's window begins that reaches back by `ranks[time rank of the row]` time ranks."""
        window_edge = self.sort_code - ranks[self.time_rank]
        window_start = np.empty(len(window_edge), _pick_index_type(len(window_edge)))
        # edges ascend, so the windows of many rows begin within a short stretch
        for begin in range(0, len(window_edge), CHUNK_ROWS):
            end = begin + CHUNK_ROWS
            first_candidate = np.searchsorted(self.sort_code, window_edge[begin])
            window_start[begin:end] = first_candidate + np.searchsorted(
                self.sort_code[first_candidate:end], window_edge[begin:end]
            )
        return window_start

    @cached_property
    def _blocks(self) -> list[tuple[slice, tuple[int, int]]]:
        """The sorted rows of the keys of each length, with the number of these keys and the length."""
        lengths, keys = np.unique(self.key_length, return_counts=True)
        ends = np.cumsum(lengths * keys).tolist()
        return [
            (slice(end - length * key_count, end), (key_count, length))
            for length, key_count, end in zip(lengths.tolist(), keys.tolist(), ends, strict=True)
        ]


def _sort_by_group(code_number: Ints, codes: Ints, carried: Ints) -> tuple[Ints, Ints]:
    """Return positions sorted by the number of their code, ties in input order, and `carried` in the same order.

    This is the counting sort inside a sparse matrix's conversion from columns to rows, with one entry per column.
    """
    size, index_type = len(codes), _pick_index_type(len(codes))
    entries: Any = (
        carried,
        code_number.astype(index_type)[codes] if size else codes,
        np.arange(size + 1, dtype=index_type),
    )
    matrix = sparse.csc_array(entries, shape=(len(code_number), size)).tocsr()
    return matrix.indices.astype(np.int64), matrix.data


def _pick_index_type(rows: int) -> type[np.int32 | np.int64]:
    return np.int32 if rows < 2**31 - 1 else np.int64


def compute_comoments(window_start: Ints, window_end: Ints, x: npt.NDArray[Any], y: Floats) -> Floats:
    """Return Σ(x - mean x)(y - mean y) over the non-missing y of each window [start, end), row by row.

    Takes time in proportion to the sum of the windows' sizes, but loses no digits to what lies before a window.
    Windows must not be empty.
    """
    size = window_end - window_start
    cuts = np.flatnonzero(np.diff(np.cumsum(size) // CHUNK_MEMBERS)) + 1
    chunks = zip(np.split(window_start, cuts), np.split(size, cuts), strict=True)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return np.concatenate([_compute_chunk_comoments(begin, length, x, y) for begin, length in chunks])


def _compute_chunk_comoments(window_start: Ints, size: Ints, x: npt.NDArray[Any], y: Floats) -> Floats:
    chunk_start = np.cumsum(size) - size
    member = np.arange(size.sum()) + np.repeat(window_start - chunk_start, size)
    values, is_missing = y[member], np.isnan(y[member])
    present_count = size - np.add.reduceat(is_missing, chunk_start, dtype=np.int64)

    def compute_deviations(numbers: Floats) -> Floats:
        numbers = np.where(is_missing, np.nan, numbers)
        # less the minimum first: equal values then give exactly 0.0
        numbers = np.where(is_missing, 0.0, numbers - np.repeat(np.fmin.reduceat(numbers, chunk_start), size))
        return np.where(
            is_missing, 0.0, numbers - np.repeat(np.add.reduceat(numbers, chunk_start) / present_count, size)
        )

    return np.add.reduceat(compute_deviations(x[member]) * compute_deviations(values), chunk_start)


def compute_fading_mean(position: Ints, age: Ints, values: Floats, half_life: float) -> Floats:
    """Average each value with those before it in its run, weighted by 2^-(age difference / half-life).

    `position` counts 0, 1, 2, … from the start of each run; `age` is the time, in the unit of the half-life. Spans
    double: after round k a row has averaged its newest 2^k values, so there are log2(longest run) rounds, and no
    weight overflows.
    """
    total, weight, span = values.copy(), np.ones(len(values)), 1
    while len(rows := np.flatnonzero(position >= span)):
        fade = np.exp2((age[rows - span] - age[rows]) / half_life)
        with np.errstate(over="ignore", invalid="ignore"):
            total[rows] += fade * total[rows - span]
        weight[rows] += fade * weight[rows - span]
        span *= 2
    return total / weight
