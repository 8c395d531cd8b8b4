"""Baselines on the same rows, from the line and plain means up to the tuned arm, and tuned's similarity to the line."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from stages.evaluate.market.scored_lines import Floats, Mask, ScoredBets
from trueline.core.stats.confidence_intervals import describe_difference

Report = dict[str, Any]

ARMS = ("tuned", "default", "baseline", "unresampled")
BASELINE_NAMES = ("line", "last_5", "last_10", "season_mean", "baseline", "default", "tuned")
MAX_LINE_CORRELATION = 0.99  # correlation with the line above which the model merely repeats the line
MIN_BET_SHARE = 0.02  # share of rows with a bet below which the model hardly departs from the line


def evaluate_all_rows(scored: ScoredBets) -> Report:
    """Return the errors of every arm on all rows, with or without a line."""
    return {arm: _summarise_errors(scored, arm, np.ones(len(scored.rows), bool)) for arm in ARMS if arm in scored}


def compare_baselines(scored: ScoredBets) -> Report:
    """Return the errors of every baseline on the rows with a real line for which all of them have a forecast.

    Rows with a line that lack some forecast are counted in `left_out`.
    """
    baselines = [
        name for name in BASELINE_NAMES if name in scored and (~np.isnan(scored[name]) & scored.has_line).any()
    ]
    is_common = ~scored.rows[baselines].isna().any(axis=1).to_numpy()
    excluded_count = int(scored.has_line.sum() - is_common.sum())
    return {
        "rows": int(is_common.sum()),
        "left_out": excluded_count,
        "models": {baseline: _summarise_baseline(scored, baseline, is_common) for baseline in baselines},
    }


def compute_line_similarity(scored: ScoredBets, edges: Sequence[float]) -> Report:
    """Return how often the tuned arm is closer to the outcome than the line, and how far it departs from the line.

    A tie does not count as closer. `hugs_line` is true if their correlation is above 0.99 or fewer than 2 % of the rows
    have a bet at the headline edge: such a model repeats the market, whatever its hit rate.
    """
    has_line = scored.has_line
    tuned, line = scored["tuned"][has_line], scored["line"][has_line]
    both_vary = tuned.std() > 0 and line.std() > 0
    correlation = float(np.corrcoef(tuned, line)[0, 1]) if both_vary else None
    is_closer = np.where(
        has_line, scored.compute_absolute_error("tuned") < scored.compute_absolute_error("line"), np.nan
    )
    has_few_bets = scored.grade_bets("tuned").is_bet[has_line].mean() < MIN_BET_SHARE
    return {
        "model_beats_line": scored.blocks.estimate_mean(is_closer),
        "mean_edge": scored.blocks.estimate_mean(scored["tuned"] - scored["line"]),
        "edge_sd": float((tuned - line).std()),
        "correlation": correlation,
        "picks_share": {f"{edge:g}": float(scored.grade_bets("tuned", edge).is_bet[has_line].mean()) for edge in edges},
        "hugs_line": bool(has_few_bets or (correlation or 0.0) > MAX_LINE_CORRELATION),
    }


def evaluate_resampling(scored: ScoredBets) -> Report:
    """Return whether resampling helped: the tuned arm's absolute error minus that of the unresampled one."""
    if "unresampled" not in scored:
        return {"verdict": "none", "difference": None}
    difference = scored.blocks.estimate_mean(
        scored.compute_absolute_error("tuned") - scored.compute_absolute_error("unresampled")
    )
    return {"verdict": describe_difference(difference), "difference": difference}


def summarise_folds(scored: ScoredBets) -> list[Report]:
    """Return the errors of the tuned arm and of the line by fold, in time order, to show the effect of retraining."""
    errors = {
        "mae": scored.compute_absolute_error("tuned"),
        "mae_with_line": np.where(scored.has_line, scored.compute_absolute_error("tuned"), np.nan),
    }
    table = scored.rows[["fold", "group"]].assign(**errors, line_mae=scored.compute_absolute_error("line"))
    # rows are in time order, so the folds are too
    return [{"fold": name, **_summarise_fold(rows)} for name, rows in table.groupby("fold", sort=False)]


def _summarise_fold(rows: pd.DataFrame) -> Report:
    means = {name: _compute_mean(rows[name].dropna().to_numpy()) for name in ("mae", "mae_with_line", "line_mae")}
    counts = {"rows": len(rows), "rows_with_line": int(rows["line_mae"].count()), "days": rows["group"].nunique()}
    return counts | means


def _summarise_errors(scored: ScoredBets, name: str, rows: Mask) -> Report:
    signed_errors = np.where(rows, scored[name] - scored["target"], np.nan)
    finite_errors = signed_errors[~np.isnan(signed_errors)]
    return {
        "rows": len(finite_errors),
        "mae": scored.blocks.estimate_mean(np.abs(signed_errors)),
        "rmse": None if not len(finite_errors) else float(np.sqrt(np.square(finite_errors).mean())),
        "bias": _compute_mean(finite_errors),
    }


def _compute_mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None


def _summarise_baseline(scored: ScoredBets, name: str, is_common: Mask) -> Report:
    own_errors, tuned_errors, line_errors = (
        np.where(is_common, scored.compute_absolute_error(column), np.nan) for column in (name, "tuned", "line")
    )
    summary = _summarise_errors(scored, name, is_common)
    if name != "line":
        bets = scored.grade_bets(name).select_rows(is_common)
        summary |= {
            "hit_rate": scored.blocks.estimate_ratio(bets.is_won, bets.is_decided),
            "of_line_mae": scored.blocks.estimate_ratio(own_errors, line_errors),
        }
    if name != "tuned":
        difference = scored.blocks.estimate_mean(tuned_errors - own_errors)
        summary |= {"tuned_minus_this": difference, "tuned_is": describe_difference(difference, "better", "worse")}
    return summary
