"""Stretches of days on which production deviates from the backtest more than it usually does."""

from typing import Any

import numpy as np

from stages.diagnose.backtest_gap.paired_rows import PairedRows
from stages.diagnose.units.array_types import Mask
from trueline.core.stats.block_bootstrap import Floats

MIN_DAYS, MAX_EXHAUSTIVE_DAYS, LENGTH_GROWTH = 2, 60, 1.1  # every length from 2 to 60 days, then each a tenth longer
MAD_TO_STD = 1.4826  # turns a median absolute deviation into a standard deviation if deviations are normal
MAX_STRETCHES = 5
MEASURES = {"bias": "production's predictions less the backtest's", "error": "production's error less the backtest's"}


def find_stretches(paired: PairedRows, size: float, errors: float) -> list[dict[str, Any]]:
    """Return stretches whose mean difference is off the usual by at least `size` and at least `errors` standard errors.

    Two differences are compared on the rows that both sides predict: that of the predictions (an input at its default
    shifts them) and that of the errors (knowing the result shrinks them). The usual difference is that of the median
    day; the standard error is a robust estimate from the days.
    """
    common_rows = np.flatnonzero(
        paired.backtest.has_prediction & paired.production.has_prediction & np.isfinite(paired.target)
    )
    prediction_gap = (paired.production.prediction - paired.backtest.prediction)[common_rows]
    production_error, backtest_error = (
        np.abs(source.prediction - paired.target)[common_rows] for source in (paired.production, paired.backtest)
    )
    counts, stretches = paired.count_by_day(common_rows).astype(np.float64), []
    played_days = np.flatnonzero(counts)
    for measure, values in (("bias", prediction_gap), ("error", production_error - backtest_error)):
        sums = np.bincount(paired.day_index[common_rows], values, len(paired.days)).astype(np.float64)
        for start, stop, deviation, score in _scan_days(sums[played_days], counts[played_days], size, errors):
            begin, end = paired.format_days(played_days[[start, stop]])
            stretch = {"measure": measure, "first": begin, "last": end, "days": stop - start + 1, "off": deviation}
            stretches.append(stretch | {"errors": score, "means": MEASURES[measure]})
    return stretches


def _scan_days(sums: Floats, counts: Floats, size: float, errors: float) -> list[tuple[int, int, float, float]]:
    """Return (first, last, mean deviation, standard errors) of the anomalous stretches, the clearest first."""
    if len(sums) <= MIN_DAYS:
        return []
    usual = float(np.median(sums / counts))
    spread = MAD_TO_STD * float(np.median(np.abs(sums / counts - usual) * np.sqrt(counts)))
    deviations, is_free = sums - usual * counts, np.ones(len(sums), bool)
    stretches: list[tuple[int, int, float, float]] = []
    while len(stretches) < MAX_STRETCHES and spread > 0:
        best = _find_clearest_stretch(deviations, counts, is_free, size)
        if best is None or best[3] / spread < errors:
            break
        stretches.append((*best[:3], best[3] / spread))
        is_free[best[0] : best[1] + 1] = False
    return stretches


def _find_clearest_stretch(
    deviations: Floats, counts: Floats, is_free: Mask, size: float
) -> tuple[int, int, float, float] | None:
    """Return the stretch of free days, at least `size` off on average, with the largest |sum| / √rows."""
    sums, rows, occupied_sums = (
        np.concatenate([[0.0], np.cumsum(values)]) for values in (deviations, counts, ~is_free)
    )
    best: tuple[int, int, float, float] | None = None
    for length in _list_lengths(len(deviations)):
        total, row_count, occupied = (values[length:] - values[:-length] for values in (sums, rows, occupied_sums))
        is_candidate = (np.abs(total) >= size * row_count) & (occupied == 0)
        score = np.where(is_candidate, np.abs(total) / np.sqrt(row_count), 0.0)
        start = int(score.argmax())
        if score[start] > (best[3] if best else 0.0):
            best = start, start + length - 1, float(total[start] / row_count[start]), float(score[start])
    return best


def _list_lengths(days: int) -> list[int]:
    lengths, length = list(range(MIN_DAYS, min(MAX_EXHAUSTIVE_DAYS, days - 1) + 1)), MAX_EXHAUSTIVE_DAYS * LENGTH_GROWTH
    while length < days:
        lengths.append(int(length))
        length *= LENGTH_GROWTH
    return lengths
