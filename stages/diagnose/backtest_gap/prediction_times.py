"""When production predicted: late, or many days in one batch, and the effect of such predictions on its hit rate."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from stages.diagnose.backtest_gap.main_cause import is_clear_of_zero
from stages.diagnose.backtest_gap.paired_rows import Ints, Mask, PairedRows
from stages.diagnose.backtest_gap.row_effects import estimate_effect
from stages.diagnose.backtest_gap.waterfall import GapChain
from trueline.core.stats.block_bootstrap import Floats
from trueline.core.stats.confidence_intervals import Interval

MICROSECONDS_PER_HOUR = np.timedelta64(1, "h") / np.timedelta64(1, "us")
MAX_BATCHES = 10
LAG_QUANTILES = (0.01, 0.5, 0.99)  # quantiles of the hours between a prediction and its game's day


@dataclass(frozen=True)
class GameClock:
    """When games begin and what counts as a batch; from diagnose.gap of params.yaml."""

    start_hour: float  # hours after midnight, UTC, from which a game of the day may have begun
    end_hour: float  # hours after midnight, UTC, from which all games of the day have begun
    batch_hours: float  # length of the time slots in which predictions form a batch
    batch_days: int  # least number of days in a batch
    batch_share: float  # a batch with a larger share of the log or of the gap is concentrated


def summarise_prediction_times(paired: PairedRows, chain: GapChain, gap: Interval, clock: GameClock) -> dict[str, Any]:
    """Summarise late predictions, the hours between prediction and game day, and concentrated or late batches."""
    has_time = paired.production.has_prediction & _has_prediction_time(paired)
    if not has_time.any():
        return {"known": 0.0, "late": None, "perhaps_late": 0, "hours_to_day": None, "batches": []}
    is_late, is_perhaps_late = find_late_predictions(paired, clock)
    hours_to_day = -_get_prediction_times(paired)[has_time] / MICROSECONDS_PER_HOUR
    return {
        "known": float(has_time.sum() / paired.production.has_prediction.sum()),
        "late": _summarise_group(paired, chain, is_late) if is_late.any() else None,
        "perhaps_late": int(is_perhaps_late.sum()),
        "hours_to_day": dict(
            zip(("q01", "q50", "q99"), np.quantile(hours_to_day, LAG_QUANTILES).tolist(), strict=True)
        ),
        "batches": _find_batches(paired, chain, np.flatnonzero(has_time), is_late, gap, clock),
    }


def find_late_predictions(paired: PairedRows, clock: GameClock) -> tuple[Mask, Mask]:
    """Return masks of the predictions certainly made after their game began, and of those that may have been.

    A start_time decides. Without one, only a prediction made after the last game of the day began is certainly late.
    """
    has_time = paired.production.has_prediction & _has_prediction_time(paired)
    hours = _get_prediction_times(paired) / MICROSECONDS_PER_HOUR
    has_start, start_hours = _get_start_hours(paired)
    is_late = has_time & np.where(has_start, hours > start_hours, hours >= clock.end_hour)
    return is_late, has_time & ~has_start & ~is_late & (hours >= clock.start_hour)


def _has_prediction_time(paired: PairedRows) -> Mask:
    is_missing = "production_at" not in paired.rows
    return np.zeros(len(paired.rows), bool) if is_missing else paired.rows["production_at"].notna().to_numpy()


def _get_prediction_times(paired: PairedRows) -> Floats:
    """Return the microseconds from midnight of the game's day to the prediction; 0 if its time is unknown."""
    return _compute_time_since_midnight(paired, "production_at")


def _get_start_hours(paired: PairedRows) -> tuple[Mask, Floats]:
    if "start_time" not in paired.rows:
        return np.zeros(len(paired.rows), bool), np.zeros(len(paired.rows))
    return paired.rows["start_time"].notna().to_numpy(), _compute_time_since_midnight(
        paired, "start_time"
    ) / MICROSECONDS_PER_HOUR


def _compute_time_since_midnight(paired: PairedRows, name: str) -> Floats:
    if name not in paired.rows:
        return np.zeros(len(paired.rows))
    elapsed = paired.rows[name].to_numpy("datetime64[us]") - paired.days.astype("datetime64[us]")[paired.day_index]
    return np.where(np.isnat(elapsed), 0, elapsed.astype(np.int64)).astype(np.float64)


def _summarise_group(paired: PairedRows, chain: GapChain, rows: Mask | Ints) -> dict[str, Any]:
    """Return count, days, times and the effect on the hit rate of the predictions in some rows."""
    production = paired.production
    row_numbers = np.flatnonzero(rows) if rows.dtype == bool else rows
    effect = estimate_effect(chain.bootstrap, chain.production, production.sum_bets(chain.bootstrap, row_numbers))
    prediction_times = pd.Series(paired.rows["production_at"].to_numpy()[row_numbers])
    days = np.flatnonzero(np.bincount(paired.day_index[row_numbers]))
    return {
        "rows": len(row_numbers),
        "share": len(row_numbers) / int(production.has_prediction.sum()),
        "days": len(days),
        "first_day": paired.format_days(days[:1])[0],
        "last_day": paired.format_days(days[-1:])[0],
        "made_from": f"{prediction_times.min():%Y-%m-%d %H:%M}",
        "made_to": f"{prediction_times.max():%Y-%m-%d %H:%M}",
        **effect,
    }


def _find_batches(
    paired: PairedRows, chain: GapChain, timed_rows: Ints, is_late: Mask, gap: Interval, clock: GameClock
) -> list[dict[str, Any]]:
    """Return the batches over several days that hold much of the log or of the gap, or were made after the games."""
    prediction_times = paired.rows["production_at"].to_numpy("datetime64[us]")[timed_rows].astype(np.int64)
    _, batch = np.unique(prediction_times // int(clock.batch_hours * MICROSECONDS_PER_HOUR), return_inverse=True)
    batch_count = int(batch.max()) + 1
    pairs = np.unique(batch * len(paired.days) + paired.day_index[timed_rows])
    day_counts = np.bincount(pairs // len(paired.days), minlength=batch_count)
    batch_sizes = np.bincount(batch, minlength=batch_count)
    large_batches = np.flatnonzero(day_counts >= clock.batch_days)
    batches = []
    for number in large_batches[np.argsort(-batch_sizes[large_batches], kind="stable")][:MAX_BATCHES]:
        rows = timed_rows[batch == number]
        group = _summarise_group(paired, chain, rows) | {"late": float(is_late[rows].mean()), "of_gap": None}
        if is_clear_of_zero(gap) and group["lift"]["value"] is not None and gap["value"]:
            group["of_gap"] = group["lift"]["value"] / gap["value"]
        is_heavy = (
            group["of_gap"] is not None and group["of_gap"] > clock.batch_share and is_clear_of_zero(group["lift"])
        )
        group["concentrated"] = bool(group["share"] > clock.batch_share or is_heavy)
        if group["concentrated"] or group["late"]:
            batches.append(group)
    return batches
