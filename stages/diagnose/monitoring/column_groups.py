"""The column groups of the daily table: each figure of each day, or the reason why it is missing."""

import numpy as np
import pandas as pd

from stages.diagnose.monitoring.completeness import compute_feature_quality
from stages.diagnose.monitoring.daily_columns import COLUMN_GROUPS, DRIFT_SEVERITIES
from stages.diagnose.monitoring.daily_sums import DailySums
from stages.diagnose.monitoring.drift_score import DRIFT_WINDOWS, compute_drift_score
from stages.diagnose.monitoring.market_sharpness import MarketSharpness, label_sharpness
from stages.diagnose.monitoring.mean_shift import compute_baseline
from stages.diagnose.monitoring.missing_reasons import ColumnGroup, choose_reason, explain_too_few
from stages.diagnose.monitoring.monitoring_settings import WindowSettings
from stages.diagnose.monitoring.trailing_rates import compute_trailing_rate, estimate_overdispersion
from stages.diagnose.units.array_types import Floats, Mask, Texts
from stages.diagnose.units.evidence import Evidence
from trueline.core.stats.rolling import compute_trailing_sums as trailing

SEVERITY_BOUNDS = (20.0, 40.0, 70.0)  # drift scores from which drift is mild, moderate and severe


def build_sharpness_group(
    market_sharpness: MarketSharpness,
    tier_sums: tuple[Floats, Floats],
    daily_sums: DailySums,
    windows: WindowSettings,
    has_tiers: bool,
) -> ColumnGroup:
    """Return the market's loss by tier and overall, how often the model beats it, and its sharpness."""
    group = ColumnGroup(len(daily_sums), "sharpness")
    before_first = _flag_before_first(daily_sums.priced)
    loss, counts = (trailing(daily_values, windows.window_days) for daily_values in tier_sums)
    for tier_index, name in enumerate(("tier1", "tier2", "tier3")):
        tier_count = counts[:, tier_index]
        reason = choose_reason(before_first, "no lines", explain_too_few(tier_count, windows.least_picks, "units"))
        missing_reason = reason if has_tiers else "decision kind without tiers"
        mean_loss = loss[:, tier_index] / np.maximum(tier_count, 1)
        group.add_number(f"line_mae_{name}", mean_loss, tier_count >= windows.least_picks, missing_reason)
        group.table[f"line_n_{name}"] = tier_count
    group.table["line_n"] = market_sharpness.units
    too_few_units, too_few_days = _explain_missing_lines(market_sharpness, windows)
    units_reason = choose_reason(before_first, "no lines", too_few_units)
    group.add_number("line_mae", market_sharpness.market_loss, np.isfinite(market_sharpness.market_loss), units_reason)
    sums = daily_sums.beats, daily_sums.priced
    overdispersion = estimate_overdispersion(*sums, windows.baseline_days)
    beat_rate = compute_trailing_rate(*sums, windows.window_days, overdispersion, windows.least_units)
    group.add_rate("model_beats_line_pct", beat_rate, units_reason)
    scores = {name: getattr(market_sharpness, name) for name in ("score", "low", "high")}
    is_scored = np.all(np.isfinite(list(scores.values())), axis=0)
    reason = choose_reason(market_sharpness.units < windows.least_units, units_reason, too_few_days)
    for name, values in scores.items():
        group.add_number(f"sharpness_{name}", values, is_scored, reason)
    group.add_text("sharpness_status", label_sharpness(market_sharpness.score), is_scored, reason)
    return group.add_reason_column()


def build_drift_group(daily_sums: DailySums, windows: WindowSettings, is_signed: bool) -> ColumnGroup:
    """Return hit rates, the model's loss and mean error, and the probability that it drifted."""
    group, sums = ColumnGroup(len(daily_sums), "drift"), (daily_sums.wins, daily_sums.decided)
    before_first = _flag_before_first(daily_sums.decided)
    overdispersion = estimate_overdispersion(*sums, windows.baseline_days)
    for width in DRIFT_WINDOWS:
        hit_rate = compute_trailing_rate(*sums, width, overdispersion, windows.least_picks)
        too_few_picks = explain_too_few(hit_rate.n, windows.least_picks, "picks")
        group.add_rate(f"hit_rate_{width}d", hit_rate, choose_reason(before_first, "no picks", too_few_picks))
        group.table[f"hit_rate_{width}d_n"] = hit_rate.n
    loss_sum, error_sum, unit_count = (
        trailing(daily_values, windows.window_days).sum(axis=1)
        for daily_values in (daily_sums.model, daily_sums.error, daily_sums.units)
    )
    has_enough, reason = unit_count >= windows.least_units, explain_too_few(unit_count, windows.least_units, "units")
    group.table["model_n"] = unit_count
    group.add_number("model_mae", loss_sum / np.maximum(unit_count, 1), has_enough, reason)
    mean_error = error_sum / np.maximum(unit_count, 1)
    error_reason = reason if is_signed else "decision kind without signed error"
    group.add_number("model_mean_error", mean_error, has_enough & is_signed, error_reason)
    direction = np.select([mean_error < -windows.bias, mean_error > windows.bias], ["under", "over"], "neutral")
    group.add_text("bias_direction", direction.astype(object), has_enough & is_signed, error_reason)
    score = compute_drift_score(daily_sums, windows, is_signed).score
    severity_index = np.searchsorted(SEVERITY_BOUNDS, np.nan_to_num(score), side="right")
    severity = np.array(DRIFT_SEVERITIES, dtype=object)[severity_index]
    active_days = compute_baseline(daily_sums.model, daily_sums.units, windows.baseline_days).active_days
    window_units = trailing(daily_sums.units, DRIFT_WINDOWS[-1]).sum(axis=1)
    too_few_units = explain_too_few(window_units, windows.least_picks, "units")
    too_few_days = explain_too_few(active_days, windows.least_days, "days before them")
    reason = choose_reason(window_units < windows.least_picks, too_few_units, "nothing varies in the baseline")
    score_reason = choose_reason(active_days < windows.least_days, too_few_days, reason)
    group.add_number("drift_score", score, np.isfinite(score), score_reason)
    group.add_text("drift_severity", severity, np.isfinite(score), score_reason)
    return group.add_reason_column()


def build_quality_group(evidence: Evidence, row_counts: pd.DataFrame, days: pd.DatetimeIndex) -> ColumnGroup:
    """Return the share of requested rows that are predicted, and the quality of their inputs."""
    group = ColumnGroup(len(days), "quality")
    requested = row_counts["asked"].to_numpy(float)
    soundness = compute_feature_quality(evidence, days)
    has_requests = requested > 0
    completeness = np.minimum(100 * row_counts["made"].to_numpy(float) / np.maximum(requested, 1), 100.0)
    idle_reason = np.where(row_counts["status"] == "no_games", "no games", "no row of the day is scored").astype(object)
    group.add_number("completeness", completeness, has_requests, idle_reason)
    quality_reason = choose_reason(has_requests, "no inputs are numbers", idle_reason)
    group.add_number("feature_quality", soundness, np.isfinite(soundness), quality_reason)
    return group.add_reason_column()


def build_baseline_group(
    market_sharpness: MarketSharpness, daily_sums: DailySums, windows: WindowSettings
) -> ColumnGroup:
    """Return the market's loss and the hit rate in the baseline, and how the market compares with it now."""
    group, before_first = ColumnGroup(len(daily_sums), "baseline"), _flag_before_first(daily_sums.priced)
    too_few_units, too_few_days = _explain_missing_lines(market_sharpness, windows)
    days_reason, line_loss = choose_reason(before_first, "no lines", too_few_days), market_sharpness.baseline_loss
    group.add_number("line_mae_baseline", line_loss, np.isfinite(line_loss), days_reason)
    hit_baseline = compute_baseline(daily_sums.wins, daily_sums.decided, windows.baseline_days)
    picks_reason = explain_too_few(hit_baseline.active_days, windows.least_days, "days with picks before them")
    has_hit_baseline = (hit_baseline.active_days >= windows.least_days) & (hit_baseline.units >= windows.least_picks)
    hit_reason = choose_reason(_flag_before_first(daily_sums.decided), "no picks", picks_reason)
    group.add_number("hit_rate_baseline", 100 * hit_baseline.mean, has_hit_baseline, hit_reason)
    reason = choose_reason(market_sharpness.units < windows.least_units, too_few_units, days_reason)
    changes = {suffix: getattr(market_sharpness, f"improvement{suffix}") for suffix in ("", "_low", "_high")}
    has_change = np.all(np.isfinite(list(changes.values())), axis=0)
    for suffix, values in changes.items():
        change_reason = choose_reason(before_first, "no lines", reason)
        group.add_number(f"sharpness_vs_baseline{suffix}", values, has_change, change_reason)
    return group.add_reason_column()


def build_cause_group(causes: pd.DataFrame | None, status: pd.Series, days: pd.DatetimeIndex) -> ColumnGroup:
    """Return the given causes by day."""
    group = ColumnGroup(len(days), "cause")
    if causes is None:
        return group.fill_missing(COLUMN_GROUPS["cause"], "causes are not asked for")
    day_causes = causes.reindex(days).reset_index(drop=True)
    is_idle = status.isin(["no_games", "not_scored"]).to_numpy()
    reason = np.select([is_idle, status.to_numpy() == "no_data", status.to_numpy() == "ungraded"],
                      [status.str.replace("_", " ").to_numpy(), "outage: nothing was predicted", "nothing is graded"],
                      "insufficient n (days in the window or before it)").astype(object)  # fmt: skip
    for name in ("primary_cause", "contributing_factors"):
        group.add_text(name, day_causes[name].to_numpy(object), day_causes[name].notna().to_numpy() & ~is_idle, reason)
    confidence = day_causes["cause_confidence"].to_numpy(np.float64)
    group.add_number("cause_confidence", confidence, np.isfinite(confidence) & ~is_idle, reason)
    return group.add_reason_column()


def _explain_missing_lines(market_sharpness: MarketSharpness, windows: WindowSettings) -> tuple[Texts, Texts]:
    """Return the reasons that a day has too few units with a line, and too few such days before it."""
    too_few_units = explain_too_few(market_sharpness.units, windows.least_units, "units with a line")
    return too_few_units, explain_too_few(
        market_sharpness.active_days, windows.least_days, "days with lines before them"
    )


def _flag_before_first(count: Floats) -> Mask:
    """Return which days come before the first one with a count."""
    return np.asarray(np.cumsum(count.sum(axis=-1)) == 0)
