"""Online history: past rows indexed by key, so that the past of posted rows is found without scanning all of it."""

from collections.abc import Callable, Mapping
from copy import copy
from functools import cached_property, wraps
from inspect import signature
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from trueline.core.history.grouped_rows import Floats, Ints
from trueline.core.history.opponent_ratings import RatingHistory, RatingKey, RatingTerms, compute_residuals
from trueline.core.history.past import Past
from trueline.core.history.prefix_sums import (
    FirstSeen,
    KeyColumns,
    RatedKey,
    take_first_codes,
)
from trueline.service.gathered_rows import GatheredRows

DAY = np.timedelta64(1, "D")
SHARED_PAST = "shared past"  # the column that numbers, for one key, the rows of it that have the same past


class OnlineHistory:
    """A table of past rows, indexed by a key when that key is first used.

    Numeric, boolean and text columns are kept; others are dropped, because no aggregate uses them.
    """

    def __init__(self, history: pd.DataFrame, time: str = "time") -> None:
        usable_columns = history.drop(columns=time).select_dtypes(["number", "bool", "object", "string"])
        self.time, self.column_names = time, [str(name) for name in usable_columns]
        self.times = history[time].to_numpy("datetime64[us]")
        self.positions = {name: position for position, name in enumerate(self.column_names)}
        self._categories = {
            name: pd.Index(usable_columns[name].dropna().unique(), dtype=object)
            for name in self.column_names
            if not pd.api.types.is_numeric_dtype(usable_columns[name].dtype)
        }
        self.values = np.asfortranarray(self.encode_rows(usable_columns))  # column by column, as they are read
        self._key_indexes: dict[tuple[str, ...], KeyIndex] = {}
        self._rating_histories: dict[RatingKey, RatingHistory] = {}
        self._extended_histories: dict[tuple[str, RatingKey], OnlineHistory] = {}
        self._lock = Lock()  # requests may run in parallel: only one of them builds an index or ratings

    def build_past(self, posted: pd.DataFrame) -> "OnlinePast":
        """Return the past of posted rows, which see neither each other nor rows of their time or later."""
        return OnlinePast(self, posted)

    def encode_rows(self, rows: pd.DataFrame) -> Floats:
        """Return rows × columns of numbers; text as codes, with one code for all texts that the history lacks."""
        encoded = np.full((len(rows), len(self.column_names)), np.nan)
        numeric_names = [name for name in self.column_names if name in rows and name not in self._categories]
        encoded[:, [self.positions[name] for name in numeric_names]] = rows[numeric_names].to_numpy(
            np.float64, na_value=np.nan
        )
        for name in self._categories:
            if name in rows:
                encoded[:, self.positions[name]] = self._encode_texts(name, rows[name])
        return encoded

    def _encode_texts(self, name: str, values: "pd.Series[Any]") -> Floats:
        texts, categories = values.to_numpy(object), self._categories[name]
        category_index = categories.get_indexer(pd.Index(texts, dtype=object))
        code = np.where(category_index < 0, len(categories), category_index)
        return np.where(pd.isna(texts), np.nan, code)

    def _encode_column(self, name: str, values: "pd.Series[Any]") -> Floats:
        """Return a column as `encode_rows` does."""
        if name in self._categories:
            return self._encode_texts(name, values)
        return values.to_numpy(np.float64, na_value=np.nan)

    def find_unseen(self, name: str, values: "pd.Series[Any]") -> list[str]:
        """Return the distinct texts of a column that the history lacks; none if it has no such column of texts."""
        if name not in self._categories:
            return []
        texts = values.to_numpy(object)
        is_unseen = self._categories[name].get_indexer(pd.Index(texts, dtype=object)) < 0
        return sorted({str(text) for text in texts[is_unseen] if not pd.isna(text)})

    def get_bounds(self, name: str) -> tuple[float, float] | None:
        """Return the least and the greatest number of a column; None without numbers."""
        if name not in self.column_names or name in self._categories:
            return None
        index = self.positions[name]
        low, high = float(self._bounds[0][index]), float(self._bounds[1][index])
        return None if np.isnan(low) else (low, high)

    @cached_property
    def _bounds(self) -> tuple[Floats, Floats]:
        return np.fmin.reduce(self.values, axis=0), np.fmax.reduce(self.values, axis=0)

    def count_past_rows(self, posted: pd.DataFrame, by: KeyColumns) -> Ints:
        """Return how many strictly earlier rows of its key each posted row has."""
        key_index, names = self.get_key_index(by), (by,) if isinstance(by, str) else by
        codes = key_index.encode_keys(np.column_stack([self._encode_column(name, posted[name]) for name in names]))
        earlier_rows = key_index.find_rows_before(codes, posted[self.time].to_numpy("datetime64[us]"))
        return np.array([len(rows) for rows in earlier_rows], np.int64)

    def list_texts(self, name: str) -> list[str]:
        """Return the distinct values of a column of text."""
        return [str(value) for value in self._categories[name]]

    def find_column_indexes(self, by: KeyColumns) -> list[int]:
        """Return the positions of the columns of a key."""
        return [self.positions[name] for name in ((by,) if isinstance(by, str) else by)]

    def get_key_index(self, by: KeyColumns) -> "KeyIndex":
        """Return the index of the rows by a key, built at first use."""
        names = (by,) if isinstance(by, str) else tuple(by)
        with self._lock:
            if names not in self._key_indexes:
                self._key_indexes[names] = KeyIndex(self.values[:, self.find_column_indexes(names)], self.times)
            return self._key_indexes[names]

    def encode_rated_keys(self, by: RatedKey) -> Ints:
        """Return a code for the key of each row of the history, or for its first value."""
        if isinstance(by, FirstSeen):
            times = self.times.astype(np.int64)
            return take_first_codes(self.get_key_index(by.by).codes, self.get_key_index(by.columns).codes, times)
        return self.get_key_index(by).codes

    def get_rating_history(self, terms: RatingTerms) -> RatingHistory:
        """Return the ratings of the history as `Past.rating` would learn them, built at first use."""
        cache_key = terms.build_cache_key()
        if (learned := self._rating_histories.get(cache_key)) is not None:
            return learned
        codes = [self.encode_rated_keys(by) for by in (terms.group_key, *terms.effects)]
        with self._lock:
            if cache_key not in self._rating_histories:
                days = self.times.astype("datetime64[D]").astype(np.int64)
                self._rating_histories[cache_key] = RatingHistory(
                    self._sum_columns(terms.column_factors),
                    codes[0],
                    days,
                    codes[1:],
                    list(terms.effects.values()),
                    terms.half_life_days,
                )
            return self._rating_histories[cache_key]

    def get_extended_history(self, name: str, terms: RatingTerms) -> "OnlineHistory":
        """Return the history with the residuals that `Past.add_residuals` would add, built at first use."""
        cache_key = name, terms.build_cache_key()
        if (extended := self._extended_histories.get(cache_key)) is not None:
            return extended
        rating_history = self.get_rating_history(terms)
        group = self.get_key_index(terms.group_key).codes
        with self._lock:
            if cache_key not in self._extended_histories:
                residuals = compute_residuals(
                    self._sum_columns(terms.column_factors),
                    rating_history.row_ratings,
                    group,
                    self.times.astype(np.int64),
                )
                self._extended_histories[cache_key] = self._append_column(name, residuals)
            return self._extended_histories[cache_key]

    def _sum_columns(self, column_factors: Mapping[str, float]) -> Floats:
        return np.asarray(sum(factor * self.values[:, self.positions[name]] for name, factor in column_factors.items()))

    def _append_column(self, name: str, values: Floats) -> "OnlineHistory":
        """Return a history with one more column, which shares the indexes and ratings of this one."""
        extended = copy(self)
        extended.__dict__.pop("_bounds", None)
        extended.column_names = [*self.column_names, name]
        extended.positions = {**self.positions, name: len(self.column_names)}
        extended.values = np.asfortranarray(np.column_stack([self.values, values]))
        return extended


class KeyIndex:
    """The rows sorted by key and, within it, oldest first, and a code for every key."""

    def __init__(self, values: Floats, times: npt.NDArray[np.datetime64]) -> None:
        self._encoding_steps: list[tuple[Floats, Ints]] = []
        self.codes = np.zeros(len(values), np.int64)
        for column in values.T:
            distinct_values = np.unique(column[~np.isnan(column)])
            pair_codes = _encode_pairs(self.codes, distinct_values, column)
            distinct_pairs = np.unique(pair_codes[pair_codes >= 0])
            self._encoding_steps.append((distinct_values, distinct_pairs))
            self.codes = _find_sorted_positions(distinct_pairs, pair_codes)
        order = np.lexsort((times, self.codes))
        self._sorted_rows = order[self.codes[order] >= 0]
        self._sorted_codes, self._sorted_times = self.codes[self._sorted_rows], times[self._sorted_rows]

    def encode_keys(self, values: Floats) -> Ints:
        """Return the key codes of posted rows; −1 for a key that the history lacks or that has a missing column."""
        codes = np.zeros(len(values), np.int64)
        for column, (distinct_values, distinct_pairs) in zip(values.T, self._encoding_steps, strict=True):
            codes = _find_sorted_positions(distinct_pairs, _encode_pairs(codes, distinct_values, column))
        return codes

    def find_rows_before(self, codes: Ints, moments: npt.NDArray[np.datetime64]) -> list[Ints]:
        """Return for each key and moment the rows of that key that are earlier; none for the key −1."""
        begins = np.searchsorted(self._sorted_codes, codes)
        ends = np.searchsorted(self._sorted_codes, codes, side="right")
        return [
            self._sorted_rows[begin : begin + np.searchsorted(self._sorted_times[begin:end], moment)]
            for begin, end, moment in zip(begins, ends, moments, strict=True)
        ]


class OnlinePast(Past):
    """Aggregates for posted rows, to the last bit those of `Past` on the table of the history and these rows.

    Every figure of a row depends only on the earlier rows of its own key. So rows that share a key and a time are put
    behind the rows of the history with that key before that time, and nothing else. Posted rows of one key and several
    times each get a copy of its history, and do not see each other either.
    """

    def __init__(self, history: OnlineHistory, posted: pd.DataFrame) -> None:
        self._history, self._posted, self._row_count = history, posted, len(posted)
        self._moments = posted[history.time].to_numpy("datetime64[us]")
        self._moment_numbers = np.unique(self._moments, return_inverse=True)[1]
        self._posted_values = history.encode_rows(posted)
        self._past_by_key: dict[tuple[str, ...], Past] = {}
        self.copied_rows = 0  # the largest number of rows of the history that a key needed

    def has_column(self, column: str) -> bool:
        """See Past."""
        return column in self._history.column_names

    def rating(self, terms: RatingTerms) -> Floats:
        """See Past."""
        rating_history = self._history.get_rating_history(terms)
        codes = [self._encode_rated_keys(by) for by in terms.effects]
        days = self._moments.astype("datetime64[D]").astype(np.int64)
        ratings = np.zeros((self._row_count, len(codes)))
        for day in np.unique(days).tolist():
            of_day = np.flatnonzero(days == day)
            ratings[of_day] = rating_history.get_ratings_before(day, [code[of_day] for code in codes])
        return ratings

    def add_residuals(self, name: str, terms: RatingTerms) -> "OnlinePast":
        """See Past; the posted rows have no residual yet, and no row sees its own."""
        return OnlinePast(self._history.get_extended_history(name, terms), self._posted)

    def _encode_keys(self, by: KeyColumns) -> Ints:
        return self._history.get_key_index(by).encode_keys(
            self._posted_values[:, self._history.find_column_indexes(by)]
        )

    def _encode_rated_keys(self, by: RatedKey) -> Ints:
        if not isinstance(by, FirstSeen):
            return self._encode_keys(by)
        earlier_rows = self._history.get_key_index(by.by).find_rows_before(self._encode_keys(by.by), self._moments)
        history_codes = self._history.get_key_index(by.columns).codes
        own_codes = self._encode_keys(by.columns)
        return np.array(
            [
                history_codes[rows[0]] if len(rows) else own_code
                for rows, own_code in zip(earlier_rows, own_codes, strict=True)
            ],
            np.int64,
        )

    def _get_past(self, by: KeyColumns) -> tuple[Past, KeyColumns]:
        """Return a past over the rows that share a key with a posted row, then the posted rows; and its key.

        The rows that share a key also share each of its columns, so the past of a shorter key serves if there is one.
        """
        names = (by,) if isinstance(by, str) else tuple(by)
        for shorter_key, past in self._past_by_key.items():
            if set(shorter_key) <= set(names):
                return past, (SHARED_PAST, *(name for name in names if name not in shorter_key))
        self._past_by_key[names] = self._build_past(names)
        return self._past_by_key[names], SHARED_PAST

    def _build_past(self, names: tuple[str, ...]) -> Past:
        history, key_index = self._history, self._history.get_key_index(names)
        key_values = self._posted_values[:, history.find_column_indexes(names)]
        codes, is_missing = key_index.encode_keys(key_values), np.isnan(key_values).any(axis=1)
        moment_count = int(self._moment_numbers.max(initial=0)) + 1
        shared = np.where(codes >= 0, codes * moment_count + self._moment_numbers, -1 - np.arange(self._row_count))
        _, first_positions, shared_numbers = np.unique(shared, return_index=True, return_inverse=True)
        row_blocks = key_index.find_rows_before(codes[first_positions], self._moments[first_positions])
        rows = np.concatenate([np.zeros(0, np.int64), *row_blocks])
        self.copied_rows = max(self.copied_rows, len(rows))
        number_of_rows = np.repeat(np.arange(len(row_blocks)), [len(block) for block in row_blocks])
        added = {
            SHARED_PAST: np.concatenate([number_of_rows, np.where(is_missing, np.nan, shared_numbers)]),
            history.time: np.concatenate([history.times[rows], self._moments]),
        }
        gathered = GatheredRows(history.values, rows, self._posted_values, history.positions, added)
        return Past(gathered, history.time)


def _answer_for_posted_rows(aggregate: Callable[..., Floats], by_position: int) -> Callable[..., Floats]:
    """Return a method of OnlinePast that answers like one of Past; `by_position` is where that takes `by`."""

    @wraps(aggregate)
    def answer(past: OnlinePast, *arguments: Any, **options: Any) -> Floats:
        by = options["by"] if "by" in options else arguments[by_position]
        past_of_key, key = past._get_past(by)
        if "by" in options:
            options = options | {"by": key}
        else:
            arguments = (*arguments[:by_position], key, *arguments[by_position + 1 :])
        values = aggregate(past_of_key, *arguments, **options)
        return values[len(values) - past._row_count :]

    return answer


for _name, _aggregate in list(vars(Past).items()):
    if not _name.startswith("_") and "by" in (_parameters := list(signature(_aggregate).parameters)):
        setattr(OnlinePast, _name, _answer_for_posted_rows(_aggregate, _parameters.index("by") - 1))


def _encode_pairs(codes: Ints, distinct_values: Floats, column: Floats) -> Ints:
    """Return a number for each pair of a code and a value, −1 if either is unknown."""
    positions = _find_sorted_positions(distinct_values, column)
    return np.where((codes >= 0) & (positions >= 0), codes * max(len(distinct_values), 1) + positions, -1)


def _find_sorted_positions(
    sorted_values: npt.NDArray[np.float64 | np.int64], values: npt.NDArray[np.float64 | np.int64]
) -> Ints:
    """Return the positions of values among sorted values, −1 for those that are not among them."""
    if not len(sorted_values):
        return np.full(len(values), -1)
    positions = np.minimum(np.searchsorted(sorted_values, values), len(sorted_values) - 1)
    return np.where(sorted_values[positions] == values, positions, -1)
