"""The only door to outcomes: aggregates over the strictly earlier rows of a key."""

import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.ratings import strengths
from core.refusals import Refusal
from core.segments import Floats, Ints, comoment, fading_mean
from core.totals import By, Totals, positive, whole

Formula = Callable[[Floats, Floats, Floats], Floats]  # number, Σ(x - centre) and centre of each window

SAFE = 1e-9  # Σ(x - mean x)² below this share of its running total, times √rows, keeps fewer than 7 digits
LOST = math.inf  # marks a window to spell out row by row
TWO_TIMES = 0.25  # Σ(t - mean t)² is at least 0.5 over two times and 0 over one


class Past:
    """Answers with aggregates over rows of the same key at strictly earlier times, and with nothing else.

    Every method returns float64 of shape (rows,) in the table's row order; `by` names one key column or several.
    Rows of the same time never see each other, and an answer is to the last bit a function of the earlier rows of its
    own key, whatever the order of the input. Windows: `last=N` is the smallest set of whole earlier times that holds
    at least N rows, counted back from the newest; `days=D` is now - D <= time < now; neither is all earlier rows.
    Missing values are skipped but their rows count toward N; infinite values are missing. A row with a missing key
    gets a missing answer, and so does an empty window; but `count` gives 0 for both, and `sum` 0 for an empty window.
    Refuses unknown or non-numeric columns, both windows at once and missing times. Limits: integers beyond 2^53 lose
    digits; a mean or sum carries an absolute rounding error near 1e-16 times the total its key has seen.
    """

    def __init__(self, table: pd.DataFrame, time: str = "time") -> None:
        self._totals = Totals(table, time)

    def count(self, column: str | None, by: By, last: int | None = None, days: float | None = None) -> Floats:
        """Count the rows of a window (column None) or its non-missing values."""
        number = self._totals.rows(by) if column is None else self._totals.seen("1", column, by)
        found = self._totals.within(self._totals.low(by, last, days), [number], [], lambda n: n)
        return self._totals.table_order(by, found, 0.0)

    def sum(self, column: str, by: By, last: int | None = None, days: float | None = None) -> Floats:
        """Sum the values of a window."""
        return self._sums(column, by, last, days, lambda n, x, centre: x + n * centre)

    def mean(self, column: str, by: By, last: int | None = None, days: float | None = None) -> Floats:
        """Average the values of a window."""
        return self._sums(column, by, last, days, lambda n, x, centre: x / n + centre)

    def share(
        self,
        column: str,
        by: By,
        last: int | None = None,
        days: float | None = None,
        prior: float = 0.0,
        strength: float = 0.0,
    ) -> Floats:
        """Average a 0/1 column, shrunk toward `prior` by `strength` rows: (sum + prior·strength) / (count + strength).

        An empty window gives the prior where strength is positive. Values other than 0 and 1 are not refused.
        """
        if not (math.isfinite(prior) and 0 <= strength < math.inf):
            raise Refusal(f"prior={prior}, strength={strength} came; give a finite prior and a strength of 0 or more.")
        bonus = prior * strength
        return self._sums(column, by, last, days, lambda n, x, centre: (x + n * centre + bonus) / (n + strength))

    def std(self, column: str, by: By, last: int | None = None, days: float | None = None) -> Floats:
        """Sample standard deviation (n - 1) of the values of a window; missing for fewer than two."""

        def formula(n: Floats, x: Floats, xx: Floats, seen: Floats, all_xx: Floats) -> Floats:
            squares = xx - x * x / n
            found = np.sqrt(squares / (n - 1))
            found[n < 2] = np.nan
            found[_lost(squares, n, seen, all_xx)] = LOST
            return found

        number, x, xx = (self._totals.seen(kind, column, by) for kind in ("1", "x", "x²"))
        low, values = self._totals.low(by, last, days), self._totals.values(column, by)
        found = self._totals.within(low, [number, x, xx], [number, xx], formula)
        if len(lost := np.flatnonzero(found == LOST)):
            begin, end = self._edges(by, low, lost)
            found[lost] = np.sqrt(comoment(begin, end, values, values) / (number[end] - number[begin] - 1))
        return self._answer(by, found)

    def slope(self, column: str, by: By, last: int | None = None, days: float | None = None) -> Floats:
        """Least-squares change of the value from one time of the key to the next; positive where values grow.

        The horizontal axis numbers the key's distinct times, oldest first, with or without a value. Missing for
        values at fewer than two times.
        """

        def formula(*parts: Floats) -> Floats:
            n, x, xx, t, tt, tx, steps, step, seen, all_xx = parts
            origin, number = step - steps, n.astype(np.int64)
            tt = tt - origin * (2 * t - origin * number)  # whole numbers, so moving the origin loses no digit
            middle = (t - origin * number) / n
            spread = tt - middle * middle * n
            found = (tx - (origin + middle) * x) / spread
            found[_lost(xx - x * x / n, n, seen, all_xx)] = LOST
            found[~(spread > TWO_TIMES)] = np.nan
            return found

        number, x, xx, t, tt, tx = (self._totals.seen(kind, column, by) for kind in ("1", "x", "x²", "t", "t²", "tx"))
        low, values, step = self._totals.low(by, last, days), self._totals.values(column, by), self._totals.step(by)
        found = self._totals.within(low, [number, x, xx, t, tt, tx, step], [step, number, xx], formula)
        if len(lost := np.flatnonzero(found == LOST)):
            begin, end = self._edges(by, low, lost)
            axis = np.where(np.isnan(values), np.nan, step)
            found[lost] = comoment(begin, end, axis, values) / comoment(begin, end, axis, axis)
        return self._answer(by, found)

    def min(self, column: str, by: By) -> Floats:
        """Smallest of all earlier values."""
        return self._answer(by, self._totals.layout(by).before(self._totals.values(column, by), np.fmin, np.nan))

    def max(self, column: str, by: By) -> Floats:
        """Largest of all earlier values."""
        return self._answer(by, self._totals.layout(by).before(self._totals.values(column, by), np.fmax, np.nan))

    def last(self, column: str, by: By, nth: int = 1) -> Floats:
        """Value at the nth most recent earlier time; the mean where rows tie, missing if the value or the time is."""
        layout, values, back = self._totals.layout(by), self._totals.values(column, by), whole("nth", nth)
        moment, absent = layout.moment, np.isnan(values)
        with np.errstate(invalid="ignore"):
            then = np.bincount(moment, np.where(absent, 0.0, values)) / np.bincount(moment, ~absent)
        return self._answer(by, np.where(self._totals.step(by) >= back, then[np.maximum(moment - back, 0)], np.nan))

    def gap(self, by: By) -> Floats:
        """Days since the most recent earlier row."""
        layout = self._totals.layout(by)
        ticks = self._totals.times[layout.rank]
        days = (ticks - ticks[layout.first - 1]) / self._totals.day
        return self._answer(by, np.where(layout.first > layout.start, days, np.nan))

    def ewm(self, column: str, by: By, half_life_days: float) -> Floats:
        """Average of all earlier values, each weighing 2^-(age in days / half-life)."""
        half_life = positive("half_life_days", half_life_days) * self._totals.day
        layout, values = self._totals.layout(by), self._totals.values(column, by)
        present = np.flatnonzero(~np.isnan(values))
        start = np.searchsorted(present, layout.start)  # where the key begins among the present values
        ticks = self._totals.times[layout.rank[present]]
        faded = fading_mean(np.arange(len(present)) - start[present], ticks, values[present], half_life)
        newest = start + self._totals.seen("1", column, by).astype(np.int64) - 1
        return self._answer(by, np.where(newest >= start, np.append(faded, np.nan)[newest], np.nan))

    def knows(self, column: str) -> bool:
        """Whether any row of the table could tell of a column: a source may lack it."""
        return self._totals.has(column)

    def rating(
        self, values: Mapping[str, float], within: str, effects: Mapping[By, float], half_life_days: float
    ) -> Floats:
        """Strength of each key among the rivals of its groups, learned from earlier days: rows × effects.

        `values` are the columns that are summed, each times its factor, to what a row reached; `effects` the keys that
        share the credit, each with its ridge, the weight in rows of knowing nothing. A key not seen has strength 0.
        """
        reached = sum(factor * self._totals.column(name) for name, factor in values.items())
        codes = [self._totals.codes(by) for by in effects]
        return strengths(
            np.asarray(reached),
            self._totals.codes(within),
            self._totals.days(),
            codes,
            list(effects.values()),
            half_life_days,
        )

    def _sums(self, column: str, by: By, last: int | None, days: float | None, formula: Formula) -> Floats:
        number, x = self._totals.seen("1", column, by), self._totals.seen("x", column, by)
        low, centre = self._totals.low(by, last, days), self._totals.centre(column, by)
        return self._answer(by, self._totals.within(low, [number, x], [centre], formula))

    def _edges(self, by: By, low: Ints | None, rows: Ints) -> tuple[Ints, Ints]:
        layout = self._totals.layout(by)
        return (layout.start if low is None else low)[rows].astype(np.int64), layout.first[rows]

    def _answer(self, by: By, found: Floats) -> Floats:
        return self._totals.table_order(by, found, np.nan)


def _lost(squares: Floats, number: Floats, seen: Floats, total: Floats) -> npt.NDArray[np.bool_]:
    """Where a window's Σ(x - mean x)², as a difference of totals over `seen` rows, has lost its digits to rounding."""
    return ~(squares >= SAFE * np.sqrt(seen) * total) & (number > 1)
