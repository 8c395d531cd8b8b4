"""What the daily table and the alerts check share: sums by day, row counts, alarm rules and the level of each day."""

from dataclasses import dataclass

import pandas as pd

from stages.diagnose.monitoring.alarm_power import fit_calibrated_rules
from stages.diagnose.monitoring.alarm_rules import Rule, build_preset_rules
from stages.diagnose.monitoring.alert_levels import compute_alert_levels
from stages.diagnose.monitoring.completeness import count_rows_by_day
from stages.diagnose.monitoring.daily_sums import (
    DailySums,
    compute_daily_sums,
    compute_difficulty,
    has_signed_errors,
    list_calendar_days,
)
from stages.diagnose.monitoring.monitoring_settings import Settings
from stages.diagnose.units.evidence import Evidence, compute_once
from stages.diagnose.units.graded_units import build_graded_units


@dataclass(frozen=True)
class Monitor:
    """The graded units of every calendar day, and what the rules make of them; see the functions that compute it."""

    days: pd.DatetimeIndex
    units: pd.DataFrame
    is_signed: bool
    daily_sums: DailySums
    row_counts: pd.DataFrame
    calibrated_rules: list[Rule]
    preset_rules: list[Rule]
    alert_levels: pd.DataFrame


@compute_once
def build_monitor(evidence: Evidence, settings: Settings) -> Monitor:
    """Return the monitor of the tuned arm; needs a clock and at least one day."""
    days, units = list_calendar_days(evidence), build_graded_units(evidence)
    sums = compute_daily_sums(units, compute_difficulty(evidence, units), days, settings.windows.least_days)
    row_counts, is_signed = count_rows_by_day(evidence, units, days), has_signed_errors(units)
    calibrated = fit_calibrated_rules(sums, settings, is_signed, evidence.seed)
    preset = build_preset_rules(settings.rules)
    rules = calibrated if settings.rules.rules == "calibrated" else preset
    levels = compute_alert_levels(rules, sums, row_counts["status"], row_counts["asked"], settings, is_signed)
    return Monitor(days, units, is_signed, sums, row_counts, calibrated, preset, levels)
