"""When production predicted: late, or many days in one batch, and the effect of such predictions on its figure."""

from typing import Any

import numpy as np
import pandas as pd

from stages.diagnose.backtest_gap.gap_settings import Settings
from stages.diagnose.backtest_gap.paired_rows import PairedRows
from stages.diagnose.backtest_gap.row_effects import estimate_effect, is_clear_of_zero
from stages.diagnose.backtest_gap.waterfall import GapChain
from stages.diagnose.units.array_types import Ints, Mask
from trueline.core.stats.block_bootstrap import Floats
from trueline.core.stats.confidence_intervals import Interval

MICROSECONDS_PER_HOUR = np.timedelta64(1, "h") / np.timedelta64(1, "us")
MAX_BATCHES = 10
LAG_QUANTILES = {"q01": 0.01, "q50": 0.5, "q99": 0.99}  # of the hours between a prediction and its game's day


def summarise_prediction_times(
    paired: PairedRows, chain: GapChain, gap: Interval, settings: Settings
) -> dict[str, Any]:
    """Summarise late predictions, the hours between prediction and game day, and concentrated or late batches."""
    has_time = paired.production.has_prediction & _has_time(paired, "production_at")
    if not has_time.any():
        return {"known": 0.0, "late": None, "perhaps_late": 0, "hours_to_day": None, "batches": []}
    is_late, is_perhaps_late = find_late_predictions(paired, settings)
    hours_to_day = -_compute_hours_since_midnight(paired, "production_at")[has_time]
    return {
        "known": float(has_time.sum() / paired.production.has_prediction.sum()),
        "late": _summarise_group(paired, chain, is_late) if is_late.any() else None,
        "perhaps_late": int(is_perhaps_late.sum()),
        "hours_to_day": {name: float(np.quantile(hours_to_day, share)) for name, share in LAG_QUANTILES.items()},
        "batches": _find_batches(paired, chain, np.flatnonzero(has_time), is_late, gap, settings),
    }


def find_late_predictions(paired: PairedRows, settings: Settings) -> tuple[Mask, Mask]:
    """Return masks of the predictions certainly made after their event began, and of those that may have been.

    A start_time decides. Without one, only a prediction made after the last event of the day began is certainly late.
    """
    has_time, has_start = (_has_time(paired, name) for name in ("production_at", "start_time"))
    has_time = has_time & paired.production.has_prediction
    hours, start_hours = (_compute_hours_since_midnight(paired, name) for name in ("production_at", "start_time"))
    is_late = has_time & np.where(has_start, hours > start_hours, hours >= settings.end_hour)
    return is_late, has_time & ~has_start & ~is_late & (hours >= settings.start_hour)


def _has_time(paired: PairedRows, name: str) -> Mask:
    return paired.rows[name].notna().to_numpy() if name in paired.rows else np.zeros(len(paired.rows), bool)


def _compute_hours_since_midnight(paired: PairedRows, name: str) -> Floats:
    """Return the hours from midnight of the game's day to a time; 0 if it is unknown."""
    if name not in paired.rows:
        return np.zeros(len(paired.rows))
    elapsed = paired.rows[name].to_numpy("datetime64[us]") - paired.days.astype("datetime64[us]")[paired.day_index]
    return np.where(np.isnat(elapsed), 0, elapsed.astype(np.int64)).astype(np.float64) / MICROSECONDS_PER_HOUR


def _summarise_group(paired: PairedRows, chain: GapChain, rows: Mask | Ints) -> dict[str, Any]:
    """Return count, days, times and the effect on the figure of the predictions in some rows."""
    production = paired.production
    row_numbers = np.flatnonzero(rows) if rows.dtype == bool else rows
    bets = production.sum_bets(chain.bootstrap, row_numbers)
    effect = estimate_effect(chain.bootstrap, chain.production, bets, paired.measure)
    prediction_times = pd.Series(paired.rows["production_at"].to_numpy()[row_numbers])
    days = paired.format_days(np.unique(paired.day_index[row_numbers]))
    return {
        "rows": len(row_numbers),
        "share": len(row_numbers) / int(production.has_prediction.sum()),
        "days": len(days),
        "first_day": days[0],
        "last_day": days[-1],
        "made_from": f"{prediction_times.min():%Y-%m-%d %H:%M}",
        "made_to": f"{prediction_times.max():%Y-%m-%d %H:%M}",
        **effect,
    }


def _find_batches(
    paired: PairedRows, chain: GapChain, timed_rows: Ints, is_late: Mask, gap: Interval, settings: Settings
) -> list[dict[str, Any]]:
    """Return the batches over several days that hold much of the log or of the gap, or were made after the events."""
    prediction_times = paired.rows["production_at"].to_numpy("datetime64[us]")[timed_rows].astype(np.int64)
    _, batch = np.unique(prediction_times // int(settings.batch_hours * MICROSECONDS_PER_HOUR), return_inverse=True)
    batch_count = int(batch.max()) + 1
    pairs = np.unique(batch * len(paired.days) + paired.day_index[timed_rows])
    day_counts = np.bincount(pairs // len(paired.days), minlength=batch_count)
    batch_sizes = np.bincount(batch, minlength=batch_count)
    large_batches = np.flatnonzero(day_counts >= settings.batch_days)
    batches = []
    for number in large_batches[np.argsort(-batch_sizes[large_batches], kind="stable")][:MAX_BATCHES]:
        rows = timed_rows[batch == number]
        group = _summarise_group(paired, chain, rows) | {"late": float(is_late[rows].mean()), "of_gap": None}
        if is_clear_of_zero(gap) and group["lift"]["value"] is not None and gap["value"]:
            group["of_gap"] = group["lift"]["value"] / gap["value"]
        is_heavy = (group["of_gap"] or 0.0) > settings.batch_share and is_clear_of_zero(group["lift"])
        group["concentrated"] = bool(group["share"] > settings.batch_share or is_heavy)
        if group["concentrated"] or group["late"]:
            batches.append(group)
    return batches
