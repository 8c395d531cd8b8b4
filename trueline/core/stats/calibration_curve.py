"""Reliability: what was promised beside what happened, and how evenly outcomes fall in what was predicted."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from trueline.core.stats.confidence_intervals import compute_wilson_interval

Floats = npt.NDArray[np.float64]
CURVE_COLUMNS = ("predicted", "observed", "low", "high", "n")


def compute_calibration_curve(chance: Floats, happened: npt.ArrayLike, bins: int) -> pd.DataFrame:
    """Return mean chance and rate of occurrence, with Wilson interval, in bins of equal count from low to high."""
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
    """Return the mean distance of promise from rate over all rows: 0 is perfect, chance alone makes it more."""
    if table.empty:
        return None
    return float(((table["predicted"] - table["observed"]).abs() * table["n"]).sum() / table["n"].sum())
