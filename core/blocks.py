"""Blocks: rows that belong together (those of a day) are drawn together, and every figure from the same draws."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.intervals import DRAWS, FEWEST, Interval, of_draws, weights
from core.threads import one_thread

Floats = npt.NDArray[np.float64]


class Blocks:
    """Rows in blocks, and the blocks of every draw; figures are ratios of sums over rows.

    A row in which a figure's numerator or denominator is missing counts for neither. A figure whose denominator is
    more than zero in fewer than FEWEST blocks has no interval. Where every block counts, the interval is that of
    `intervals.bootstrap`; one draw for all figures costs a few milliseconds a figure and keeps figures comparable.
    """

    def __init__(self, group: pd.Series, seed: int, draws: int = DRAWS) -> None:
        self.code = pd.factorize(group)[0]
        self.count = int(self.code.max()) + 1 if len(self.code) else 0
        enough = self.count >= FEWEST
        self._drawn = np.vstack(list(weights(self.count, seed, draws))) if enough else np.empty((0, self.count))

    def ratio(self, above: npt.ArrayLike, below: npt.ArrayLike) -> Interval:
        """Return sum(above) / sum(below) with its interval; one number a row, `below` not negative."""
        sums = self._sums(above, below)
        return of_draws(float(_quotient(*(side.sum() for side in sums))), self._draws(*sums), self._filled(sums[1]))

    def mean(self, values: npt.ArrayLike) -> Interval:
        """Return the mean over the rows that have a value, with its interval."""
        return self.ratio(values, np.ones(len(self.code)))

    def difference(
        self, first: tuple[npt.ArrayLike, npt.ArrayLike], second: tuple[npt.ArrayLike, npt.ArrayLike]
    ) -> Interval:
        """Return one ratio minus another with its interval, each given as (above, below).

        Both are taken from the same draws, so that they are paired as far as they share blocks; `n` is the number of
        blocks of the ratio that has fewer.
        """
        one, other = self._sums(*first), self._sums(*second)
        value = _quotient(*(side.sum() for side in one)) - _quotient(*(side.sum() for side in other))
        filled = min(self._filled(one[1]), self._filled(other[1]))
        return of_draws(float(value), self._draws(*one) - self._draws(*other), filled)

    def _sums(self, above: npt.ArrayLike, below: npt.ArrayLike) -> tuple[Floats, Floats]:
        one, other = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
        absent = np.isnan(one) | np.isnan(other)
        return self._sum(np.where(absent, 0.0, one)), self._sum(np.where(absent, 0.0, other))

    def _sum(self, values: Floats) -> Floats:
        return np.bincount(self.code, weights=values, minlength=self.count).astype(np.float64)

    def _draws(self, above: Floats, below: Floats) -> Floats:
        with one_thread():
            drawn = self._drawn @ np.column_stack([above, below])
        return _quotient(drawn[:, 0], drawn[:, 1])

    def _filled(self, below: Floats) -> int:
        return int(np.count_nonzero(below))


def _quotient(above: Floats, below: Floats) -> Floats:
    quotient: Floats = np.divide(above, below, out=np.full(np.shape(below), np.nan), where=np.asarray(below) > 0)
    return quotient
