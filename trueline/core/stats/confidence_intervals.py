"""Confidence intervals of rates, means and differences."""

from typing import TypedDict

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri  # scipy.stats takes a second to import

Floats = npt.NDArray[np.float64]

CONFIDENCE_LEVEL = 0.95
Z_SCORE = float(ndtri(0.5 + CONFIDENCE_LEVEL / 2))
MIN_BLOCKS = 30  # independent blocks below which an interval would claim too much


class Interval(TypedDict):
    """An estimate with its 95 % interval; low and high are None where there are too few independent blocks."""

    value: float | None
    low: float | None
    high: float | None
    n: int


def compute_wilson_interval(successes: float, n: int) -> Interval:
    """Return a rate with its Wilson 95 % interval; only valid for rows that are independent of each other.

    >>> interval = compute_wilson_interval(15, 50)
    >>> interval["value"], round(interval["low"], 3), round(interval["high"], 3)
    (0.3, 0.191, 0.438)
    """
    if n == 0:
        return {"value": None, "low": None, "high": None, "n": 0}
    rate = successes / n
    low, high = compute_wilson_bounds(np.array(rate), np.array(n, float))
    return {"value": rate, "low": float(low), "high": float(high), "n": n}


def compute_wilson_bounds(rate: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Return the bounds of the Wilson 95 % intervals of rates over n independent rows each; n need not be whole."""
    centre = (rate + Z_SCORE * Z_SCORE / (2 * n)) / (1 + Z_SCORE * Z_SCORE / n)
    half_width = (
        Z_SCORE * np.sqrt(rate * (1 - rate) / n + Z_SCORE * Z_SCORE / (4 * n * n)) / (1 + Z_SCORE * Z_SCORE / n)
    )
    # rounding may put a bound past 0, 1 or the rate by a last digit
    return np.clip(centre - half_width, 0, rate), np.clip(centre + half_width, rate, 1)


def compute_percentile_interval(value: float, draws: Floats, blocks: int, level: float = CONFIDENCE_LEVEL) -> Interval:
    """Return a figure's value with its percentile interval; no interval if `blocks` is below MIN_BLOCKS.

    `draws` are the figure's values in the bootstrap resamples; those that are not finite are left out.
    """
    if not np.isfinite(value):
        return {"value": None, "low": None, "high": None, "n": blocks}
    finite_draws = draws[np.isfinite(draws)]
    if blocks < MIN_BLOCKS or not len(finite_draws):
        return {"value": float(value), "low": None, "high": None, "n": blocks}
    low, high = np.quantile(finite_draws, [(1 - level) / 2, (1 + level) / 2])
    return {"value": float(value), "low": float(low), "high": float(high), "n": blocks}


def describe_difference(difference: Interval, better: str = "helped", worse: str = "hurt") -> str:
    """Return the verdict on a paired difference of losses (after − before): better, worse or undecided.

    Undecided if the interval contains 0 or there is none.
    """
    if difference["low"] is None or difference["high"] is None:
        return "undecided"
    if difference["high"] < 0:
        return better
    return worse if difference["low"] > 0 else "undecided"
