"""Rates over trailing days, with intervals that allow for the correlation of a day's picks."""

from dataclasses import dataclass

import numpy as np

from stages.diagnose.units.array_types import Floats
from trueline.core.stats.confidence_intervals import compute_wilson_bounds
from trueline.core.stats.rolling import compute_trailing_sums


@dataclass(frozen=True)
class RateInterval:
    """A percentage for each day with its 95 % interval; NaN where there are too few picks."""

    value: Floats
    low: Floats
    high: Floats
    n: Floats


def compute_trailing_rate(
    wins: Floats, decided: Floats, width: int, overdispersion: Floats, min_picks: int
) -> RateInterval:
    """Return the percentage won in the last `width` days, with the Wilson interval of n / `overdispersion` picks."""
    win_counts, pick_counts = (
        compute_trailing_sums(daily_values.sum(axis=-1), width) for daily_values in (wins, decided)
    )
    has_enough = pick_counts >= min_picks
    effective_size = np.where(has_enough, pick_counts / overdispersion, 1.0)
    share = np.where(has_enough, win_counts / np.maximum(pick_counts, 1), np.nan)
    low, high = compute_wilson_bounds(share, effective_size)
    return RateInterval(100 * share, 100 * low, 100 * high, pick_counts)


def estimate_overdispersion(wins: Floats, decided: Floats, width: int) -> Floats:
    """Return the variance of the last days' wins relative to that of independent picks, at least 1."""
    day_wins, day_picks = wins.sum(axis=-1), decided.sum(axis=-1)
    ww, wn, nn, win_counts, pick_counts = (
        compute_trailing_sums(products, width, axis=-1)
        for products in (day_wins * day_wins, day_wins * day_picks, day_picks * day_picks, day_wins, day_picks)
    )
    win_rate = np.divide(win_counts, pick_counts, out=np.zeros_like(win_counts), where=pick_counts > 0)
    binomial_variance = pick_counts * win_rate * (1 - win_rate)
    squares = ww - 2 * win_rate * wn + win_rate * win_rate * nn
    ratio = np.divide(squares, binomial_variance, out=np.ones_like(binomial_variance), where=binomial_variance > 0)
    return np.asarray(np.maximum(ratio, 1.0))
