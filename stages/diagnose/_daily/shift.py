"""Shift: how far the mean of the newest days lies from that of a baseline before them, like compared with like."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.trailing import sums

Floats = npt.NDArray[np.float64]

FEW = 30.0  # units of a band in the baseline below which its mean is that of all bands
LONGEST = 30  # days of the longest window: a baseline ends before it begins


@dataclass(frozen=True)
class Baseline:
    """What the days before the last 30 say a unit costs; the last axis of `expected` is the band."""

    mean: Floats  # of all units; missing where there are none
    expected: Floats  # of a unit of each band
    units: Floats
    active: Floats  # days with a unit
    spread: Floats  # variance that a unit adds to a sum over days, neighbours of a day included


def baseline(total: Floats, count: Floats, days: int) -> Baseline:
    """Return the baseline of each day: the `days` calendar days that end before its last 30.

    The spread is the sum over days of (total − expected)², over the number of units: as large as the units' own
    variance where they are independent, and larger where units of a day err together.
    """
    before, counts = (sums(one, days, LONGEST, axis=-2) for one in (total, count))
    units = counts.sum(axis=-1)
    mean = _divide(before.sum(axis=-1), units)
    own = _divide(before, counts)
    expected = np.where(counts >= FEW, own, mean[..., None])
    active = sums((count.sum(axis=-1) > 0).astype(float), days, LONGEST, axis=-1)
    spread = _divide(np.maximum(_squares(total, count, expected, days), 0.0), units)
    return Baseline(mean, expected, units, active, spread)


def _squares(total: Floats, count: Floats, expected: Floats, days: int) -> Floats:
    """Return Σ over the baseline's days of (the day's total − Σ over bands count · expected)², expanded."""
    day = total.sum(axis=-1)
    known = np.nan_to_num(expected)
    found = sums(day * day, days, LONGEST, axis=-1)
    for one in range(count.shape[-1]):
        found = found - 2 * known[..., one] * sums(day * count[..., one], days, LONGEST, axis=-1)
        for other in range(one + 1):
            product = sums(count[..., one] * count[..., other], days, LONGEST, axis=-1)
            found = found + (1 + (other < one)) * known[..., one] * known[..., other] * product
    return found


@dataclass(frozen=True)
class Shift:
    """The mean of a window less what its units were expected to have, and how uncertain that is."""

    value: Floats
    variance: Floats
    units: Floats


def shift(total: Floats, count: Floats, before: Baseline, width: int, floor: Floats | None = None) -> Shift:
    """Return the shift of the mean in the last `width` days; `floor` is a least variance of a unit."""
    window, counts = (sums(one, width, axis=-2) for one in (total, count))
    units = counts.sum(axis=-1)
    expected = (counts * np.nan_to_num(before.expected)).sum(axis=-1)
    spread = before.spread if floor is None else np.maximum(before.spread, floor)
    uncertain = spread * (_divide(np.ones_like(units), units) + _divide(np.ones_like(units), before.units))
    return Shift(_divide(window.sum(axis=-1) - expected, units), uncertain, units)


def _divide(above: Floats, below: Floats) -> Floats:
    return np.asarray(np.divide(above, below, out=np.full(np.shape(below), np.nan), where=below > 0))
