"""Calibration curve: predicted probabilities beside observed rates, and the mean distance between them."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from trueline.core.stats.confidence_intervals import compute_wilson_interval

Floats = npt.NDArray[np.float64]
CURVE_COLUMNS = ("predicted", "observed", "low", "high", "n")


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
