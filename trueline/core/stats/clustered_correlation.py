"""Clustered correlation: how two columns go together within groups, and how surely, where rows of a group depend."""

from typing import NamedTuple

import numpy as np

from trueline.core.stats.group_ops import Codes, Floats


class Correlation(NamedTuple):
    """A correlation within groups, from −1 to 1, and its t value, for which a group counts as one observation."""

    r: float
    t: float


def compute_group_correlation(x: Floats, y: Floats, code: Codes) -> Correlation:
    """Return how x and y correlate about the means of their groups; both 0 if either is constant in every group.

    t is that of x · y, both centred in each group, and needs no more than that groups are independent: rows of one
    group may depend and vary as they like. Values must not be missing.

    >>> x, y = np.array([1.0, 2.0, 5.0, 6.0]), np.array([1.0, 3.0, 9.0, 11.0])
    >>> r, t = compute_group_correlation(x, y, np.array([0, 0, 1, 1]))
    >>> round(r, 9), round(t, 9)
    (1.0, 1.414213562)
    """
    x_deviation, y_deviation = _remove_group_means(x, code), _remove_group_means(y, code)
    scale = np.sqrt((x_deviation @ x_deviation) * (y_deviation @ y_deviation))
    if not scale > 0:
        return Correlation(0.0, 0.0)
    products = x_deviation * y_deviation
    return Correlation(float(products.sum() / scale), compute_clustered_t(products, code))


def compute_clustered_t(values: Floats, code: Codes) -> float:
    """Return t of the hypothesis that values have mean 0: Σ s / √Σ s² over the groups' sums s; 0 if all s are 0.

    >>> compute_clustered_t(np.array([1.0, 1.0, 2.0, 1.0]), np.array([0, 0, 1, 2])).__round__(3)
    1.667
    """
    group_sums = np.bincount(code, weights=values)
    spread = np.sqrt(group_sums @ group_sums)
    return float(group_sums.sum() / spread) if spread > 0 else 0.0


def _remove_group_means(values: Floats, code: Codes) -> Floats:
    means = np.bincount(code, weights=values) / np.maximum(np.bincount(code), 1)
    deviation = values - means[code]
    # what rounding leaves of a constant column is no variation
    tolerance = 1e-9 * max(float(np.abs(values).max(initial=0.0)), 1e-300)
    return np.asarray(np.where(np.abs(deviation) > tolerance, deviation, 0.0))
