"""alerts: does anything alarm on the newest day, how often would it without cause, and what would it find?"""

import math
from typing import Any

from core.evidence import Evidence, Finding, finding
from stages.diagnose._daily import knobs
from stages.diagnose._daily.alarms import alerted
from stages.diagnose._daily.completeness import counts
from stages.diagnose._daily.days import calendar, levels, signed_errors, summed
from stages.diagnose._daily.power import measured, rules_of
from stages.diagnose._daily.rules import preset
from stages.diagnose._graded import graded

NAME = "Does anything alarm on the newest day?"


class Settings(knobs.Settings):
    """The windows of the daily table and the rules by which its days alarm."""


def check(evidence: Evidence, settings: Settings) -> Finding:
    """Tell the newest day's level, and of calibrated and preset rules the false alarms and the smallest shift found.

    Both sets are measured in the same worlds, drawn from the reference. Declines without a clock, without graded units,
    and where the scored days are no more than the reference.
    """
    if evidence.timeless:
        return finding("declined", "The rows have no clock, so there is no newest day.")
    units, days = graded(evidence), calendar(evidence)
    if units.empty:
        return finding("declined", "Nothing that is predicted can be graded.")
    reference = settings.rules.reference_days
    if len(days) <= reference:
        said = f"{len(days)} calendar days are scored: limits are learned from the first {reference}, and none follows."
        return finding("declined", said)
    sums = summed(units, levels(evidence, units), days, settings.windows.least_days)
    told = counts(evidence, units, "tuned", days)
    signed = signed_errors(units)
    newest = alerted(sums, told["status"], told["asked"], settings, signed, evidence.seed).iloc[-1]
    learned = rules_of(sums, settings, signed, evidence.seed)
    rules = measured([*learned, *preset(settings.rules)], sums, settings, signed, evidence.seed)
    details: dict[str, Any] = {
        "day": f"{days[-1]:%Y-%m-%d}",
        "level": newest["alert_level"],
        "rules": settings.rules.rules,
        "calibrated": rules[: len(learned)],
        "preset": rules[len(learned) :],
        "false_alarms_a_season": math.fsum(rule["false_alarms_a_season"] for rule in rules[: len(learned)]),
    }
    calm = f"calibrated rules alarm {details['false_alarms_a_season']:.2f} times a season without cause"
    summary = f"{details['day']}: {newest['alert_message'].rstrip('.')}; {calm}."
    return finding("warning" if newest["alert_level"] in ("warning", "critical") else "ok", summary, **details)
