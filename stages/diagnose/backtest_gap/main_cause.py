"""The main cause of a gap, named only if it is clearly above noise and above the other causes."""

from typing import Any

import numpy as np

from stages.diagnose.backtest_gap.row_effects import compute_half_width, is_clear_of_zero
from stages.diagnose.backtest_gap.waterfall import GapChain
from trueline.core.gap_measure import GapMeasure
from trueline.core.stats.confidence_intervals import CONFIDENCE_LEVEL, Interval

NAMING_LEVEL = 0.98  # confidence level for naming a cause; of 200 simulated logs without a fault 6 got a cause
POPULATION_CAUSES = ("dates", "players")
CAUSE_PHRASES = {
    "predictions": "the predictions",
    "line_timing": "the lines: other numbers of the market, by another book or at another time",
    "line_type": "the type of line: estimated lines are not a market's",
    "dates": "the days",
    "players": "the {entities} on the days that both have",
    "grading": "the grading: what production's own log counts as won and lost",
}


def estimate_contributions(chain: GapChain) -> dict[str, Interval]:
    """Return what each cause contributes to the gap, with its interval."""
    return {cause: chain.estimate_contribution(cause) for cause in chain.contributions}


def find_clear_causes(chain: GapChain) -> list[str]:
    """Return the causes whose interval excludes 0 at a level that holds for all of them simultaneously.

    Days and players must also be material.
    """
    moving_causes = [cause for cause, effect in chain.contributions.items() if np.nan_to_num(effect).any()]
    level = 1 - (1 - CONFIDENCE_LEVEL) / max(len(moving_causes), 1)
    return [
        cause
        for cause in moving_causes
        if is_material(chain, cause) and is_clear_of_zero(chain.estimate_contribution(cause, level))
    ]


def find_main_cause(chain: GapChain, gap: Interval, measure: GapMeasure) -> dict[str, Any]:
    """Return the main cause: its name or None, the verdict (named, none or undecided), confidence, and a sentence.

    A cause is named if its contribution is the largest, also in most resamples (`confidence` is their share), and its
    interval at NAMING_LEVEL excludes 0; if the gap's own interval includes 0, the cause must instead be one of
    `find_clear_causes`. Days and players must also be material. Otherwise the verdict is none if the gap is within
    noise or its largest cause is immaterial, else undecided.
    """
    format_points, causes = measure.format_difference, list(chain.contributions)
    contributions = np.stack(list(chain.contributions.values()))
    if not np.isfinite(contributions[:, 0]).all():
        return _make_main_cause(
            None, "undecided", None, f"The two sides share no graded {measure.rows}, so no cause can be told."
        )
    largest = int(np.abs(contributions[:, 0]).argmax())
    finite_draws = contributions[:, 1:][:, np.isfinite(contributions[:, 1:]).all(axis=0)]
    largest_share = float((np.abs(finite_draws).argmax(axis=0) == largest).mean()) if finite_draws.size else None
    cause = causes[largest]
    if largest_share is not None and largest_share > 0.5 and _has_clear_contribution(chain, cause, gap):
        share_text = f"{format_points(chain.estimate_contribution(cause))} of {format_points(gap)}"
        sentence = f"The main cause is {CAUSE_PHRASES[cause].format(entities=measure.entities)} ({share_text})."
        sentence += "" if is_clear_of_zero(gap) else " The gap as a whole is within noise."
        return _make_main_cause(cause, "named", largest_share, sentence)
    if is_clear_of_zero(gap) and is_material(chain, cause):
        sentence = f"Undecided: no single cause of {format_points(gap)} stands out from noise."
        return _make_main_cause(None, "undecided", largest_share, sentence)
    return _make_main_cause(None, "none", largest_share, f"None: a gap of {format_points(gap)} is within noise.")


def is_material(chain: GapChain, cause: str) -> bool:
    """Return whether days or entities move the figure by more than half the width of the backtest's own interval.

    Other causes always are material. The interval of the effect of a handful of days or players is too narrow, because
    the bootstrap resamples only these. The interval of a whole side's rate is not, and any eight days move that rate by
    less.
    """
    if cause not in POPULATION_CAUSES:
        return True
    rate = chain.bootstrap.estimate_table(chain.backtest)
    return bool(abs(chain.contributions[cause][0]) > compute_half_width(rate))


def build_waterfall(chain: GapChain) -> list[dict[str, Any]]:
    """Return the contribution of each cause as rows for a chart: step, contribution, low, high."""
    return [
        {"step": cause, "contribution": contribution["value"], "low": contribution["low"], "high": contribution["high"]}
        for cause, contribution in estimate_contributions(chain).items()
    ]


def _has_clear_contribution(chain: GapChain, cause: str, gap: Interval) -> bool:
    if not is_clear_of_zero(gap):
        return cause in find_clear_causes(chain)
    return is_material(chain, cause) and is_clear_of_zero(chain.estimate_contribution(cause, NAMING_LEVEL))


def _make_main_cause(name: str | None, verdict: str, confidence: float | None, sentence: str) -> dict[str, Any]:
    return {"name": name, "verdict": verdict, "confidence": confidence, "sentence": sentence}
