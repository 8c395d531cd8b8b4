"""Drawn: sums over blocks as they are and in every draw, so that any arithmetic on them has an interval."""

from typing import Any

import numpy as np
import numpy.typing as npt

from core.intervals import DRAWS, FEWEST, LEVEL, Interval, of_draws, weights

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Drawn:
    """Rows in numbered blocks (days), and how often each block comes in every draw.

    A table holds two sums for every block; tables of rows that do not overlap add. A figure is an array whose first
    entry is the value on all blocks and whose others are the same figure in each draw: differences, shares and
    Shapley values of figures are figures too, all from the same draws. Fewer than FEWEST blocks have no draws. Who
    needs equal bits whatever the number of processors asks for figures within `threads.one_thread`.
    """

    def __init__(self, code: Ints, seed: int, draws: int = DRAWS) -> None:
        """Take the number of each row's block, from 0 on."""
        self.code = code
        self.count = int(code.max()) + 1 if len(code) else 0
        whole = np.ones((1, self.count))
        drawn = weights(self.count, seed, draws) if self.count >= FEWEST else ()
        self._drawn = np.vstack([whole, *drawn])

    def table(self, above: npt.ArrayLike, below: npt.ArrayLike | None, rows: Mask | Ints | None = None) -> Floats:
        """Return the sums of two columns in each block, shaped (blocks, 2); without `below` its rows are counted.

        With `rows` the columns are those of these rows only. A row in which either is missing counts for neither.
        """
        code = self.code if rows is None else self.code[rows]
        one = np.asarray(above)
        other = ~np.isnan(one) if below is None else np.asarray(below)
        if one.dtype == bool and other.dtype == bool:
            return np.column_stack([self._counts(code, one), self._counts(code, other)])
        absent = np.isnan(one) | np.isnan(other)
        if absent.any():
            one, other = np.where(absent, 0.0, one), np.where(absent, 0.0, other)
        return np.column_stack([self._sums(code, one), self._sums(code, other)])

    def _sums(self, code: Ints, values: npt.NDArray[Any]) -> Floats:
        if values.dtype == bool:
            return self._counts(code, values)
        return np.bincount(code, weights=values, minlength=self.count).astype(np.float64)

    def _counts(self, code: Ints, counted: Mask) -> Floats:
        chosen = code if counted.all() else code[counted]
        return np.bincount(chosen, minlength=self.count).astype(np.float64)

    def ratio(self, table: Floats) -> Floats:
        """Return the figure sum(above) / sum(below), missing where nothing is below."""
        above, below = (self._drawn @ table).T
        ratio: Floats = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
        return ratio


def filled(*tables: Floats) -> int:
    """Return in how many blocks something is below, for the table in which that is fewest."""
    return min(int(np.count_nonzero(table[:, 1])) for table in tables)


def interval(figure: Floats, blocks: int, level: float = LEVEL) -> Interval:
    """Return a figure's value with its percentile interval; none where fewer than FEWEST blocks carry it."""
    return of_draws(figure[0], figure[1:], blocks, level)
