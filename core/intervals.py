"""Intervals: how far a rate or a difference can be trusted."""

from collections.abc import Iterator
from typing import TypedDict

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

Floats = npt.NDArray[np.float64]

LEVEL = 0.95
Z = float(norm.ppf(0.5 + LEVEL / 2))
DRAWS = 2000
CHUNK = 100  # draws held in memory at once
FEWEST = 30  # blocks below which an interval would pretend to know


class Interval(TypedDict):
    """An estimate with its 95 % interval; low and high are None where there are too few independent blocks."""

    value: float | None
    low: float | None
    high: float | None
    n: int


def wilson(successes: float, n: int) -> Interval:
    """Return a rate with its Wilson 95 % interval; for rows that are independent of each other."""
    if n == 0:
        return {"value": None, "low": None, "high": None, "n": 0}
    rate = successes / n
    low, high = wilson_ends(np.array(rate), np.array(n, float))
    return {"value": rate, "low": float(low), "high": float(high), "n": n}


def wilson_ends(rate: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Return the ends of Wilson's 95 % intervals of rates, each of n independent rows, which need not be whole."""
    centre = (rate + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z * np.sqrt(rate * (1 - rate) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    # rounding may put an end past 0, 1 or the rate by a last digit
    return np.clip(centre - half, 0, rate), np.clip(centre + half, rate, 1)


def of_draws(value: float, draws: Floats, blocks: int, level: float = LEVEL) -> Interval:
    """Return a figure's value with its percentile interval; none where fewer than FEWEST blocks carry it.

    `draws` are the figure's values on blocks drawn anew; those that are not finite are left out.
    """
    if not np.isfinite(value):
        return {"value": None, "low": None, "high": None, "n": blocks}
    known = draws[np.isfinite(draws)]
    if blocks < FEWEST or not len(known):
        return {"value": float(value), "low": None, "high": None, "n": blocks}
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return {"value": float(value), "low": float(low), "high": float(high), "n": blocks}


def bootstrap(numerator: Floats, denominator: Floats, seed: int, draws: int = DRAWS) -> Interval:
    """Return the ratio of two sums over blocks with its percentile interval from resampled blocks.

    One entry a block (a race, a day, a cluster); with ones as denominator it is a mean over blocks. Fewer than
    FEWEST blocks give no interval.
    """
    n = len(numerator)
    whole = float(denominator.sum())
    value = float(numerator.sum()) / whole if whole else None
    if n < FEWEST or value is None:
        return {"value": value, "low": None, "high": None, "n": n}
    ratios = []
    for drawn in weights(n, seed, draws):
        below = drawn @ denominator
        ratios.append((drawn @ numerator)[below > 0] / below[below > 0])
    low, high = np.quantile(np.concatenate(ratios), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {"value": value, "low": float(low), "high": float(high), "n": n}


def weights(n: int, seed: int, draws: int = DRAWS) -> Iterator[Floats]:
    """Yield, in chunks of rows, how often each of n blocks is drawn when n are drawn with replacement."""
    random = np.random.default_rng(seed)
    for start in range(0, draws, CHUNK):
        yield random.multinomial(n, np.full(n, 1 / n), size=min(CHUNK, draws - start)).astype(float)


def mean(blocks: Floats, seed: int, draws: int = DRAWS) -> Interval:
    """Return the mean over blocks with its bootstrap interval."""
    return bootstrap(blocks, np.ones(len(blocks)), seed, draws)


def verdict(difference: Interval, better: str = "helped", worse: str = "hurt") -> str:
    """Return what a paired difference of losses (after − before) says: better, worse, or undecided."""
    if difference["low"] is None or difference["high"] is None:
        return "undecided"
    if difference["high"] < 0:
        return better
    return worse if difference["low"] > 0 else "undecided"
