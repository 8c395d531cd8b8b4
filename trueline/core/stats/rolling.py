"""Trailing figures: sums, windows and ranks over the steps of a series up to each step, never after it."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def compute_trailing_sums(values: Floats, width: int, before: int = 0, axis: int = 0) -> Floats:
    """Return at each step the sum of the `width` steps that end `before` steps ago; steps before the first are zero.

    With `before` 0 the step itself is the newest of them. Values must not be missing. Sums are differences of running
    totals, hence exact for counts and accurate to about 1e-15 of the running total otherwise; later steps do not
    change a bit of them.
    """
    total = np.cumsum(np.moveaxis(values, axis, 0), axis=0, dtype=np.float64)
    total = np.concatenate([np.zeros_like(total[:1]), total])
    end = np.maximum(np.arange(1, len(total)) - before, 0)
    return np.moveaxis(total[end] - total[np.maximum(end - width, 0)], 0, axis)


def get_trailing_windows(values: Floats, width: int, before: int = 1) -> Floats:
    """Return steps × `width`: at each step the values of the steps that end `before` steps ago, newest first.

    Steps before the first are missing. With `before` of at least 1 a step is not in its own window.
    """
    positions = np.arange(len(values))[:, None] - before - np.arange(width)
    return np.where(positions >= 0, values[np.maximum(positions, 0)], np.nan)


def compute_percentile_rank(values: Floats, among: Floats) -> Floats:
    """Return for each value the share of its row of `among` that lies below it, from 0 to 1; ties count half.

    Missing if the value or its whole row is missing; missing members of a row do not count.
    """
    is_known = np.isfinite(among)
    below_count = (is_known & (among < values[:, None])).sum(axis=1) + 0.5 * (
        is_known & (among == values[:, None])
    ).sum(axis=1)
    count = is_known.sum(axis=1)
    share = np.divide(below_count, count, out=np.full(len(values), np.nan), where=count > 0)
    return np.where(np.isfinite(values), share, np.nan)
