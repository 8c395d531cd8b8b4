"""alerts: does any rule alarm on the newest day, how often would it without cause, and what would it detect?"""

import math
from typing import Any

from stages.diagnose.monitoring import monitoring_settings
from stages.diagnose.monitoring.daily_sums import list_calendar_days
from stages.diagnose.monitoring.kept_alarm_power import recall_rule_power
from stages.diagnose.monitoring.monitor import build_monitor
from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding
from stages.diagnose.units.graded_units import build_graded_units

NAME = "Does anything alarm on the newest day?"
ASKS = "health"


class Settings(monitoring_settings.Settings):
    """The windows of the daily table and the alarm rules."""


def check(evidence: Evidence, settings: Settings) -> Finding:
    """Report the newest day's alert level, and the false alarms and smallest detectable shift of every rule.

    Calibrated and preset rules are measured on the same simulated series, resampled from the reference. Declines
    without a clock, without graded units, and if the scored days do not extend beyond the reference.
    """
    if evidence.is_timeless:
        return decline("The rows have no clock, so there is no newest day.")
    days = list_calendar_days(evidence)
    if build_graded_units(evidence).empty:
        return decline("Nothing that is predicted can be graded.")
    reference = settings.rules.reference_days
    if len(days) <= reference:
        reason = (
            f"{len(days)} calendar days are scored: limits are learned from the first {reference}, and none follows."
        )
        return decline(reason)
    monitor = build_monitor(evidence, settings)
    newest, calibrated_count = monitor.alert_levels.iloc[-1], len(monitor.calibrated_rules)
    watched_rules = [*monitor.calibrated_rules, *monitor.preset_rules]
    rules = recall_rule_power(
        evidence.memory, watched_rules, monitor.daily_sums, settings, monitor.is_signed, evidence.seed
    )
    details: dict[str, Any] = {
        "day": f"{days[-1]:%Y-%m-%d}",
        "level": newest["alert_level"],
        "rules": settings.rules.rules,
        "calibrated": rules[:calibrated_count],
        "preset": rules[calibrated_count:],
        "false_alarms_a_season": math.fsum(rule["false_alarms_a_season"] for rule in rules[:calibrated_count]),
    }
    false_alarm_note = f"calibrated rules alarm {details['false_alarms_a_season']:.2f} times a season without cause"
    summary = f"{details['day']}: {newest['alert_message'].rstrip('.')}; {false_alarm_note}."
    return make_finding("warning" if newest["alert_level"] in ("warning", "critical") else "ok", summary, **details)
