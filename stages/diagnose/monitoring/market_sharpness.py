"""Sharpness of a day: how close the market came of late, beside how close it came before to units as hard."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from stages.diagnose.monitoring.daily_sums import DailySums
from stages.diagnose.monitoring.mean_shift import MAX_WINDOW_DAYS, compute_baseline, compute_mean_shift
from trueline.core.stats.confidence_intervals import CONFIDENCE_LEVEL
from trueline.core.stats.rolling import compute_percentile_rank, compute_trailing_sums, get_trailing_windows

Floats = npt.NDArray[np.float64]

SHARPNESS_LABELS = ("dull", "normal", "sharp", "razor_sharp")
LABEL_BOUNDS = (40.0, 65.0, 80.0)  # scores from which a market is normal and sharp, and beyond which it is razor sharp
Z_SCORE = float(norm.ppf(0.5 + CONFIDENCE_LEVEL / 2))


@dataclass(frozen=True)
class MarketSharpness:
    """Figures of each day; missing where there is too little."""

    units: Floats  # priced, in the window
    market_loss: Floats  # the market's mean loss in the window
    baseline_loss: Floats  # and in the baseline
    improvement: Floats  # how many percent lower than such units cost in the baseline
    improvement_low: Floats
    improvement_high: Floats
    score: Floats  # 100 is sharper than any window of the baseline
    low: Floats
    high: Floats
    active_days: Floats  # days of the baseline with a line


def compute_sharpness(
    daily_sums: DailySums, width: int, baseline_days: int, least_units: int, least_days: int
) -> MarketSharpness:
    """Return how sharp the market was in the last `width` days beside the windows as long within the baseline.

    The market's loss is divided by what units of the same bands cost in the baseline; the score is the share of the
    baseline's windows in which that ratio was higher. Low and high move the ratio by its 95 % interval, from the
    spread of the baseline's days (neighbouring days count as independent). Neither knows what follows the day.
    """
    improvement = estimate_market_improvement(daily_sums, width, baseline_days, least_units, least_days)
    reference = compute_baseline(daily_sums.market, daily_sums.priced, baseline_days)
    units = compute_trailing_sums(daily_sums.priced, width).sum(axis=-1)
    ratio, standard_error = 1 - improvement.value, improvement.standard_error
    baseline_ratios = _compute_baseline_ratios(daily_sums, reference.expected, width, baseline_days, least_units)
    low, score, high = (
        100 * (1 - compute_percentile_rank(ratio + sign * Z_SCORE * standard_error, baseline_ratios))
        for sign in (1, 0, -1)
    )
    has_enough = units >= least_units
    market_loss = np.where(
        has_enough, compute_trailing_sums(daily_sums.market, width).sum(axis=-1) / np.maximum(units, 1), np.nan
    )
    baseline_loss = np.where(reference.active_days >= least_days, reference.mean, np.nan)
    value, lower, upper = (100 * (improvement.value + sign * Z_SCORE * standard_error) for sign in (0, -1, 1))
    return MarketSharpness(
        units, market_loss, baseline_loss, value, lower, upper, score, low, high, reference.active_days
    )


@dataclass(frozen=True)
class MarketImprovement:
    """The market's loss below what was expected, as a share of that, and its standard error."""

    value: Floats
    standard_error: Floats


def estimate_market_improvement(
    daily_sums: DailySums, width: int, baseline_days: int, least_units: int, least_days: int
) -> MarketImprovement:
    """Return by which share the market lost less in the window than such units cost in the baseline, of every world."""
    reference = compute_baseline(daily_sums.market, daily_sums.priced, baseline_days)
    mean_shift = compute_mean_shift(daily_sums.market, daily_sums.priced, reference, width)
    counts = compute_trailing_sums(daily_sums.priced, width, axis=-2)
    expected = (counts * np.nan_to_num(reference.expected)).sum(axis=-1) / np.maximum(mean_shift.units, 1)
    has_enough = (mean_shift.units >= least_units) & (reference.active_days >= least_days) & (expected > 0)
    expected_loss = np.where(has_enough, expected, np.nan)
    return MarketImprovement(-mean_shift.value / expected_loss, np.sqrt(mean_shift.variance) / expected_loss)


def label_sharpness(score: Floats) -> npt.NDArray[np.object_]:
    """Return the word for each score; None where it is missing."""
    label_index = np.where(
        score > LABEL_BOUNDS[2], 3, np.searchsorted(LABEL_BOUNDS[:2], np.nan_to_num(score), side="right")
    )
    return np.array([*SHARPNESS_LABELS, None], dtype=object)[
        np.where(np.isfinite(score), label_index, len(SHARPNESS_LABELS))
    ]


def _compute_baseline_ratios(
    daily_sums: DailySums, expected: Floats, width: int, baseline_days: int, least_units: int
) -> Floats:
    """Return for each day the standardised loss of the windows that lie within its baseline."""
    window_count = max(baseline_days - width + 1, 1)
    window_losses = get_trailing_windows(
        compute_trailing_sums(daily_sums.market, width).sum(axis=-1), window_count, MAX_WINDOW_DAYS
    )
    counts = compute_trailing_sums(daily_sums.priced, width)
    expected_losses = np.zeros_like(window_losses)
    window_units = get_trailing_windows(counts.sum(axis=-1), window_count, MAX_WINDOW_DAYS)
    for band in range(counts.shape[-1]):
        expected_losses += np.nan_to_num(expected[:, band])[:, None] * get_trailing_windows(
            counts[:, band], window_count, MAX_WINDOW_DAYS
        )
    has_enough = (window_units >= least_units) & (expected_losses > 0)
    return np.asarray(
        np.divide(window_losses, expected_losses, out=np.full(window_losses.shape, np.nan), where=has_enough)
    )
