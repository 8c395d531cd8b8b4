"""Scores of probabilities of yes or no: the log loss, the area under the ROC curve, calibration curve and slope."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from trueline.core.stats.block_bootstrap import draw_block_weights
from trueline.core.stats.confidence_intervals import Interval, compute_percentile_interval, compute_wilson_interval
from trueline.core.stats.group_ops import MIN_PROBABILITY, Codes, Floats

# in a slope, probabilities are clipped this far from 0 and 1, or a single certain miss would determine it
MIN_SLOPE_PROBABILITY = 1e-6
MAX_NEWTON_STEPS = 50
MAX_SLOPE = 100.0  # a slope beyond this means that the probabilities separate the outcomes without error

CURVE_COLUMNS = ("predicted", "observed", "low", "high", "n")  # of a calibration curve


def compute_log_losses(p: Floats, y: Floats) -> Floats:
    """Return −y·ln p − (1 − y)·ln(1 − p) in nats, element by element; p is clipped MIN_PROBABILITY from 0 and 1.

    >>> compute_log_losses(np.array([0.5, 1.0]), np.array([1.0, 1.0])).round(6).tolist()
    [0.693147, 0.0]
    """
    p = np.clip(p, MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    return -y * np.log(p) - (1 - y) * np.log1p(-p)


def compute_auc(is_positive: npt.NDArray[np.bool_], score: Floats) -> float:
    """Return the probability that a positive row scores above a negative one, ties counting half; needs both.

    >>> compute_auc(np.array([True, False, True, False]), np.array([0.9, 0.1, 0.4, 0.4]))
    0.875
    """
    positives, negatives = np.sort(score[is_positive]), np.sort(score[~is_positive])
    below_count, at_most_count = (np.searchsorted(negatives, positives, side).sum() for side in ("left", "right"))
    return float(below_count + at_most_count) / 2 / (len(positives) * len(negatives))


def compute_calibration_curve(chance: Floats, happened: npt.ArrayLike, bins: int) -> pd.DataFrame:
    """Return the mean probability and the observed rate, with Wilson interval, in bins of equal count, ascending."""
    outcomes = np.asarray(happened, dtype=np.float64)
    order = np.argsort(chance, kind="stable")
    bin_rows = [rows_of_bin for rows_of_bin in np.array_split(order, bins) if len(rows_of_bin)]
    rates = [compute_wilson_interval(float(outcomes[rows_of_bin].sum()), len(rows_of_bin)) for rows_of_bin in bin_rows]
    curve_rows = [
        (float(chance[rows_of_bin].mean()), rate["value"], rate["low"], rate["high"], rate["n"])
        for rows_of_bin, rate in zip(bin_rows, rates, strict=True)
    ]
    return pd.DataFrame(curve_rows, columns=list(CURVE_COLUMNS))


def compute_calibration_error(table: pd.DataFrame) -> float | None:
    """Return the expected calibration error: the mean over rows of |predicted − observed| of their bins; None if empty.

    0 is perfect; chance alone makes it more than 0.
    """
    if table.empty:
        return None
    return float(((table["predicted"] - table["observed"]).abs() * table["n"]).sum() / table["n"].sum())


def estimate_calibration_slope(p: Floats, y: Floats, group: Codes, seed: int) -> dict[str, Interval] | None:
    """Return `intercept` and `slope` of a logistic regression of y (0 to 1) on logit(p), with their intervals.

    A slope below 1 is overconfidence. The intervals resample groups, numbered from 0; each resample is refitted by one
    Newton step from the fit to the whole sample. None if no finite slope exists.
    """
    p = np.clip(p, MIN_SLOPE_PROBABILITY, 1 - MIN_SLOPE_PROBABILITY)
    x = np.column_stack([np.ones(len(p)), np.log(p) - np.log1p(-p)])
    fitted = _fit_slope(x, y)
    if fitted is None:
        return None
    draws = _bootstrap_slopes(x, y, group, fitted, seed)
    return {
        name: compute_percentile_interval(float(fitted[index]), draws[:, index], int(group.max()) + 1)
        for index, name in enumerate(("intercept", "slope"))
    }


def _fit_slope(x: Floats, y: Floats) -> Floats | None:
    """Return intercept and slope by Newton's method, or None if there is no finite and unique solution."""
    if np.ptp(x[:, 1]) < 1e-9:
        return None
    fitted = np.array([0.0, 1.0])
    for _ in range(MAX_NEWTON_STEPS):
        p = _compute_sigmoid(x @ fitted)
        curvature = x.T @ (x * (p * (1 - p))[:, None])
        if np.linalg.cond(curvature) > 1e12:
            return None
        step = np.clip(np.linalg.solve(curvature, x.T @ (y - p)), -5, 5)
        fitted = fitted + step
        if np.abs(fitted).max() > MAX_SLOPE:
            return None
        if np.abs(step).max() < 1e-9:
            return np.asarray(fitted)
    return None


def _bootstrap_slopes(x: Floats, y: Floats, group: Codes, fitted: Floats, seed: int) -> Floats:
    p = _compute_sigmoid(x @ fitted)
    score, weighted_x = x * (y - p)[:, None], (p * (1 - p))[:, None] * x
    group_scores = np.column_stack([np.bincount(group, weights=column) for column in score.T])
    products = [weighted_x[:, 0] * x[:, 0], weighted_x[:, 0] * x[:, 1], weighted_x[:, 1] * x[:, 1]]
    group_curvatures = np.column_stack([np.bincount(group, weights=column) for column in products])
    fits = []
    for draw_weights in draw_block_weights(len(group_scores), seed):
        curvature = (draw_weights @ group_curvatures)[:, [0, 1, 1, 2]].reshape(-1, 2, 2)
        fits.append(fitted + np.linalg.solve(curvature, (draw_weights @ group_scores)[:, :, None])[:, :, 0])
    return np.concatenate(fits)


def _compute_sigmoid(z: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(z / 2)))
