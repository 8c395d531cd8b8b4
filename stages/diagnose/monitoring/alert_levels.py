"""Alerts: the level and message of every day."""

import numpy as np
import pandas as pd

from stages.diagnose.monitoring.alarm_rules import ALERT_LEVELS, Rule, RuleInputs
from stages.diagnose.monitoring.daily_sums import DailySums
from stages.diagnose.monitoring.missing_reasons import mask_texts
from stages.diagnose.monitoring.monitoring_settings import Settings
from stages.diagnose.units.array_types import Mask
from trueline.core.stats.rolling import compute_trailing_sums

QUIET_MESSAGE = "No rule alarms."


def compute_alert_levels(
    rules: list[Rule],
    daily_sums: DailySums,
    status: pd.Series,
    requested: pd.Series,
    settings: Settings,
    is_signed: bool,
) -> pd.DataFrame:
    """Return alert_triggered (1 or 0), alert_level, alert_message and alert_reason of every day by the set of rules.

    Calibrated rules alarm once, on the day on which their limit is crossed, and then start afresh; preset ones alarm on
    every day beyond their bounds. Calibrated warnings of two different rules within `together_days` are critical. A day
    with requested but no made predictions is an outage, a warning under both sets of rules. Calibrated levels are
    missing on the days that set the limits and if no limit could be learned; `alert_reason` then says why.
    """
    rule_settings = settings.rules
    reference_days = rule_settings.reference_days if rule_settings.rules == "calibrated" else 0
    rule_inputs = RuleInputs(daily_sums, min(reference_days, len(daily_sums)), settings.windows, is_signed)
    raised_by_rule = {rule.name: np.asarray(rule.fires(rule_inputs), dtype=bool) for rule in rules}
    levels = np.zeros(len(daily_sums), dtype=np.int64)
    for rule in rules:
        levels = np.maximum(levels, raised_by_rule[rule.name] * ALERT_LEVELS.index(rule.level))
    if rule_settings.rules == "calibrated":
        is_critical = _flag_coinciding_warnings(rules, raised_by_rule, rule_settings.together_days, len(daily_sums))
        levels = np.where(is_critical, ALERT_LEVELS.index("critical"), levels)
    is_outage = (status == "no_data").to_numpy()
    levels = np.maximum(levels, is_outage * ALERT_LEVELS.index("warning"))
    has_level = is_outage | ((np.arange(len(daily_sums)) >= reference_days) & bool(rules))
    absent_counts = np.where(is_outage, requested, 0).astype(int)
    level_names = np.array(ALERT_LEVELS, dtype=object)[levels]
    messages = [
        _format_message(level_names[day], rules, raised_by_rule, rule_inputs, day, absent_counts[day])
        for day in range(len(daily_sums))
    ]
    in_reference, reference_note = np.arange(len(daily_sums)) < reference_days, f"the first {reference_days} days set"
    silence_reason = np.where(in_reference, f"{reference_note} the limits", "those days hold nothing to set limits by")
    return pd.DataFrame({
        "alert_triggered": pd.array(np.where(has_level, levels > 0, np.nan), dtype="Int64"),
        "alert_level": mask_texts(has_level, level_names),
        "alert_message": mask_texts(has_level, np.array(messages, dtype=object)),
        "alert_reason": mask_texts(~has_level, silence_reason.astype(object)),
    })  # fmt: skip


def _flag_coinciding_warnings(
    rules: list[Rule], raised_by_rule: dict[str, Mask], within_days: int, day_count: int
) -> Mask:
    """Return where a warning is raised within `within_days` of another rule's warning."""
    recent_rules, raised_today = np.zeros(day_count), np.zeros(day_count, dtype=bool)
    for warning in (raised_by_rule[rule.name] for rule in rules if rule.level == "warning"):
        recent_rules = recent_rules + (compute_trailing_sums(warning.astype(float), within_days) > 0)
        raised_today = raised_today | warning
    return np.asarray((recent_rules >= 2) & raised_today)


def _format_message(
    level: str, rules: list[Rule], raised_by_rule: dict[str, Mask], rule_inputs: RuleInputs, day: int, absent_count: int
) -> str:
    meanings = [rule.meaning for rule in rules if raised_by_rule[rule.name][day]]
    if absent_count:
        meanings.insert(0, f"outage: none of {absent_count} rows was predicted")
    if not meanings:
        return QUIET_MESSAGE
    return f"[{level.upper()}] {'; '.join(meanings)}{_format_figures(rule_inputs, day)}."


def _format_figures(rule_inputs: RuleInputs, day: int) -> str:
    texts = [
        (f"{text} {values[day]:.1f}{unit}")
        for text, values, unit in (
            ("hit rate of 7 days", rule_inputs.hit_rate, " %"),
            ("model beats line", rule_inputs.beat_rate, " %"),
            ("drift score", rule_inputs.drift_score, ""),
            ("market better by", 100 * rule_inputs.market_improvement.value, " %"),
        )
        if np.isfinite(values[day])
    ]
    return f" ({', '.join(texts)})" if texts else ""
