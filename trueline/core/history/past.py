"""Past: aggregates over the strictly earlier rows of a key, the only way in which features may use outcomes."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from trueline.core.errors import UserError
from trueline.core.history.grouped_rows import Floats, Ints, compute_comoments, compute_fading_mean
from trueline.core.history.kept_ratings import KeptRatings
from trueline.core.history.opponent_ratings import RatingKey, RatingTerms, compute_residuals, fit_daily_ratings
from trueline.core.history.prefix_sums import (
    KeyColumns,
    RunningTotals,
    Table,
    require_positive_integer,
    require_positive_number,
)

Formula = Callable[[Floats, Floats, Floats], Floats]  # of the count, Σ(x - centre) and centre of each window

MIN_VARIANCE_SHARE = 1e-9  # Σ(x - mean x)² below this share of its running total, times √rows, has less than 7 digits
LOST_MARK = math.inf  # marks a window that is computed again, row by row
MIN_TIME_SPREAD = 0.25  # Σ(t - mean t)² is at least 0.5 over two times and 0 over one


class Past:
    """Aggregates over the rows of the same key at strictly earlier times, and nothing else.

    Every aggregate returns float64 of shape (rows,) in the table's row order; `by` names one or more key columns. Rows
    of the same time never see each other, and a result is, to the last bit, a function of the earlier rows of its own
    key, whatever the order of the input. Windows: `last=N` is the smallest set of whole earlier times that holds at
    least N rows, counted back from the newest; `days=D` is now - D <= time < now; neither means all earlier rows.
    Missing values are skipped, but their rows count toward N; infinite values are missing. The result is missing for a
    row with a missing key and for an empty window, but `count` gives 0 for both, and `sum` gives 0 for an empty window.

    Raises UserError for unknown or non-numeric columns, both windows at once, and missing times. Limits: integers
    beyond 2^53 lose digits; a mean or sum has an absolute rounding error near 1e-16 times the total its key has seen.

    >>> import pandas as pd
    >>> games = pd.DataFrame({"time": pd.to_datetime(["2024-01-01", "2024-01-03", "2024-01-03", "2024-01-08"])})
    >>> games = games.assign(player=["Ann", "Ann", "Bob", "Ann"], points=[10.0, 20.0, 5.0, 30.0])
    >>> Past(games).mean("points", "player").tolist()
    [nan, 10.0, nan, 15.0]
    >>> Past(games).mean("points", "player", days=5).tolist()
    [nan, 10.0, nan, 20.0]
    """

    def __init__(self, table: Table, time: str = "time", kept_ratings: KeptRatings | None = None) -> None:
        self._totals = RunningTotals(table, time)
        self._time, self._kept_ratings = time, kept_ratings
        self._ratings: dict[RatingKey, Floats] = {}

    def count(self, column: str | None, by: KeyColumns, last: int | None = None, days: float | None = None) -> Floats:
        """Count the rows of a window (column None) or the non-missing values of a column in it."""
        row_counts = (
            self._totals.count_rows_before(by) if column is None else self._totals.get_prefix_sum("1", column, by)
        )
        window_counts = self._totals.apply_to_windows(
            self._totals.find_window_starts(by, last, days), [row_counts], [], lambda n: n
        )
        return self._totals.restore_table_order(by, window_counts, 0.0)

    def sum(self, column: str, by: KeyColumns, last: int | None = None, days: float | None = None) -> Floats:
        """Sum the values of a window."""
        return self._apply_to_sums(column, by, last, days, lambda n, x, centre: x + n * centre)

    def mean(self, column: str, by: KeyColumns, last: int | None = None, days: float | None = None) -> Floats:
        """Average the values of a window."""
        return self._apply_to_sums(column, by, last, days, lambda n, x, centre: x / n + centre)

    def shrunk_rate(
        self,
        column: str,
        by: KeyColumns,
        last: int | None = None,
        days: float | None = None,
        prior: float = 0.0,
        strength: float = 0.0,
    ) -> Floats:
        """Average a 0/1 column, shrunk toward `prior` by `strength` rows: (sum + prior·strength) / (count + strength).

        An empty window gives the prior if the strength is positive. Values other than 0 and 1 are not rejected. Raises
        UserError for a prior that is not finite, and for a strength that is negative or not finite.
        """
        if not (math.isfinite(prior) and 0 <= strength < math.inf):
            raise UserError(
                f"prior={prior} and strength={strength} are not allowed; give a finite prior and a finite strength ≥ 0."
            )
        prior_sum = prior * strength
        return self._apply_to_sums(
            column, by, last, days, lambda n, x, centre: (x + n * centre + prior_sum) / (n + strength)
        )

    def std(self, column: str, by: KeyColumns, last: int | None = None, days: float | None = None) -> Floats:
        """Sample standard deviation (n - 1) of the values of a window; missing for fewer than two."""

        def compute_std(n: Floats, x: Floats, xx: Floats, rows_before: Floats, total_xx: Floats) -> Floats:
            squares = xx - x * x / n
            result = np.sqrt(squares / (n - 1))
            result[n < 2] = np.nan
            result[_has_lost_digits(squares, n, rows_before, total_xx)] = LOST_MARK
            return result

        row_counts, x, xx = (self._totals.get_prefix_sum(kind, column, by) for kind in ("1", "x", "x²"))
        window_start, values = self._totals.find_window_starts(by, last, days), self._totals.get_values(column, by)
        deviations = self._totals.apply_to_windows(window_start, [row_counts, x, xx], [row_counts, xx], compute_std)
        if len(lost_rows := np.flatnonzero(deviations == LOST_MARK)):
            begin, end = self._find_window_edges(by, window_start, lost_rows)
            deviations[lost_rows] = np.sqrt(
                compute_comoments(begin, end, values, values) / (row_counts[end] - row_counts[begin] - 1)
            )
        return self._restore_order(by, deviations)

    def slope(self, column: str, by: KeyColumns, last: int | None = None, days: float | None = None) -> Floats:
        """Least-squares change of the value from one time of the key to the next; positive if values grow.

        The horizontal axis numbers the key's distinct times, oldest first, with or without a value. Missing if there
        are values at fewer than two times.
        """

        def compute_slope(*window_figures: Floats) -> Floats:
            n, x, xx, t, tt, tx, steps, step, rows_before, total_xx = window_figures
            origin, integer_n = step - steps, n.astype(np.int64)
            tt = tt - origin * (2 * t - origin * integer_n)  # integers, so moving the origin loses no digit
            mean_time = (t - origin * integer_n) / n
            spread = tt - mean_time * mean_time * n
            result = (tx - (origin + mean_time) * x) / spread
            result[_has_lost_digits(xx - x * x / n, n, rows_before, total_xx)] = LOST_MARK
            result[~(spread > MIN_TIME_SPREAD)] = np.nan
            return result

        row_counts, x, xx, t, tt, tx = (
            self._totals.get_prefix_sum(kind, column, by) for kind in ("1", "x", "x²", "t", "t²", "tx")
        )
        window_start, values, step = (
            self._totals.find_window_starts(by, last, days),
            self._totals.get_values(column, by),
            self._totals.count_times_before(by),
        )
        slopes = self._totals.apply_to_windows(
            window_start, [row_counts, x, xx, t, tt, tx, step], [step, row_counts, xx], compute_slope
        )
        if len(lost_rows := np.flatnonzero(slopes == LOST_MARK)):
            begin, end = self._find_window_edges(by, window_start, lost_rows)
            axis = np.where(np.isnan(values), np.nan, step)
            slopes[lost_rows] = compute_comoments(begin, end, axis, values) / compute_comoments(begin, end, axis, axis)
        return self._restore_order(by, slopes)

    def min(self, column: str, by: KeyColumns) -> Floats:
        """Smallest of all earlier values."""
        return self._restore_order(
            by, self._totals.get_layout(by).aggregate_earlier_rows(self._totals.get_values(column, by), np.fmin, np.nan)
        )

    def max(self, column: str, by: KeyColumns) -> Floats:
        """Largest of all earlier values."""
        return self._restore_order(
            by, self._totals.get_layout(by).aggregate_earlier_rows(self._totals.get_values(column, by), np.fmax, np.nan)
        )

    def nth_latest(self, column: str, by: KeyColumns, nth: int = 1) -> Floats:
        """Value at the nth most recent earlier time, the mean if rows share it; missing if it or the time is."""
        layout, values, times_back = (
            self._totals.get_layout(by),
            self._totals.get_values(column, by),
            require_positive_integer("nth", nth),
        )
        moment, is_missing = layout.moment_number, np.isnan(values)
        with np.errstate(invalid="ignore"):
            value_by_moment = np.bincount(moment, np.where(is_missing, 0.0, values)) / np.bincount(moment, ~is_missing)
        return self._restore_order(
            by,
            np.where(
                self._totals.count_times_before(by) >= times_back,
                value_by_moment[np.maximum(moment - times_back, 0)],
                np.nan,
            ),
        )

    def days_since_last(self, by: KeyColumns) -> Floats:
        """Days since the most recent earlier row."""
        layout = self._totals.get_layout(by)
        ticks = self._totals.times[layout.time_rank]
        days = (ticks - ticks[layout.past_end - 1]) / self._totals.ticks_per_day
        return self._restore_order(by, np.where(layout.past_end > layout.row_key_begin, days, np.nan))

    def ewm(self, column: str, by: KeyColumns, half_life_days: float) -> Floats:
        """Average of all earlier values, each weighted by 2^-(age in days / half-life)."""
        half_life = require_positive_number("half_life_days", half_life_days) * self._totals.ticks_per_day
        layout, values = self._totals.get_layout(by), self._totals.get_values(column, by)
        present = np.flatnonzero(~np.isnan(values))
        start = np.searchsorted(present, layout.row_key_begin)  # where the key begins among the present values
        ticks = self._totals.times[layout.time_rank[present]]
        faded = compute_fading_mean(np.arange(len(present)) - start[present], ticks, values[present], half_life)
        newest = start + self._totals.get_prefix_sum("1", column, by).astype(np.int64) - 1
        return self._restore_order(by, np.where(newest >= start, np.append(faded, np.nan)[newest], np.nan))

    def has_column(self, column: str) -> bool:
        """Whether the table has a column: a source may lack it."""
        return self._totals.has_column(column)

    def rating(self, terms: RatingTerms) -> Floats:
        """Strength of each row's keys relative to the opponents in its groups, from earlier days: rows × effects.

        A key not yet seen has strength 0. See `RatingTerms` and `fit_daily_ratings`.
        """
        key = terms.build_cache_key()
        if key not in self._ratings:
            codes = [self._totals.encode_rated_keys(by) for by in terms.effects]
            self._ratings[key] = fit_daily_ratings(
                self._totals.sum_columns(terms.column_factors),
                self._totals.encode_keys(terms.group_key),
                self._totals.get_row_days(),
                codes,
                list(terms.effects.values()),
                terms.half_life_days,
                self._kept_ratings,
            )
            self._ratings[key].flags.writeable = False
        return self._ratings[key]

    def add_residuals(self, name: str, terms: RatingTerms) -> "Past":
        """Return a past with one more column: what the rating of its day left unexplained of each row's result.

        A residual is the result minus the sum of the strengths, relative to the mean
        of the rows of the same group and time; like a result, it is known only afterwards.
        """
        residuals = compute_residuals(
            self._totals.sum_columns(terms.column_factors),
            self.rating(terms),
            self._totals.encode_keys(terms.group_key),
            self._totals.get_time_ranks(),
        )
        return Past(self._totals.append_column(name, residuals), self._time, self._kept_ratings)

    def _apply_to_sums(
        self, column: str, by: KeyColumns, last: int | None, days: float | None, formula: Formula
    ) -> Floats:
        row_counts, x = self._totals.get_prefix_sum("1", column, by), self._totals.get_prefix_sum("x", column, by)
        window_start, centre = self._totals.find_window_starts(by, last, days), self._totals.get_centres(column, by)
        return self._restore_order(by, self._totals.apply_to_windows(window_start, [row_counts, x], [centre], formula))

    def _find_window_edges(self, by: KeyColumns, window_start: Ints | None, rows: Ints) -> tuple[Ints, Ints]:
        layout = self._totals.get_layout(by)
        return (layout.row_key_begin if window_start is None else window_start)[rows].astype(np.int64), layout.past_end[
            rows
        ]

    def _restore_order(self, by: KeyColumns, sorted_values: Floats) -> Floats:
        return self._totals.restore_table_order(by, sorted_values, np.nan)


def _has_lost_digits(squares: Floats, row_counts: Floats, rows_before: Floats, total: Floats) -> npt.NDArray[np.bool_]:
    """Where Σ(x - mean x)² of a window, a difference of totals over `rows_before` rows, has lost its digits."""
    return ~(squares >= MIN_VARIANCE_SHARE * np.sqrt(rows_before) * total) & (row_counts > 1)
