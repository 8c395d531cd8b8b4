"""The predictive distribution against the line: probabilities of over and under, their calibration, and the CRPS."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from stages.evaluate.market.scored_lines import Floats, ScoredBets
from trueline.core.stats import count_distribution
from trueline.core.stats.confidence_intervals import describe_difference
from trueline.core.stats.probability_scores import compute_calibration_curve, compute_calibration_error


@dataclass(frozen=True)
class PredictiveDistribution:
    """An arm's distribution on every row; the probabilities are missing where there is no real line."""

    mean: Floats
    spread: Floats  # standard deviation
    is_integer: bool  # the quantity takes whole numbers only
    over_probability: Floats
    push_probability: Floats
    under_probability: Floats


def build_predictive_distribution(scored: ScoredBets, arm: str) -> PredictiveDistribution | None:
    """Return an arm's distribution, or None if its calibrator gave only a point forecast.

    The quantity is taken to be whole-numbered if every outcome is.
    """
    if f"{arm}:mean" not in scored or f"{arm}:spread" not in scored:
        return None
    mean, spread, is_integer = (
        scored[f"{arm}:mean"],
        scored[f"{arm}:spread"],
        count_distribution.has_only_counts(scored["target"]),
    )
    return PredictiveDistribution(
        mean,
        spread,
        is_integer,
        *count_distribution.compute_line_probabilities(scored["line"], mean, spread, is_integer),
    )


def compute_over_calibration(scored: ScoredBets, distribution: PredictiveDistribution, bins: int) -> pd.DataFrame:
    """Return predicted probability and observed rate of the over, in bins of equal count, on rows with a real line."""
    has_line = scored.has_line
    return compute_calibration_curve(
        distribution.over_probability[has_line], (scored["target"] > scored["line"])[has_line], bins
    )


def evaluate_distribution(scored: ScoredBets, distribution: PredictiveDistribution, bins: int) -> dict[str, Any]:
    """Return the CRPS of the tuned arm's distribution (units of the target), compared with that of the line.

    The CRPS of the line as a point forecast is its absolute error, which any spread would improve; the arm is therefore
    compared with its own distribution shifted to the line. `pit` is the histogram of the probability integral transform
    in bins of equal width: flat if the distribution is right.
    """
    crps = count_distribution.compute_crps(
        scored["target"], distribution.mean, distribution.spread, distribution.is_integer
    )
    line_crps = _compute_crps_at_line(scored, distribution)
    difference = scored.blocks.estimate_mean(crps - line_crps)
    calibration_table = compute_over_calibration(scored, distribution, bins)
    return {
        "crps_of_all_rows": scored.blocks.estimate_mean(crps),
        "crps": scored.blocks.estimate_mean(np.where(scored.has_line, crps, np.nan)),
        "line_mae": scored.blocks.estimate_mean(scored.compute_absolute_error("line")),
        "crps_of_line_with_same_spread": scored.blocks.estimate_mean(line_crps),
        "tuned_minus_line": difference,
        "tuned_is": describe_difference(difference, "better", "worse"),
        "reliability": calibration_table.to_dict("records"),
        "calibration_error": compute_calibration_error(calibration_table),
        "pit": _compute_pit_shares(scored["target"], distribution, bins).tolist(),
    }


def _compute_crps_at_line(scored: ScoredBets, distribution: PredictiveDistribution) -> Floats:
    """Return the CRPS of the tuned arm's distribution shifted so that its forecast is the line; missing without one."""
    has_line = scored.has_line
    moved_mean = distribution.mean + scored["line"] - scored["tuned"]
    crps = np.full(len(moved_mean), np.nan)
    crps[has_line] = count_distribution.compute_crps(
        scored["target"][has_line], moved_mean[has_line], distribution.spread[has_line], distribution.is_integer
    )
    return crps


def _compute_pit_shares(actual: Floats, distribution: PredictiveDistribution, bins: int) -> Floats:
    """Return the share of outcomes in each PIT bin; integers are spread evenly over their step (Czado et al. 2009)."""
    distribution_arguments, step_ends = (
        (actual, distribution.mean, distribution.spread, distribution.is_integer),
        (np.zeros(len(actual)), np.ones(len(actual))),
    )
    lower_pit, upper_pit = (count_distribution.compute_pit(*distribution_arguments, step_end) for step_end in step_ends)
    step = np.maximum(upper_pit - lower_pit, np.finfo(float).tiny)
    cumulative_shares = [
        float(np.clip((edge - lower_pit) / step, 0, 1).mean()) for edge in np.linspace(0, 1, bins + 1)[1:-1]
    ]
    return np.diff(np.array([0.0, *cumulative_shares, 1.0]))
