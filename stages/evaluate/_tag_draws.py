"""Draws: sums over rows, as they are and with their clusters redrawn, for figures that are no plain ratio."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.intervals import DRAWS, FEWEST, Interval, of_draws, weights
from core.races import Floats
from core.threads import one_thread


class Draws:
    """Clusters of rows that are drawn together, and the same draws for every figure; the first is all rows as they are.

    Fewer than FEWEST clusters are not redrawn, and no figure of theirs has an interval. Holds 8 bytes a draw and
    cluster: 160 MB for 10,000 clusters.
    """

    def __init__(self, group: npt.ArrayLike, seed: int, draws: int = DRAWS) -> None:
        code = pd.factorize(np.asarray(group, dtype=object))[0]
        self.count = int(code.max()) + 1 if len(code) else 0
        self._order = np.argsort(code, kind="stable")
        self._starts = np.searchsorted(code[self._order], np.arange(self.count))
        redrawn = weights(self.count, seed, draws) if self.count >= FEWEST else iter(())
        self._times = np.vstack([np.ones((1, self.count)), *redrawn])

    def of_clusters(self, columns: Floats) -> Floats:
        """Return clusters × columns: the sums over the rows of each cluster."""
        return np.asarray(np.add.reduceat(columns[self._order], self._starts, axis=0))

    def sums(self, columns: Floats) -> Floats:
        """Return (1 + draws) × columns: the sums over all rows, then over those of each draw."""
        with one_thread():
            return np.asarray(self._times @ self.of_clusters(columns))

    def interval(self, figure: Floats, clusters: int | None = None) -> Interval:
        """Return the interval of a figure computed from each row of `sums`.

        `clusters` are those that tell anything of it, all by default; fewer than FEWEST give no interval.
        """
        n = self.count if clusters is None else clusters
        return of_draws(float(figure[0]), figure[1:], n)
