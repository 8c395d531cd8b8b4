"""Bets by segment: direction, confidence, season, month, line, venue and type of season."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.evaluate.market.scored_lines import Floats, ScoredBets
from trueline.core.betting.grading import Picks
from trueline.core.stats.confidence_intervals import Interval

Labels = npt.NDArray[np.object_]

# the lower bound of each step, in units of the target
CONFIDENCE_STEPS = {"below": -np.inf, "low": 1.0, "medium": 3.0, "high": 5.0}  # distance of prediction from line
LINE_STEPS = {"below 10": -np.inf, "10 to 20": 10.0, "20 and above": 20.0}


def summarise_bets_by_segment(scored: ScoredBets, picks: Picks) -> dict[str, Any]:
    """Return bets, pushes, days with bets, hit rate and return for every level of every segment.

    A rate over too few days for an interval (fewer than MIN_BLOCKS) is the word "insufficient".
    """
    return {name: _summarise_levels(scored, picks, labels) for name, labels in _label_segments(scored, picks).items()}


def _summarise_levels(scored: ScoredBets, picks: Picks, labels: Labels) -> dict[str, Any]:
    level_summaries = {}
    for level in sorted(set(labels[picks.is_bet])):
        bet_summary = scored.summarise_bets(picks.select_rows(labels == level))
        rates = {name: _replace_insufficient(bet_summary[name]) for name in ("hit_rate", "roi")}
        level_summaries[level] = {
            "n": bet_summary["bets"],
            "pushes": bet_summary["pushes"],
            "days": bet_summary["roi"]["n"],
        } | rates
    return level_summaries


def _replace_insufficient(interval: Interval) -> Interval | str:
    return "insufficient" if interval["low"] is None else interval


def _label_segments(scored: ScoredBets, picks: Picks) -> dict[str, Labels]:
    home = scored["home"]
    venue = np.where(np.isnan(home), "missing", np.where(home > 0, "home", "away"))
    return {
        "direction": np.where(picks.direction > 0, "over", "under").astype(object),
        "confidence": _label_steps(np.abs(scored["tuned"] - scored["line"]), CONFIDENCE_STEPS),
        "season": _format_labels(scored.rows["season"]),
        "month": scored.rows["time"].dt.strftime("%Y-%m").to_numpy(dtype=object),
        "line": _label_steps(scored["line"], LINE_STEPS),
        "place": venue.astype(object),
        "season_type": _format_labels(scored.rows["season_type"]),
    }


def _label_steps(values: Floats, step_minimums: dict[str, float]) -> Labels:
    """Return the name of the highest step that each value reaches; `step_minimums` is in ascending order."""
    step_names = np.array(list(step_minimums), dtype=object)
    return np.asarray(
        step_names[np.searchsorted(list(step_minimums.values()), np.nan_to_num(values), side="right") - 1]
    )


def _format_labels(values: pd.Series) -> Labels:
    texts = values.map(lambda value: f"{value:g}" if isinstance(value, float) else str(value))
    return texts.where(values.notna(), "missing").to_numpy(dtype=object)
