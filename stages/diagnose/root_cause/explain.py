"""Root causes: which of a few named causes best explains that a window of days differs from the days before it."""

import json
from typing import Any

import numpy as np
import pandas as pd

from stages.diagnose.root_cause.cause_scoring import CAUSES, CHANGE_PARTS, Settings, WindowScores, score_windows
from stages.diagnose.root_cause.daily_panel import DailyPanel, build_panel
from stages.diagnose.root_cause.row_quality import build_segments, score_row_quality
from stages.diagnose.units.array_types import Floats
from stages.diagnose.units.evidence import Evidence, compute_once
from stages.diagnose.units.graded_units import build_graded_units
from trueline.core.compute.single_thread import limit_to_one_thread
from trueline.core.stats.confidence_intervals import CONFIDENCE_LEVEL

Report = dict[str, Any]


class CauseExplainer:
    """Graded units of which any window of days can be explained; each window is scored once.

    `units` are graded units; `quality` scores rows by row_id from 0 (sound) to 1 (a Series, or columns of which the
    worst counts; `repeated`, `unpredicted` and `day` have their own meaning); `segments` holds columns by row_id.
    """

    def __init__(
        self,
        units: pd.DataFrame,
        quality: pd.Series | pd.DataFrame | None,
        segments: pd.DataFrame | None,
        settings: Settings,
        seed: int,
    ) -> None:
        self._panels = [] if units.empty else _build_panels(units, quality, segments, settings)
        self._settings, self._seed = settings, seed
        self._scores: dict[int, WindowScores | None] = {}  # by the day after the window, counted from the first one

    def explain_window(self, end_day: pd.Timestamp) -> Report:
        """Explain the window that ends on a day: cause, confidence, factors, parts with intervals, and a sentence.

        The window is compared with the days before it, never with itself. The change of the lead (model loss − market
        loss) is split into parts that sum to it: the effects of changed shares of the population, of lines and of
        unsound rows come from `compute_nested_decomposition`; the rest is attributed to model and market after odd
        outcomes (the distance of actuals from the entity's earlier ones) are regressed out, and what both share is
        noise. Causes are ranked by score, which is the effect over the size that counts, or over `errors` standard
        errors if that is more; changed shares and signed errors score as well as losses, because a fault may not cost
        anything (yet). Confidence is the share of resamples of days (of weeks in the baseline) that name the same
        cause. The cause is `none` if no score reaches 1, `undecided` below `settings.confidence` or with too few days,
        and `no_data` if the day has no unit.
        """
        if not self._panels:
            return _make_empty_report("no_data", "Nothing is graded.")
        unit_counts, settings = self._panels[0].unit_counts, self._settings
        end_index = int((end_day - self._panels[0].first_day).days) + 1
        if not 0 < end_index <= len(unit_counts) or not unit_counts[end_index - 1]:
            return _make_empty_report("no_data", f"Nothing is graded on {end_day:%Y-%m-%d}.")
        (window_scores,) = self._score_windows([end_index])
        if window_scores is None:
            requirement = f"{settings.least_days} and {settings.least_baseline_days} are needed"
            return _make_empty_report(
                "undecided", f"Too few days are graded in the window to {end_day:%Y-%m-%d} or before it: {requirement}."
            )
        cause_name, confidence = window_scores.name_cause(settings.confidence)
        intervals = map(_compute_interval, window_scores.contributions.T)
        return {
            "cause": cause_name,
            "confidence": confidence,
            "factors": list_factors(window_scores),
            "parts": dict(zip(CHANGE_PARTS, intervals, strict=True)),
            "change": _compute_interval(window_scores.contributions.sum(axis=1)),
            "scores": dict(zip(CAUSES, window_scores.scores[0].tolist(), strict=True)),
            "evidence": window_scores.evidence,
            "against": "market" if window_scores.is_priced else "nothing",
            "sentence": _format_sentence(
                cause_name, confidence, window_scores, f"{settings.window_days} days to {end_day:%Y-%m-%d}"
            ),
        }

    def explain_each_day(self) -> pd.DataFrame:
        """Explain every calendar day: primary_cause, cause_confidence, contributing_factors (JSON).

        Indexed by day, from the first to the last day with a unit or a requested row. Confidence is missing if there
        are no or too few data. Levels of columns, the usual quality of a row, and bands are computed from all days at
        once; windows, baselines and the cost of odd outcomes are not.
        """
        columns = ["primary_cause", "cause_confidence", "contributing_factors"]
        if not self._panels:
            return pd.DataFrame(columns=columns)
        panel = self._panels[0]
        self._score_windows([day + 1 for day in np.flatnonzero(panel.unit_counts).tolist()])
        rows = [
            _make_day_row(self._scores[day + 1], self._settings) if unit_count else _make_outage_row(absent_count)
            for day, (unit_count, absent_count) in enumerate(zip(panel.unit_counts, panel.absent_counts, strict=True))
        ]
        return pd.DataFrame(rows, index=panel.days.rename("day"), columns=columns)

    def _score_windows(self, end_indices: list[int]) -> list[WindowScores | None]:
        """Return the scores against the market or, where it covers too few days, those of the model alone."""
        with limit_to_one_thread():
            for panel in self._panels:
                missing = [end_index for end_index in end_indices if self._scores.get(end_index) is None]
                self._scores |= zip(missing, score_windows(panel, missing, self._settings, self._seed), strict=True)
        return [self._scores[end_index] for end_index in end_indices]


@compute_once
def build_cause_explainer(evidence: Evidence, settings: Settings) -> CauseExplainer:
    """Return the explainer of the graded units, with the quality of the rows and the configured segments."""
    segment_levels = build_segments(evidence, [*settings.population, *settings.lines])
    units, quality = build_graded_units(evidence), score_row_quality(evidence)
    return CauseExplainer(units, quality, segment_levels, settings, evidence.seed)


def _make_outage_row(absent_count: float) -> tuple[str, float, str]:
    outage = {"factor": "outage", "contribution": None, "details": {"unpredicted": absent_count}}
    return "no_data", np.nan, json.dumps([outage] if absent_count else [])


def _make_day_row(window_scores: WindowScores | None, settings: Settings) -> tuple[str, float, str]:
    if window_scores is None:
        return "undecided", np.nan, json.dumps([])
    cause_name, confidence = window_scores.name_cause(settings.confidence)
    return cause_name, confidence, json.dumps(list_factors(window_scores))


def _build_panels(
    units: pd.DataFrame, quality: pd.Series | pd.DataFrame | None, segments: pd.DataFrame | None, settings: Settings
) -> list[DailyPanel]:
    """Return the panel of the units with a market, if enough days have one, and that of all units where needed."""
    quality_table = quality.to_frame("inputs") if isinstance(quality, pd.Series) else quality
    has_market = np.isfinite(units["market"].to_numpy(float))
    market_days = units.loc[has_market, "day"].nunique()
    priced_options = [True] if market_days >= settings.least_days + settings.least_baseline_days else []
    priced_options += [] if priced_options and has_market.all() else [False]
    columns_by_priced = {True: (settings.population, settings.lines), False: (settings.population, [])}
    return [
        build_panel(units, quality_table, segments, columns_by_priced[is_priced], settings.unsound_margin, is_priced)
        for is_priced in priced_options
    ]


def list_factors(window_scores: WindowScores) -> list[Report]:
    """Return the parts of the change, largest first, each with related measurements and its location if it has one."""
    evidence_keys = {
        "bias": ("signed_error",),
        "population": ("population",),
        "lines": ("lines",),
        "data": ("unsound", "twice", "absent", "missing_days"),
    }
    factor_reports = []
    for index, name in enumerate(CHANGE_PARTS):
        values = window_scores.contributions[:, index]
        details: Report = {key: round(window_scores.evidence[key], 6) for key in evidence_keys.get(name, ())}
        details |= window_scores.locations.get(name, {})
        factor_reports.append({"factor": name, "contribution": round(float(values[0]), 6), "details": details})
    return sorted(factor_reports, key=lambda factor: -abs(factor["contribution"]))


def _compute_interval(values: Floats) -> dict[str, float]:
    low, high = np.nanquantile(values[1:], [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2])
    return {"value": float(values[0]), "low": float(low), "high": float(high)}


def _make_empty_report(cause_name: str, sentence: str) -> Report:
    return {
        "cause": cause_name, "confidence": None, "factors": [], "parts": {}, "change": None, "scores": {},
        "evidence": {}, "against": None, "sentence": sentence,
    }  # fmt: skip


CAUSE_PHRASES = {
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
CAUSE_PARTS = {  # the parts that belong to a cause; the first with a location gives that of the cause
    "market_sharpness": ["market"],
    "model_drift": ["model"],
    "bias": ["bias"],
    "leakage": ["model"],
    "population_mix": ["population"],
    "line_mix": ["lines", "market"],
}


def _format_sentence(cause_name: str, confidence: float, window_scores: WindowScores, window_text: str) -> str:
    change = _compute_interval(window_scores.contributions.sum(axis=1))
    loss_name = "model's loss less the market's" if window_scores.is_priced else "model's loss"
    interval_text = f"{change['value']:+.3f} ({change['low']:+.3f} to {change['high']:+.3f})"
    change_text = f"In the {window_text} the {loss_name} changed by {interval_text}"
    cause_text = f"{CAUSE_PHRASES[cause_name]}{_format_location(window_scores, cause_name)}"
    return f"{change_text}: {cause_text} (confidence {confidence:.2f})."


def _format_location(window_scores: WindowScores, cause_name: str) -> str:
    for part_name in CAUSE_PARTS.get(cause_name, []):
        if location := window_scores.locations.get(part_name):
            comparison = "with more rows than before" if "share_rose" in location else "more than elsewhere"
            return f", {comparison} where {location['column']} is {location['level']}"
    return ""
