"""Daily: one row a calendar day, with what each figure is or why it is missing."""

import pandas as pd

from core.evidence import Evidence
from stages.diagnose._daily.alarms import alerted
from stages.diagnose._daily.columns import COLUMNS
from stages.diagnose._daily.completeness import counts
from stages.diagnose._daily.days import by_tier, calendar, levels, signed_errors, summed
from stages.diagnose._daily.knobs import Settings
from stages.diagnose._daily.parts import baseline_part, cause_part, drift_part, quality_part, sharpness_part
from stages.diagnose._daily.sharpness import sharpness

DIGITS = 6  # to which figures are told, so that equal tables are equal bytes


def daily(
    evidence: Evidence,
    units: pd.DataFrame,
    settings: Settings,
    seed: int,
    causes: pd.DataFrame | None = None,
    arm: str = "tuned",
) -> pd.DataFrame:
    """Return one row a calendar day, from the first to the last that a test fold scores, in the columns of COLUMNS.

    `units` are graded units of `arm`, `causes` what `_causes.by_day` made of them. Figures look back: over 7, 14 and 30
    days, over `window_days`, and at a baseline of `baseline_days` that ends before the last 30; no row knows a later
    day, except that causes are taken as given. Every null figure has a reason in its group's reason column. Losses are
    in the target's unit for quantities and in nats for races; rates in percent. Equal inputs give equal bytes. Without
    a clock, and where nothing is scored, there are no days and the table is empty.
    """
    days = calendar(evidence)
    if not len(days) or evidence.timeless:
        return nothing()
    own, signed = settings.windows, signed_errors(units)
    sums = summed(units, levels(evidence, units), days, own.least_days)
    told = counts(evidence, units, arm, days)
    sharp = sharpness(sums, own.window_days, own.baseline_days, own.least_units, own.least_days)
    parts = [
        sharpness_part(sharp, by_tier(units, days), sums, own, signed),
        drift_part(sums, own, signed),
        quality_part(evidence, told, days),
        baseline_part(sharp, sums, own),
        cause_part(causes, told["status"], days),
    ]
    alerts = alerted(sums, told["status"], told["asked"], settings, signed, seed)
    wide = pd.concat([*(part.table for part in parts), alerts], axis=1)
    wide["game_date"], wide["status"] = days.date, told["status"]
    wide["predictions_made"], wide["predictions_graded"] = told["made"], told["graded"]
    return _typed(wide)


def nothing() -> pd.DataFrame:
    """Return the table of a task without days."""
    return pd.DataFrame({column.name: pd.Series(dtype=object) for column in COLUMNS})


def _typed(wide: pd.DataFrame) -> pd.DataFrame:
    """Return the columns in their order and type, numbers rounded; −0 is 0, and a text that is never told is a text."""
    found: dict[str, pd.Series] = {}
    for column in COLUMNS:
        values = wide[column.name]
        if column.kind == "number":
            found[column.name] = values.astype(float).round(DIGITS) + 0.0
        elif column.kind == "whole":
            found[column.name] = values.astype("Int64")
        else:
            found[column.name] = values if column.kind == "time" else values.astype("str")
    return pd.DataFrame(found)
