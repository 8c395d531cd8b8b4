"""A cluster bootstrap of sums over rows, for metrics that are not plain ratios."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from trueline.core.compute.single_thread import limit_to_one_thread
from trueline.core.stats.confidence_intervals import (
    BOOTSTRAP_DRAWS,
    MIN_BLOCKS,
    Interval,
    compute_percentile_interval,
    draw_block_weights,
)
from trueline.core.stats.group_ops import Floats


class ClusterBootstrap:
    """Resamples whole clusters of rows, with the same resamples for every metric; the first is the data itself.

    With fewer than MIN_BLOCKS clusters there are no resamples and no intervals. Takes 8 bytes per resample and cluster:
    160 MB for 10,000 clusters.
    """

    def __init__(self, group: npt.ArrayLike, seed: int, draws: int = BOOTSTRAP_DRAWS) -> None:
        code = pd.factorize(np.asarray(group, dtype=object))[0]
        self.cluster_count = int(code.max()) + 1 if len(code) else 0
        self._row_order = np.argsort(code, kind="stable")
        self._cluster_starts = np.searchsorted(code[self._row_order], np.arange(self.cluster_count))
        drawn_weights = (
            draw_block_weights(self.cluster_count, seed, draws) if self.cluster_count >= MIN_BLOCKS else iter(())
        )
        self._cluster_weights = np.vstack([np.ones((1, self.cluster_count)), *drawn_weights])

    def sum_by_cluster(self, columns: Floats) -> Floats:
        """Return clusters × columns: the sums over the rows of each cluster."""
        return np.asarray(np.add.reduceat(columns[self._row_order], self._cluster_starts, axis=0))

    def sum_by_draw(self, columns: Floats) -> Floats:
        """Return (1 + draws) × columns: the sums over all rows, then over each resample."""
        with limit_to_one_thread():
            return np.asarray(self._cluster_weights @ self.sum_by_cluster(columns))

    def estimate_interval(self, values: Floats, informative_clusters: int | None = None) -> Interval:
        """Return the interval of a metric that was computed from each row of `sum_by_draw`.

        `informative_clusters` counts the clusters that bear on the metric, by default all; fewer than MIN_BLOCKS give
        no interval.
        """
        block_count = self.cluster_count if informative_clusters is None else informative_clusters
        return compute_percentile_interval(float(values[0]), values[1:], block_count)
