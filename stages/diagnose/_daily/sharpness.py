"""Sharpness of a day: how close the market came of late, beside how close it came before to units as hard."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from core.intervals import LEVEL
from core.trailing import rank, sums, windows
from stages.diagnose._daily.days import Days
from stages.diagnose._daily.shift import LONGEST, baseline, shift

Floats = npt.NDArray[np.float64]

STATUS = ("dull", "normal", "sharp", "razor_sharp")
BOUNDS = (40.0, 65.0, 80.0)  # scores from which a market is normal and sharp, and beyond which it is razor sharp
Z = float(norm.ppf(0.5 + LEVEL / 2))


@dataclass(frozen=True)
class Sharpness:
    """Figures of each day; missing where there is too little."""

    units: Floats  # priced, in the window
    loss: Floats  # the market's mean loss in the window
    before: Floats  # and in the baseline
    better: Floats  # how many percent lower than such units cost in the baseline
    better_low: Floats
    better_high: Floats
    score: Floats  # 100 is sharper than any window of the baseline
    low: Floats
    high: Floats
    active: Floats  # days of the baseline with a line


def sharpness(days: Days, width: int, baseline_days: int, least_units: int, least_days: int) -> Sharpness:
    """Return how sharp the market was in the last `width` days beside the windows as long within the baseline.

    The market's loss is divided by what units of the same bands cost in the baseline; the score is the share of the
    baseline's windows in which that ratio was higher. Low and high move the ratio by its 95 % interval, from the
    spread of the baseline's days (neighbouring days count as independent). Neither knows what follows the day.
    """
    moved = better(days, width, baseline_days, least_units, least_days)
    before = baseline(days.market, days.priced, baseline_days)
    units = sums(days.priced, width).sum(axis=-1)
    ratio, error = 1 - moved.value, moved.error
    among = _earlier(days, before.expected, width, baseline_days, least_units)
    low, score, high = (100 * (1 - rank(ratio + turn * Z * error, among)) for turn in (1, 0, -1))
    enough = units >= least_units
    loss = np.where(enough, sums(days.market, width).sum(axis=-1) / np.maximum(units, 1), np.nan)
    known = np.where(before.active >= least_days, before.mean, np.nan)
    value, lower, upper = (100 * (moved.value + turn * Z * error) for turn in (0, -1, 1))
    return Sharpness(units, loss, known, value, lower, upper, score, low, high, before.active)


@dataclass(frozen=True)
class Better:
    """The market's loss below what was expected, as a share of that, and its standard error."""

    value: Floats
    error: Floats


def better(days: Days, width: int, baseline_days: int, least_units: int, least_days: int) -> Better:
    """Return by which share the market lost less in the window than such units cost in the baseline, of every world."""
    before = baseline(days.market, days.priced, baseline_days)
    found = shift(days.market, days.priced, before, width)
    counts = sums(days.priced, width, axis=-2)
    expected = (counts * np.nan_to_num(before.expected)).sum(axis=-1) / np.maximum(found.units, 1)
    enough = (found.units >= least_units) & (before.active >= least_days) & (expected > 0)
    size = np.where(enough, expected, np.nan)
    return Better(-found.value / size, np.sqrt(found.variance) / size)


def status(score: Floats) -> npt.NDArray[np.object_]:
    """Return the word for each score; None where it is missing."""
    place = np.where(score > BOUNDS[2], 3, np.searchsorted(BOUNDS[:2], np.nan_to_num(score), side="right"))
    return np.array([*STATUS, None], dtype=object)[np.where(np.isfinite(score), place, len(STATUS))]


def _earlier(days: Days, expected: Floats, width: int, baseline_days: int, least_units: int) -> Floats:
    """Return for each day the standardised loss of the windows that lie within its baseline."""
    reach = max(baseline_days - width + 1, 1)
    loss = windows(sums(days.market, width).sum(axis=-1), reach, LONGEST)
    counts = sums(days.priced, width)
    cost = np.zeros_like(loss)
    units = windows(counts.sum(axis=-1), reach, LONGEST)
    for band in range(counts.shape[-1]):
        cost += np.nan_to_num(expected[:, band])[:, None] * windows(counts[:, band], reach, LONGEST)
    enough = (units >= least_units) & (cost > 0)
    return np.asarray(np.divide(loss, cost, out=np.full(loss.shape, np.nan), where=enough))
