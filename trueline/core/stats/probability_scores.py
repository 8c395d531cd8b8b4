"""Scores of probabilities of yes or no: the log loss, the area under the ROC curve, and the calibration curve."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from trueline.core.stats.confidence_intervals import compute_wilson_interval
from trueline.core.stats.group_ops import MIN_PROBABILITY, Floats

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
    positive_count = int(is_positive.sum())
    rank_sum = float(pd.Series(score).rank()[is_positive].sum())
    pair_count = positive_count * (len(is_positive) - positive_count)
    return (rank_sum - positive_count * (positive_count + 1) / 2) / pair_count


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
