"""alerts: does any rule alarm on the newest day, how often would it without cause, and what would it detect?"""

import math
from typing import Any

from stages.diagnose.monitoring import monitoring_settings
from stages.diagnose.monitoring.alarm_power import evaluate_rules, fit_calibrated_rules
from stages.diagnose.monitoring.alarm_rules import build_preset_rules
from stages.diagnose.monitoring.alert_levels import compute_alert_levels
from stages.diagnose.monitoring.completeness import count_rows_by_day
from stages.diagnose.monitoring.daily_sums import (
    compute_daily_sums,
    compute_difficulty,
    has_signed_errors,
    list_calendar_days,
)
from stages.diagnose.units.evidence import Evidence, Finding, make_finding
from stages.diagnose.units.graded_units import build_graded_units

NAME = "Does anything alarm on the newest day?"


class Settings(monitoring_settings.Settings):
    """The windows of the daily table and the alarm rules."""


def check(evidence: Evidence, settings: Settings) -> Finding:
    """Report the newest day's alert level, and the false alarms and smallest detectable shift of every rule.

    Calibrated and preset rules are measured on the same simulated series, resampled from the reference. Declines
    without a clock, without graded units, and if the scored days do not extend beyond the reference.
    """
    if evidence.is_timeless:
        return make_finding("declined", "The rows have no clock, so there is no newest day.")
    units, days = build_graded_units(evidence), list_calendar_days(evidence)
    if units.empty:
        return make_finding("declined", "Nothing that is predicted can be graded.")
    reference = settings.rules.reference_days
    if len(days) <= reference:
        reason = (
            f"{len(days)} calendar days are scored: limits are learned from the first {reference}, and none follows."
        )
        return make_finding("declined", reason)
    sums = compute_daily_sums(units, compute_difficulty(evidence, units), days, settings.windows.least_days)
    completeness = count_rows_by_day(evidence, units, "tuned", days)
    errors = has_signed_errors(units)
    newest = compute_alert_levels(
        sums, completeness["status"], completeness["asked"], settings, errors, evidence.seed
    ).iloc[-1]
    learned_rules = fit_calibrated_rules(sums, settings, errors, evidence.seed)
    rules = evaluate_rules([*learned_rules, *build_preset_rules(settings.rules)], sums, settings, errors, evidence.seed)
    details: dict[str, Any] = {
        "day": f"{days[-1]:%Y-%m-%d}",
        "level": newest["alert_level"],
        "rules": settings.rules.rules,
        "calibrated": rules[: len(learned_rules)],
        "preset": rules[len(learned_rules) :],
        "false_alarms_a_season": math.fsum(rule["false_alarms_a_season"] for rule in rules[: len(learned_rules)]),
    }
    false_alarm_note = f"calibrated rules alarm {details['false_alarms_a_season']:.2f} times a season without cause"
    summary = f"{details['day']}: {newest['alert_message'].rstrip('.')}; {false_alarm_note}."
    return make_finding("warning" if newest["alert_level"] in ("warning", "critical") else "ok", summary, **details)
