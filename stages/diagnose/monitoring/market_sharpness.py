"""Market sharpness: how close the market has been lately, compared with equally hard units of a baseline before."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from stages.diagnose.monitoring.daily_sums import DailySums
from stages.diagnose.monitoring.mean_shift import MAX_WINDOW_DAYS, compute_baseline, compute_mean_shift
from stages.diagnose.monitoring.monitoring_settings import WindowSettings
from stages.diagnose.units.array_types import Floats, Texts
from trueline.core.stats.confidence_intervals import CONFIDENCE_LEVEL
from trueline.core.stats.rolling import compute_percentile_rank, compute_trailing_sums, get_trailing_windows

SHARPNESS_LABELS = ("dull", "normal", "sharp", "razor_sharp")
LABEL_BOUNDS = (40.0, 65.0, 80.0)  # a market is normal from 40, sharp from 65, and razor sharp above 80
Z_SCORE = float(ndtri(0.5 + CONFIDENCE_LEVEL / 2))


@dataclass(frozen=True)
class MarketSharpness:
    """The figures of each day; NaN where there are too few data."""

    units: Floats  # priced units in the window
    market_loss: Floats  # the market's mean loss in the window
    baseline_loss: Floats  # the market's mean loss in the baseline
    improvement: Floats  # per cent by which the loss is below that of such units in the baseline
    improvement_low: Floats
    improvement_high: Floats
    score: Floats  # 100 is sharper than every window of the baseline
    low: Floats
    high: Floats
    active_days: Floats  # days of the baseline with a line


def compute_sharpness(daily_sums: DailySums, windows: WindowSettings) -> MarketSharpness:
    """Return how sharp the market was in the last `window_days`, compared with windows of that length in the baseline.

    The market's loss is divided by the loss of units of the same bands in the baseline; the score is the percentage of
    the baseline's windows with a higher ratio. Low and high shift the ratio to the ends of its 95 % interval, from the
    spread of the baseline's days (neighbouring days count as independent). No day uses later ones.
    """
    improvement = estimate_market_improvement(daily_sums, windows)
    reference = compute_baseline(daily_sums.market, daily_sums.priced, windows.baseline_days)
    units, market_losses = (
        compute_trailing_sums(sums, windows.window_days).sum(axis=-1) for sums in (daily_sums.priced, daily_sums.market)
    )
    ratio, standard_error = 1 - improvement.value, improvement.standard_error
    baseline_ratios = _compute_baseline_ratios(daily_sums, reference.expected, windows)
    low, score, high = (
        100 * (1 - compute_percentile_rank(ratio + sign * Z_SCORE * standard_error, baseline_ratios))
        for sign in (1, 0, -1)
    )
    market_loss = np.where(units >= windows.least_units, market_losses / np.maximum(units, 1), np.nan)
    baseline_loss = np.where(reference.active_days >= windows.least_days, reference.mean, np.nan)
    value, lower, upper = (100 * (improvement.value + sign * Z_SCORE * standard_error) for sign in (0, -1, 1))
    return MarketSharpness(
        units, market_loss, baseline_loss, value, lower, upper, score, low, high, reference.active_days
    )


@dataclass(frozen=True)
class MarketImprovement:
    """The market's loss below its expectation, as a share of the expectation, and its standard error."""

    value: Floats
    standard_error: Floats


def estimate_market_improvement(daily_sums: DailySums, windows: WindowSettings) -> MarketImprovement:
    """Return the share by which the market's loss in the window is below that of such units in the baseline."""
    reference = compute_baseline(daily_sums.market, daily_sums.priced, windows.baseline_days)
    mean_shift = compute_mean_shift(daily_sums.market, daily_sums.priced, reference, windows.window_days)
    counts = compute_trailing_sums(daily_sums.priced, windows.window_days, axis=-2)
    expected = (counts * np.nan_to_num(reference.expected)).sum(axis=-1) / np.maximum(mean_shift.units, 1)
    has_enough = (mean_shift.units >= windows.least_units) & (reference.active_days >= windows.least_days)
    expected_loss = np.where(has_enough & (expected > 0), expected, np.nan)
    return MarketImprovement(-mean_shift.value / expected_loss, np.sqrt(mean_shift.variance) / expected_loss)


def label_sharpness(score: Floats) -> Texts:
    """Return the label of each score, None where it is missing."""
    low_index = np.searchsorted(LABEL_BOUNDS[:2], np.nan_to_num(score), side="right")
    label_index = np.where(np.isfinite(score), np.where(score > LABEL_BOUNDS[2], 3, low_index), -1)
    return np.array([*SHARPNESS_LABELS, None], dtype=object)[label_index]


def _compute_baseline_ratios(daily_sums: DailySums, expected: Floats, windows: WindowSettings) -> Floats:
    """Return for each day the loss ratios (loss over expected loss) of the windows within its baseline."""
    window_count = max(windows.baseline_days - windows.window_days + 1, 1)
    losses, counts = (
        compute_trailing_sums(sums, windows.window_days) for sums in (daily_sums.market, daily_sums.priced)
    )
    window_losses, window_units = (
        get_trailing_windows(sums.sum(axis=-1), window_count, MAX_WINDOW_DAYS) for sums in (losses, counts)
    )
    expected_losses = np.zeros_like(window_losses)
    for band_means, band_counts in zip(np.nan_to_num(expected).T, counts.T, strict=True):
        expected_losses += band_means[:, None] * get_trailing_windows(band_counts, window_count, MAX_WINDOW_DAYS)
    has_enough = (window_units >= windows.least_units) & (expected_losses > 0)
    ratios = np.full(window_losses.shape, np.nan)
    return np.asarray(np.divide(window_losses, expected_losses, out=ratios, where=has_enough))
