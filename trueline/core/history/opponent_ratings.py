"""Opponent ratings: strengths that explain results among opponents, learned anew before each day."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import sparse

from trueline.core.compute.single_thread import limit_to_one_thread
from trueline.core.history.kept_ratings import KeptRatings, hash_contents
from trueline.core.history.prefix_sums import RatedKey
from trueline.core.stats.group_ops import Codes, Floats, subtract_group_mean

RatingKey = tuple[tuple[tuple[str, float], ...], str, tuple[tuple[RatedKey, float], ...], float]

HORIZON_HALF_LIVES = 10  # older results, of less than a thousandth of the weight, are left out: a day costs the same
MAX_ITERATIONS = 1000  # never reached: a few dozen steps suffice
SOLVER_TOLERANCE = 1e-6  # of the norm of the right-hand side; strengths then are exact to 1e-4 of their spread
CHECKPOINT_EVERY_DAYS = 16  # the strengths of every 16th day are kept, and the days between are replayed
CACHED_DAYS = 8  # most recently requested days whose ratings stay in memory


@dataclass(frozen=True)
class RatingTerms:
    """On what terms keys are rated.

    The result of a row is the sum of the columns in `column_factors`, each times its factor, and counts relative to the
    rows of the same `group_key`. `effects` are the keys that share the credit for it, each with its ridge: the weight,
    in rows, of the prior that its strength is 0. A result loses half its weight in `half_life_days`, and after ten of
    them it is left out.
    """

    column_factors: Mapping[str, float]
    group_key: str
    effects: Mapping[RatedKey, float]
    half_life_days: float

    def build_cache_key(self) -> RatingKey:
        """Return the terms as a key of a dictionary; order counts, since strengths are in the order of the effects."""
        return tuple(self.column_factors.items()), self.group_key, tuple(self.effects.items()), self.half_life_days


def fit_daily_ratings(
    value: Floats,
    group: Codes,
    day: npt.NDArray[np.int64],
    keys: Sequence[Codes],
    ridges: Sequence[float],
    half_life_days: float,
    kept_ratings: KeptRatings | None = None,
) -> Floats:
    """Return, as rows × effects, the strength that each row's keys had shown before its day; 0 for a key not yet seen.

    `value` is the result of a row (comparable only within its group; missing ones are left out), `keys` has one code
    per row for each effect (−1 for none). Before each day the strengths b minimise Σ w·(value − its group's mean − Σ b
    + the group's mean of Σ b)² + Σ ridge·b² over the earlier days of ten half-lives, with w = 2^−(age / half-life):
    beating strong opponents counts for more. Solved by conjugate gradients that start from the day before. The result
    is, to the last bit, a function of the rows of earlier days and their order; so what `kept_ratings` has of them is
    not computed again.
    """
    if not len(value):
        return np.zeros((0, len(keys)))
    order = np.argsort(day, kind="stable")
    rated_rows = _RatedRows(
        value[order], group[order], day[order], [key[order] for key in keys], ridges, half_life_days
    )
    ratings = np.zeros((len(value), len(keys)))
    with limit_to_one_thread():
        ratings[order] = (
            rated_rows.replay_days() if kept_ratings is None else rated_rows.compute_unknown_days(kept_ratings)
        )
    return ratings


def compute_residuals(value: Floats, ratings: Floats, group: Codes, time: Codes) -> Floats:
    """Return how much better each row's result was than its strengths promised, relative to its group at that time.

    Missing where `value` is. `ratings` are rows × effects as of each row's day, so that the residual of a row depends
    only on earlier days and on the rows of its own group and time.
    """
    moment_codes = np.unique(time, return_inverse=True)[1]
    group_codes = np.unique(group, return_inverse=True)[1]
    group_at_time = np.unique(group_codes * (len(time) + 1) + moment_codes, return_inverse=True)[1]
    return subtract_group_mean(value - ratings.sum(axis=1), group_at_time)


class RatingHistory:
    """The strengths of a history, learned once, for rows that are not in it.

    Takes the arguments of `fit_daily_ratings`. `get_ratings_before` returns, to the last bit, what `fit_daily_ratings`
    would return for rows of that day in the same history; rows of that day or later have no effect. `row_ratings` is
    what it returns for the history's own rows.
    """

    def __init__(
        self,
        value: Floats,
        group: Codes,
        day: npt.NDArray[np.int64],
        keys: Sequence[Codes],
        ridges: Sequence[float],
        half_life_days: float,
    ) -> None:
        order = np.argsort(day, kind="stable")
        sorted_keys = [key[order] for key in keys]
        self._rows = _RatedRows(value[order], group[order], day[order], sorted_keys, ridges, half_life_days)
        self._columns_by_effect = [
            _find_code_columns(key, column) for key, column in zip(sorted_keys, self._rows.column.T, strict=True)
        ]
        self._days = np.unique(day)
        self._checkpoints = {0: np.zeros(0)}  # by the number of earlier days of the history
        self._get_cached_ratings = lru_cache(CACHED_DAYS)(self._fit_ratings_before)
        self.row_ratings = np.zeros((len(value), len(keys)))
        ratings = self._checkpoints[0]
        with limit_to_one_thread():
            for day_number in range(1, len(self._days)):
                ratings = self._update_ratings(day_number, int(self._days[day_number]), ratings)
                begin, end = np.searchsorted(self._rows.day, self._days[day_number] + np.array([0, 1]))
                rows = slice(int(begin), int(end))
                self.row_ratings[order[rows]] = self._rows.look_up_rows(ratings, rows)
                if day_number % CHECKPOINT_EVERY_DAYS == 0 or day_number == len(self._days) - 1:
                    self._checkpoints[day_number] = ratings

    def get_ratings_before(self, day: int, keys: Sequence[Codes]) -> Floats:
        """Return, as rows × effects, the strengths of keys before a day; `keys` are codes of the history, or −1.

        The strength of a code that no row of the history has is 0.
        """
        ratings = self._get_cached_ratings(day)
        row_ratings = np.zeros((len(keys[0]), len(keys)))
        for effect, (key, columns) in enumerate(zip(keys, self._columns_by_effect, strict=True)):
            column = np.append(columns, -1)[np.where(key < len(columns), key, -1)]  # code −1 takes the appended −1
            has_rating = (column >= 0) & (column < len(ratings))
            row_ratings[has_rating, effect] = ratings[column[has_rating]]
        return row_ratings

    def _fit_ratings_before(self, day: int) -> Floats:
        day_number = int(np.searchsorted(self._days, day))
        if not day_number:
            return self._checkpoints[0]
        with limit_to_one_thread():
            ratings = self._replay_to_day(day_number - 1)
            return self._update_ratings(day_number, day, ratings)

    def _replay_to_day(self, day_number: int) -> Floats:
        """Return the strengths before a day of the history, replayed from the nearest checkpoint."""
        checkpoint_day = max(checkpoint for checkpoint in self._checkpoints if checkpoint <= day_number)
        ratings = self._checkpoints[checkpoint_day]
        for replayed_day in range(checkpoint_day + 1, day_number + 1):
            ratings = self._update_ratings(replayed_day, int(self._days[replayed_day]), ratings)
        return ratings

    def _update_ratings(self, day_number: int, day: int, start_ratings: Floats) -> Floats:
        row_count = int(np.searchsorted(self._rows.day, self._days[day_number - 1], side="right"))
        return self._rows.fit_ratings(row_count, day, start_ratings)


class _RatedRows:
    """Rows in order of day; columns numbered by first appearance, so that the past does not depend on later keys."""

    def __init__(
        self,
        value: Floats,
        group: Codes,
        day: npt.NDArray[np.int64],
        keys: Sequence[Codes],
        ridges: Sequence[float],
        half_life: float,
    ) -> None:
        self.value, self.day, self.half_life, self.ridges = np.nan_to_num(value), day, half_life, ridges
        self.is_known = (~np.isnan(value)).astype(float)
        self.group = _rank_by_appearance(group)
        self.column = _index_columns(keys)
        # by row, how many columns it and earlier rows have
        self.column_counts = np.maximum.accumulate(self.column.max(axis=1)) + 1
        effect = np.broadcast_to(np.arange(len(keys)), self.column.shape)
        self.ridge = np.zeros(int(self.column.max()) + 1)
        self.ridge[self.column[self.column >= 0]] = np.asarray(ridges, float)[effect[self.column >= 0]]

    def replay_days(self) -> Floats:
        row_ratings = np.zeros(self.column.shape)
        ratings = np.zeros(0)
        for day in np.unique(self.day)[1:]:
            begin, end = np.searchsorted(self.day, [day, day + 1])
            ratings = self.fit_ratings(int(begin), int(day), ratings)
            row_ratings[begin:end] = self.look_up_rows(ratings, slice(int(begin), int(end)))
        return row_ratings

    def compute_unknown_days(self, kept_ratings: KeptRatings) -> Floats:
        """Return what `replay_days` does, of which only days are replayed that `kept_ratings` does not know."""
        row_ratings = np.zeros(self.column.shape)
        days = np.unique(self.day)
        begins = np.append(np.searchsorted(self.day, days), len(self.day))
        history_keys = self._hash_histories(days, begins)
        kept_ratings.record_use([*history_keys[::CHECKPOINT_EVERY_DAYS], history_keys[-1]])
        ratings, rated_day = np.zeros(0), 0
        for number in range(1, len(days)):
            rows = slice(int(begins[number]), int(begins[number + 1]))
            rows_key = hash_contents(history_keys[number].encode(), self.column[rows].tobytes())
            known_ratings = kept_ratings.find(rows_key)
            if known_ratings is None:
                ratings, rated_day = _find_checkpoint(kept_ratings, history_keys, number, rated_day, ratings)
                for day in range(rated_day + 1, number + 1):
                    ratings = self.fit_ratings(int(begins[day]), int(days[day]), ratings)
                    if day % CHECKPOINT_EVERY_DAYS == 0 or day == len(days) - 1:
                        kept_ratings.add(history_keys[day], ratings)
                rated_day = number
                known_ratings = self.look_up_rows(ratings, rows)
                kept_ratings.add(rows_key, known_ratings)
            row_ratings[rows] = known_ratings
        return row_ratings

    def _hash_histories(self, days: Codes, begins: Codes) -> list[str]:
        """Return, for each day, the hash of all that the strengths before it depend on: it and all earlier rows."""
        parameters = np.array([self.half_life, *self.ridges])
        keys, key = [], hash_contents(parameters.tobytes())
        for day, begin, end in zip(days, begins, begins[1:], strict=False):
            keys.append(hash_contents(key.encode(), int(day).to_bytes(8, "little", signed=True)))
            columns = (self.value, self.is_known, self.group, self.day, self.column)
            key = hash_contents(
                key.encode(), *(np.ascontiguousarray(column[begin:end]).tobytes() for column in columns)
            )
        return keys

    def look_up_rows(self, ratings: Floats, rows: slice) -> Floats:
        row_columns = self.column[rows]
        row_ratings = np.zeros(row_columns.shape)
        has_rating = (row_columns >= 0) & (row_columns < len(ratings))
        row_ratings[has_rating] = ratings[row_columns[has_rating]]
        return row_ratings

    def fit_ratings(self, row_count: int, day: int, previous_ratings: Floats) -> Floats:
        """Return the strengths that the first rows show as of a day, starting from those of the day before.

        Without a row in ten half-lives all strengths are 0.
        """
        column_count = int(self.column_counts[row_count - 1])
        oldest_day = day - HORIZON_HALF_LIVES * self.half_life
        rows = slice(int(np.searchsorted(self.day[:row_count], oldest_day)), row_count)
        if rows.start == row_count:
            return np.zeros(column_count)
        weight: Floats = self.is_known[rows] * np.exp2(-(day - self.day[rows]) / self.half_life)
        group = self.group[rows] - self.group[rows].min()
        group_weight = np.maximum(np.bincount(group, weights=weight), 1e-12)
        design, ridge = _build_design_matrix(self.column[rows], column_count), self.ridge[:column_count]
        transposed = design.T.tocsr()

        def weight_deviations(values: Floats) -> Floats:
            deviations: Floats = values - (np.bincount(group, weights=weight * values) / group_weight)[group]
            return weight * deviations

        def apply_normal_matrix(ratings: Floats) -> Floats:
            product: Floats = transposed @ weight_deviations(design @ ratings) + ridge * ratings
            return product

        right_hand_side: Floats = transposed @ weight_deviations(self.value[rows])
        start_ratings = np.concatenate([previous_ratings, np.zeros(column_count - len(previous_ratings))])
        return _solve_conjugate_gradient(
            apply_normal_matrix, right_hand_side, transposed @ weight + ridge, start_ratings
        )


def _find_checkpoint(
    kept_ratings: KeptRatings, history_keys: Sequence[str], until: int, rated_day: int, ratings: Floats
) -> tuple[Floats, int]:
    """Return the strengths of the newest day, at most `until`, that are kept, and that day; else what is known."""
    for day in range(until, rated_day, -1):
        checkpoint_ratings = kept_ratings.find(history_keys[day])
        if checkpoint_ratings is not None:
            return checkpoint_ratings, day
    return ratings, rated_day


def _solve_conjugate_gradient(
    apply_matrix: Callable[[Floats], Floats], right_hand_side: Floats, diagonal: Floats, start: Floats
) -> Floats:
    """Return x with apply_matrix(x) ≈ right_hand_side, by conjugate gradients with a diagonal preconditioner."""
    x, residual = start, right_hand_side - apply_matrix(start)
    preconditioned = residual / diagonal
    direction, residual_norm = preconditioned, _compute_dot_product(residual, preconditioned)
    for _ in range(MAX_ITERATIONS):
        if _compute_dot_product(residual, residual) <= SOLVER_TOLERANCE**2 * _compute_dot_product(
            right_hand_side, right_hand_side
        ):
            break
        product = apply_matrix(direction)
        curvature = _compute_dot_product(direction, product)
        if not (residual_norm > 0 and curvature > 0):  # the squares of what is left underflow
            break
        step_size = residual_norm / curvature
        x, residual = x + step_size * direction, residual - step_size * product
        preconditioned = residual / diagonal
        residual_norm, previous_norm = _compute_dot_product(residual, preconditioned), residual_norm
        direction = preconditioned + residual_norm / previous_norm * direction
    return x


def _compute_dot_product(left: Floats, right: Floats) -> float:
    """Return the sum of products in NumPy's order of addition; `left @ right` would add in the BLAS kernel's order."""
    return float((left * right).sum())


def _build_design_matrix(column: Codes, column_count: int) -> sparse.csr_matrix:
    present = column >= 0
    row_ends = np.concatenate([[0], np.cumsum(present.sum(axis=1))])
    return sparse.csr_matrix((np.ones(int(row_ends[-1])), column[present], row_ends), shape=(len(column), column_count))


def _index_columns(keys: Sequence[Codes]) -> Codes:
    """Return rows × effects of column numbers over all effects, by first appearance row by row; −1 for no key."""
    stacked = np.column_stack([np.where(key >= 0, key * len(keys) + effect, -1) for effect, key in enumerate(keys)])
    flat = stacked.ravel()
    column_numbers = np.full(len(flat), -1)
    column_numbers[flat >= 0] = _rank_by_appearance(flat[flat >= 0])
    return column_numbers.reshape(stacked.shape)


def _find_code_columns(key: Codes, column: Codes) -> Codes:
    """Return the column of each code of an effect, −1 for codes without rows."""
    columns = np.full(int(key.max(initial=-1)) + 1, -1)
    has_key = key >= 0
    columns[key[has_key]] = column[has_key]
    return columns


def _rank_by_appearance(codes: Codes) -> Codes:
    _, first_index, inverse = np.unique(codes, return_index=True, return_inverse=True)
    rank = np.empty(len(first_index), dtype=np.int64)
    rank[np.argsort(first_index, kind="stable")] = np.arange(len(first_index))
    return rank[inverse]
