"""The daily table: one row per calendar day, with each figure or the reason why it is missing."""

import pandas as pd

from stages.diagnose.monitoring.column_groups import (
    build_baseline_group,
    build_cause_group,
    build_drift_group,
    build_quality_group,
    build_sharpness_group,
)
from stages.diagnose.monitoring.daily_columns import COLUMNS
from stages.diagnose.monitoring.daily_sums import list_calendar_days, sum_losses_by_tier
from stages.diagnose.monitoring.market_sharpness import compute_sharpness
from stages.diagnose.monitoring.monitor import build_monitor
from stages.diagnose.monitoring.monitoring_settings import Settings
from stages.diagnose.units.evidence import Evidence

ROUND_DIGITS = 6  # figures are rounded so that equal tables are equal bytes


def compute_daily_table(evidence: Evidence, settings: Settings, causes: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return one row per calendar day, from the first to the last that a test fold scores, with the columns of COLUMNS.

    `causes` are the result of `explain_each_day`. Figures look back: over 7, 14 and 30 days, over `window_days`, and at
    a baseline of `baseline_days` that ends before the last 30; no row uses a later day, except that causes are taken as
    given. Every null figure has a reason in its group's reason column. Losses are in the target's unit for quantities
    and in nats for races; rates are in per cent. Equal inputs give equal bytes. Without a clock, or if nothing is
    scored, the table is empty.
    """
    if evidence.is_timeless or not len(list_calendar_days(evidence)):
        return make_empty_daily_table()
    monitor, windows = build_monitor(evidence, settings), settings.windows
    days, units, is_signed = monitor.days, monitor.units, monitor.is_signed
    daily_sums, row_counts = monitor.daily_sums, monitor.row_counts
    market_sharpness = compute_sharpness(daily_sums, windows)
    groups = [
        build_sharpness_group(market_sharpness, sum_losses_by_tier(units, days), daily_sums, windows, is_signed),
        build_drift_group(daily_sums, windows, is_signed),
        build_quality_group(evidence, row_counts, days),
        build_baseline_group(market_sharpness, daily_sums, windows),
        build_cause_group(causes, row_counts["status"], days),
    ]
    table = pd.concat([*(group.table for group in groups), monitor.alert_levels], axis=1)
    table["game_date"], table["status"] = days.date, row_counts["status"]
    table["predictions_made"], table["predictions_graded"] = row_counts["made"], row_counts["graded"]
    return _convert_columns(table)


def make_empty_daily_table() -> pd.DataFrame:
    """Return the table of a task without days."""
    return pd.DataFrame({column.name: pd.Series(dtype=object) for column in COLUMNS})


def _convert_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns in order and type; numbers are rounded, −0 becomes 0, and all-null texts stay texts."""
    typed_columns: dict[str, pd.Series] = {}
    for column in COLUMNS:
        values = table[column.name]
        if column.kind == "number":
            values = values.astype(float).round(ROUND_DIGITS) + 0.0
        elif column.kind != "time":
            values = values.astype("Int64" if column.kind == "whole" else "str")
        typed_columns[column.name] = values
    return pd.DataFrame(typed_columns)
