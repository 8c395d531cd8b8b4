"""Causes: which of a few named things explains best that a window of days differs from those before it."""

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.intervals import LEVEL
from core.threads import one_thread
from stages.diagnose._causes.judgement import CAUSES, PARTS, Judged, Settings, judge
from stages.diagnose._causes.panel import Panel, panel

Floats = npt.NDArray[np.float64]
Report = dict[str, Any]


def cause(
    units: pd.DataFrame,
    quality: pd.Series | pd.DataFrame | None,
    segments: pd.DataFrame | None,
    on: pd.Timestamp,
    settings: Settings,
    seed: int,
) -> Report:
    """Return what explains the window that ends on a day: cause, confidence, factors, parts with intervals, a sentence.

    `units` are graded units; `quality` scores rows by row_id from 0 sound to 1 (a Series, or columns of which the worst
    counts; `repeated`, `unpredicted` and `day` are read as such); `segments` holds columns by row_id. The window is
    compared with the days before it, never with itself. The change of the lead (model's loss − market's) is split
    into parts that sum to it: shares of the population, of lines and of unsound rows by `decomposition.nested`;
    what is left is model's and market's after odd outcomes (how far actuals lie from what an entity did before) are
    regressed out, and what both share is noise. A cause is named by a score, its effect over what counts, which is
    never less than `errors` standard errors; shares and signed errors score beside losses, for a fault may not (yet)
    cost anything. Confidence is the share of draws of days (of weeks in the baseline) that name the same. `none` where
    no score reaches 1, `undecided` below `confidence` or with too few days, `no_data` where the day has no unit.
    """
    if units.empty:
        return _silent("no_data", "Nothing is graded.")
    panels = _panels(units, quality, segments, settings)
    end = int((on - panels[0].first).days) + 1
    if not 0 < end <= len(panels[0].units) or not panels[0].units[end - 1]:
        return _silent("no_data", f"Nothing is graded on {on:%Y-%m-%d}.")
    with one_thread():
        (judged,) = _judged(panels, [end], settings, seed)
    if judged is None:
        least = f"{settings.least_days} and {settings.least_baseline_days} are needed"
        return _silent("undecided", f"Too few days are graded in the window to {on:%Y-%m-%d} or before it: {least}.")
    named, confidence = judged.named(settings.confidence)
    return {
        "cause": named,
        "confidence": confidence,
        "factors": factors(judged),
        "parts": {name: _interval(judged.parts[:, number]) for number, name in enumerate(PARTS)},
        "change": _interval(judged.parts.sum(axis=1)),
        "scores": dict(zip(CAUSES, judged.scores[0].tolist(), strict=True)),
        "evidence": judged.evidence,
        "against": "market" if judged.priced else "nothing",
        "sentence": _sentence(named, confidence, judged, f"{settings.window_days} days to {on:%Y-%m-%d}"),
    }


def by_day(
    units: pd.DataFrame,
    quality: pd.Series | pd.DataFrame | None,
    segments: pd.DataFrame | None,
    settings: Settings,
    seed: int,
) -> pd.DataFrame:
    """Return `cause` for every calendar day: primary_cause, cause_confidence, contributing_factors (JSON text).

    Indexed by day, from the first to the last day that has a unit or was asked for one. Confidence is missing where
    there is no data or too little of it. Levels of columns, what is usual of a row's quality, and bands are taken
    from all days at once; windows, baselines and what odd outcomes cost are not.
    """
    columns = ["primary_cause", "cause_confidence", "contributing_factors"]
    if units.empty:
        return pd.DataFrame(columns=columns)
    panels = _panels(units, quality, segments, settings)
    units_of, absent = panels[0].units, panels[0].absent
    ends = [end for end in range(1, len(units_of) + 1) if units_of[end - 1]]
    with one_thread():
        judged = dict(zip(ends, _judged(panels, ends, settings, seed), strict=True))
    days = range(1, len(units_of) + 1)
    rows = [_day(judged[end], settings) if end in judged else _no_data(absent[end - 1]) for end in days]
    return pd.DataFrame(rows, index=panels[0].days.rename("day"), columns=columns)


def _no_data(absent: float) -> tuple[str, float, str]:
    outage = {"factor": "outage", "contribution": None, "details": {"unpredicted": absent}}
    return "no_data", np.nan, json.dumps([outage] if absent else [])


def _day(judged: Judged | None, settings: Settings) -> tuple[str, float, str]:
    if judged is None:
        return "undecided", np.nan, json.dumps([])
    named, confidence = judged.named(settings.confidence)
    return named, confidence, json.dumps(factors(judged))


def _panels(
    units: pd.DataFrame, quality: pd.Series | pd.DataFrame | None, segments: pd.DataFrame | None, settings: Settings
) -> list[Panel]:
    """Return the sums of the units that have a market, where enough days have one, and those of all units."""
    framed = quality.to_frame("inputs") if isinstance(quality, pd.Series) else quality
    known = np.isfinite(units["market"].to_numpy(float))
    days = units.loc[known, "day"].nunique()
    sides = [True] if days >= settings.least_days + settings.least_baseline_days else []
    sides += [] if sides and known.all() else [False]
    columns = {True: (settings.population, settings.lines), False: (settings.population, [])}
    return [panel(units, framed, segments, columns[side], settings.unsound_margin, side) for side in sides]


def _judged(panels: list[Panel], ends: list[int], settings: Settings, seed: int) -> list[Judged | None]:
    """Return the judgements beside the market or, where it knows too few days, of the model alone."""
    found = judge(panels[0], ends, settings, seed)
    for side in panels[1:]:
        left = [number for number, one in enumerate(found) if one is None]
        for number, one in zip(left, judge(side, [ends[n] for n in left], settings, seed), strict=True):
            found[number] = one
    return found


def factors(judged: Judged) -> list[Report]:
    """Return the parts of the change, largest first, each with what was measured beside it and where it is found."""
    beside = {
        "bias": ("signed_error",),
        "population": ("population",),
        "lines": ("lines",),
        "data": ("unsound", "twice", "absent", "missing_days"),
    }
    found = []
    for number, name in enumerate(PARTS):
        values = judged.parts[:, number]
        details: Report = {key: round(judged.evidence[key], 6) for key in beside.get(name, ())}
        details |= judged.where.get(name, {})
        found.append({"factor": name, "contribution": round(float(values[0]), 6), "details": details})
    return sorted(found, key=lambda one: -abs(one["contribution"]))


def _interval(values: Floats) -> dict[str, float]:
    low, high = np.nanquantile(values[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {"value": float(values[0]), "low": float(low), "high": float(high)}


def _silent(named: str, sentence: str) -> Report:
    return {
        "cause": named,
        "confidence": None,
        "factors": [],
        "parts": {},
        "change": None,
        "scores": {},
        "evidence": {},
        "against": None,
        "sentence": sentence,
    }


SAID = {
    "none": "nothing beyond chance explains it, and nothing needs to",
    "undecided": "no cause stands out",
    "market_sharpness": "the market became sharper",
    "model_drift": "the model lost skill",
    "bias": "predictions moved to one side",
    "data_quality": "rows are missing, doubled, or made of unsound inputs",
    "leakage": "the model is suddenly too good: look for a leak",
    "population_mix": "others are predicted than before",
    "line_mix": "the lines are of another type or time, or the market became duller",
}
OF = {  # the parts that a cause speaks of; the first that has a place gives it
    "market_sharpness": ["market"],
    "model_drift": ["model"],
    "bias": ["bias"],
    "leakage": ["model"],
    "population_mix": ["population"],
    "line_mix": ["lines", "market"],
}


def _sentence(named: str, confidence: float, judged: Judged, when: str) -> str:
    change = _interval(judged.parts.sum(axis=1))
    what = "model's loss less the market's" if judged.priced else "model's loss"
    moved = (
        f"In the {when} the {what} changed by {change['value']:+.3f} ({change['low']:+.3f} to {change['high']:+.3f})"
    )
    return f"{moved}: {SAID[named]}{_placed(judged, named)} (confidence {confidence:.2f})."


def _placed(judged: Judged, named: str) -> str:
    for part in OF.get(named, []):
        if place := judged.where.get(part):
            how = "with more rows than before" if "share_rose" in place else "more than elsewhere"
            return f", {how} where {place['column']} is {place['level']}"
    return ""
