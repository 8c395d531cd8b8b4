"""calibration_slope: are the probabilities of the tuned arm as extreme as the outcomes say they should be?"""

import numpy as np

from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding
from stages.diagnose.units.scored_units import ScoredPredictions, build_scored_predictions
from trueline.core.stats.block_bootstrap import draw_block_weights
from trueline.core.stats.confidence_intervals import CONFIDENCE_LEVEL, MIN_BLOCKS
from trueline.core.stats.group_ops import Floats

NAME = "Do the probabilities come true, neither too bold nor too timid?"
ASKS = "health"

# probabilities are clipped this far from 0 and 1, or a single certain miss would determine the slope
MIN_PROBABILITY = 1e-6
MAX_NEWTON_STEPS = 50
MAX_SLOPE = 100.0  # a slope beyond this means that the probabilities separate the outcomes without error


def check(evidence: Evidence) -> Finding:
    """Compare the slope of a logistic regression of the target on logit(p) with the limits around 1.

    A slope below 1 is overconfidence. The interval resamples groups; each resample is refitted by one Newton step from
    the fit to the whole sample. Declines for quantities, for fewer than 30 groups, and if no finite slope exists.
    """
    scored = build_scored_predictions(evidence)
    if scored.group_count < MIN_BLOCKS:
        return decline(f"{scored.group_count} whole groups are predicted; {MIN_BLOCKS} are needed for an interval.")
    if scored.kind == "quantity":
        return decline("The tuned arm predicts a quantity, not a probability, so it has no slope.")
    x = _build_design(scored.p)
    fitted = _fit_slope(x, scored.y)
    if fitted is None:
        return decline("No slope exists: the probabilities are all equal, or never err.")
    bootstrap_fits = _bootstrap_fits(scored, x, fitted, evidence.seed)
    low, high = np.quantile(bootstrap_fits, [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2], axis=0)
    details = {
        name: {"value": fitted[index], "low": low[index], "high": high[index], "n": scored.group_count}
        for index, name in enumerate(("intercept", "slope"))
    }
    limits = evidence.limits
    status = "ok" if low[1] <= limits.slope_high and high[1] >= limits.slope_low else "warning"
    message = f"The calibration slope is {fitted[1]:.3f} ({low[1]:.3f} to {high[1]:.3f}, {scored.group_count} groups)"
    if status == "ok":
        return make_finding("ok", f"{message}, in reach of {limits.slope_low} to {limits.slope_high}.", **details)
    verdict = "overconfident: too bold" if fitted[1] < 1 else "underconfident: too timid"
    return make_finding("warning", f"{message}: the probabilities are {verdict}.", **details)


def _build_design(p: Floats) -> Floats:
    p = np.clip(p, MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    return np.column_stack([np.ones(len(p)), np.log(p) - np.log1p(-p)])


def _fit_slope(x: Floats, y: Floats) -> Floats | None:
    """Return intercept and slope by Newton's method, or None if there is no finite and unique solution."""
    if np.ptp(x[:, 1]) < 1e-9:
        return None
    fitted = np.array([0.0, 1.0])
    for _ in range(MAX_NEWTON_STEPS):
        p = _sigmoid(x @ fitted)
        curvature = x.T @ (x * (p * (1 - p))[:, None])
        if np.linalg.cond(curvature) > 1e12:
            return None
        step = np.clip(np.linalg.solve(curvature, x.T @ (y - p)), -5, 5)
        fitted = fitted + step
        if np.abs(fitted).max() > MAX_SLOPE:
            return None
        if np.abs(step).max() < 1e-9:
            return np.asarray(fitted)
    return None


def _bootstrap_fits(scored: ScoredPredictions, x: Floats, fitted: Floats, seed: int) -> Floats:
    p = _sigmoid(x @ fitted)
    score, weighted_x = x * (scored.y - p)[:, None], (p * (1 - p))[:, None] * x
    group_scores = np.column_stack([np.bincount(scored.group, weights=column) for column in score.T])
    products = [weighted_x[:, 0] * x[:, 0], weighted_x[:, 0] * x[:, 1], weighted_x[:, 1] * x[:, 1]]
    group_curvatures = np.column_stack([np.bincount(scored.group, weights=column) for column in products])
    fits = []
    for draw_weights in draw_block_weights(scored.group_count, seed):
        curvature = (draw_weights @ group_curvatures)[:, [0, 1, 1, 2]].reshape(-1, 2, 2)
        fits.append(fitted + np.linalg.solve(curvature, (draw_weights @ group_scores)[:, :, None])[:, :, 0])
    return np.concatenate(fits)


def _sigmoid(z: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(z / 2)))
