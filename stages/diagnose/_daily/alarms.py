"""Alerts: the level of every day, and what is said of it."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.trailing import sums
from stages.diagnose._daily.days import Days
from stages.diagnose._daily.knobs import Settings
from stages.diagnose._daily.power import rules_of
from stages.diagnose._daily.reasons import only
from stages.diagnose._daily.rules import LEVELS, Figures, Rule, preset

Mask = npt.NDArray[np.bool_]

QUIET = "No rule alarms."


def alerted(
    days: Days, status: pd.Series, asked: pd.Series, settings: Settings, signed: bool, seed: int
) -> pd.DataFrame:
    """Return alert_triggered (1 or 0), alert_level, alert_message and alert_reason of every day.

    Calibrated rules alarm once, on the day on which their limit is passed, and begin afresh; preset ones on every day
    beyond their bounds. Two calibrated warnings of different rules within `together_days` are critical. A day that
    asked for predictions and got none is an outage, a warning under both sets. Calibrated levels are missing, with the
    reason, on the days that set the limits.
    """
    own = settings.rules
    reference = own.reference_days if own.rules == "calibrated" else 0
    seen = Figures(days, min(reference, len(days)), settings.windows, signed)
    rules = rules_of(days, settings, signed, seed) if own.rules == "calibrated" else preset(own)
    raised = {rule.name: np.asarray(rule.raised(seen), dtype=bool) for rule in rules}
    level = np.zeros(len(days), dtype=np.int64)
    for rule in rules:
        level = np.maximum(level, raised[rule.name] * LEVELS.index(rule.level))
    if own.rules == "calibrated":
        level = np.where(_together(rules, raised, own.together_days, len(days)), LEVELS.index("critical"), level)
    outage = (status == "no_data").to_numpy()
    level = np.maximum(level, outage * LEVELS.index("warning"))
    known = outage | ((np.arange(len(days)) >= reference) & bool(rules))
    said = [
        _message(LEVELS[level[day]], rules, raised, seen, day, int(asked.iloc[day]) if outage[day] else 0)
        for day in range(len(days))
    ]
    words = np.array(LEVELS, dtype=object)[level]
    early = np.arange(len(days)) < reference
    silent = np.where(early, f"the first {reference} days set the limits", "those days hold nothing to set limits by")
    return pd.DataFrame({
        "alert_triggered": pd.array(np.where(known, level > 0, np.nan), dtype="Int64"),
        "alert_level": only(known, words),
        "alert_message": only(known, np.array(said, dtype=object)),
        "alert_reason": only(~known, silent.astype(object)),
    })  # fmt: skip


def _together(rules: list[Rule], raised: dict[str, Mask], days: int, length: int) -> Mask:
    """Return where a warning is raised within so many days of another rule's."""
    warnings = [raised[rule.name] for rule in rules if rule.level == "warning"]
    recent, now = np.zeros(length), np.zeros(length, dtype=bool)
    for one in warnings:
        recent, now = recent + (sums(one.astype(float), days) > 0), now | one
    return np.asarray((recent >= 2) & now)


def _message(level: str, rules: list[Rule], raised: dict[str, Mask], seen: Figures, day: int, absent: int) -> str:
    held = [rule.meaning for rule in rules if raised[rule.name][day]]
    if absent:
        held.insert(0, f"outage: none of {absent} rows was predicted")
    if not held:
        return QUIET
    return f"[{level.upper()}] {'; '.join(held)}{_figures(seen, day)}."


def _figures(seen: Figures, day: int) -> str:
    told = [
        (f"{text} {figure[day]:.1f}{unit}")
        for text, figure, unit in (
            ("hit rate of 7 days", seen.hits, " %"),
            ("model beats line", seen.beats, " %"),
            ("drift score", seen.drift, ""),
            ("market better by", 100 * seen.better.value, " %"),
        )
        if np.isfinite(figure[day])
    ]
    return f" ({', '.join(told)})" if told else ""
