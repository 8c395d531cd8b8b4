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
    unit_variance = _divide_or_nan(
        np.maximum(_sum_squared_deviations(daily_totals, daily_counts, expected, days), 0.0), units
    )
    return TrailingBaseline(mean, expected, units, active_days, unit_variance)


def _sum_squared_deviations(daily_totals: Floats, daily_counts: Floats, expected: Floats, days: int) -> Floats:
    """Return Σ over the baseline's days of (the day's total − Σ over bands of count · expected)², multiplied out."""
    day_totals = daily_totals.sum(axis=-1)
    known_expected = np.nan_to_num(expected)
    squares = compute_trailing_sums(day_totals * day_totals, days, MAX_WINDOW_DAYS, axis=-1)
    for band in range(daily_counts.shape[-1]):
        squares = squares - 2 * known_expected[..., band] * compute_trailing_sums(
            day_totals * daily_counts[..., band], days, MAX_WINDOW_DAYS, axis=-1
        )
        for other_band in range(band + 1):
            product = compute_trailing_sums(
                daily_counts[..., band] * daily_counts[..., other_band], days, MAX_WINDOW_DAYS, axis=-1
            )
            squares = (
                squares
                + (1 + (other_band < band)) * known_expected[..., band] * known_expected[..., other_band] * product
            )
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
    unit_variance = (
        reference.unit_variance if min_variance is None else np.maximum(reference.unit_variance, min_variance)
    )
    variance = unit_variance * (
        _divide_or_nan(np.ones_like(units), units) + _divide_or_nan(np.ones_like(units), reference.units)
    )
    return MeanShift(_divide_or_nan(band_totals.sum(axis=-1) - expected, units), variance, units)


def _divide_or_nan(numerator: Floats, denominator: Floats) -> Floats:
    return np.asarray(
        np.divide(numerator, denominator, out=np.full(np.shape(denominator), np.nan), where=denominator > 0)
    )
