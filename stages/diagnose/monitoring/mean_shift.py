"""The shift of the newest days' mean from that of an earlier baseline, standardised by band."""

from dataclasses import dataclass

import numpy as np

from stages.diagnose.units.array_types import Floats
from trueline.core.stats.rolling import compute_trailing_sums

MIN_BAND_UNITS = 30.0  # a band with fewer units in the baseline takes the mean of all bands
MAX_WINDOW_DAYS = 30  # days of the longest window; a baseline ends before that begins


@dataclass(frozen=True)
class TrailingBaseline:
    """What a unit cost in the days before the last 30; the last axis of `expected` is the band."""

    mean: Floats  # over all units; NaN without any
    expected: Floats  # mean of a unit of each band
    units: Floats
    active_days: Floats  # days with a unit
    unit_variance: Floats  # variance that a unit adds to a sum over days, correlation within a day included


def compute_baseline(daily_totals: Floats, daily_counts: Floats, days: int) -> TrailingBaseline:
    """Return the baseline of each day: the `days` calendar days that end before its last 30.

    `unit_variance` is the sum over days of (total − expected)² divided by the number of units: the units' own variance
    if they are independent, and more if units of a day err together.
    """
    band_totals, band_counts = (
        compute_trailing_sums(daily_values, days, MAX_WINDOW_DAYS, axis=-2)
        for daily_values in (daily_totals, daily_counts)
    )
    units = band_counts.sum(axis=-1)
    mean = _divide_or_nan(band_totals.sum(axis=-1), units)
    band_means = _divide_or_nan(band_totals, band_counts)
    expected = np.where(band_counts >= MIN_BAND_UNITS, band_means, mean[..., None])
    active_days = compute_trailing_sums((daily_counts.sum(axis=-1) > 0).astype(float), days, MAX_WINDOW_DAYS, axis=-1)
    squares = _sum_squared_deviations(daily_totals, daily_counts, expected, days)
    return TrailingBaseline(mean, expected, units, active_days, _divide_or_nan(np.maximum(squares, 0.0), units))


def _sum_squared_deviations(daily_totals: Floats, daily_counts: Floats, expected: Floats, days: int) -> Floats:
    """Return Σ over the baseline's days of (the day's total − Σ over bands of count · expected)², multiplied out."""
    day_totals, means = daily_totals.sum(axis=-1), np.moveaxis(np.nan_to_num(expected), -1, 0)
    counts = np.moveaxis(daily_counts, -1, 0)

    def sum_products(factor: Floats, other_factor: Floats) -> Floats:
        return compute_trailing_sums(factor * other_factor, days, MAX_WINDOW_DAYS, axis=-1)

    squares = sum_products(day_totals, day_totals)
    for band in range(len(counts)):
        squares = squares - 2 * means[band] * sum_products(day_totals, counts[band])
        for lower_band in range(band + 1):
            multiple, product = 1 + (lower_band < band), sum_products(counts[band], counts[lower_band])
            squares = squares + multiple * means[band] * means[lower_band] * product
    return squares


@dataclass(frozen=True)
class MeanShift:
    """The mean of a window minus the mean expected of its units, and the variance of that difference."""

    value: Floats
    variance: Floats
    units: Floats


def compute_mean_shift(
    daily_totals: Floats,
    daily_counts: Floats,
    reference: TrailingBaseline,
    width: int,
    min_variance: Floats | None = None,
) -> MeanShift:
    """Return the shift of the mean in the last `width` days; `min_variance` is the minimum variance of a unit."""
    band_totals, band_counts = (
        compute_trailing_sums(daily_values, width, axis=-2) for daily_values in (daily_totals, daily_counts)
    )
    units = band_counts.sum(axis=-1)
    expected = (band_counts * np.nan_to_num(reference.expected)).sum(axis=-1)
    unit_variance = reference.unit_variance
    if min_variance is not None:
        unit_variance = np.maximum(unit_variance, min_variance)
    inverse_units, inverse_reference = (_divide_or_nan(np.ones_like(units), n) for n in (units, reference.units))
    value = _divide_or_nan(band_totals.sum(axis=-1) - expected, units)
    return MeanShift(value, unit_variance * (inverse_units + inverse_reference), units)


def _divide_or_nan(numerator: Floats, denominator: Floats) -> Floats:
    quotient = np.full(np.shape(denominator), np.nan)
    return np.asarray(np.divide(numerator, denominator, out=quotient, where=denominator > 0))
