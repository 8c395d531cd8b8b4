"""Rates of trailing days, with intervals as wide as the picks of a day are alike."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.intervals import wilson_ends
from core.trailing import sums

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rate:
    """A percentage of each day with its 95 % interval; missing where there are too few picks."""

    value: Floats
    low: Floats
    high: Floats
    n: Floats


def rate(wins: Floats, decided: Floats, width: int, alike: Floats, least: int) -> Rate:
    """Return the percentage won in the last `width` days with its Wilson interval, of n / `alike` picks."""
    won, n = (sums(one.sum(axis=-1), width) for one in (wins, decided))
    known = n >= least
    size = np.where(known, n / alike, 1.0)
    share = np.where(known, won / np.maximum(n, 1), np.nan)
    low, high = wilson_ends(share, size)
    return Rate(100 * share, 100 * low, 100 * high, n)


def alike(wins: Floats, decided: Floats, width: int) -> Floats:
    """Return how many times more than independent picks those of the last days vary by day, at least 1."""
    w, n = wins.sum(axis=-1), decided.sum(axis=-1)
    ww, wn, nn, won, all_picks = (sums(one, width, axis=-1) for one in (w * w, w * n, n * n, w, n))
    p = np.divide(won, all_picks, out=np.zeros_like(won), where=all_picks > 0)
    chance = all_picks * p * (1 - p)
    squares = ww - 2 * p * wn + p * p * nn
    times = np.divide(squares, chance, out=np.ones_like(chance), where=chance > 0)
    return np.asarray(np.maximum(times, 1.0))
