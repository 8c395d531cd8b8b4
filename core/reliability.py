"""Reliability: what was promised beside what happened, and how evenly outcomes fall in what was predicted."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.intervals import wilson

Floats = npt.NDArray[np.float64]
COLUMNS = ("predicted", "observed", "low", "high", "n")


def reliability(chance: Floats, happened: npt.ArrayLike, bins: int) -> pd.DataFrame:
    """Return mean chance and rate of occurrence, with Wilson interval, in bins of equal count from low to high."""
    came = np.asarray(happened, dtype=np.float64)
    order = np.argsort(chance, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    rates = [wilson(float(came[part].sum()), len(part)) for part in parts]
    rows = [
        (float(chance[part].mean()), rate["value"], rate["low"], rate["high"], rate["n"])
        for part, rate in zip(parts, rates, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def calibration_error(table: pd.DataFrame) -> float | None:
    """Return the mean distance of promise from rate over all rows: 0 is perfect, chance alone makes it more."""
    if table.empty:
        return None
    return float(((table["predicted"] - table["observed"]).abs() * table["n"]).sum() / table["n"].sum())
