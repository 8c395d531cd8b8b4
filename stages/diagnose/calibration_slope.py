"""calibration_slope: are the probabilities of the tuned arm as extreme as the outcomes say they should be?"""

import numpy as np

from core.evidence import Evidence, Finding, finding
from core.intervals import FEWEST, LEVEL, weights
from core.races import Floats
from stages.diagnose._judged import Judged, judged

NAME = "Do the probabilities come true, neither too bold nor too timid?"

LEAST = 1e-6  # probabilities are kept this far from 0 and 1: a single certain miss would decide the slope alone
STEPS = 50
STEEP = 100.0  # a slope beyond this means that outcomes are told apart without error


def check(evidence: Evidence) -> Finding:
    """Compare the slope of a logistic regression of the target on logit(p) with the limits around 1.

    A slope below 1 is overconfidence. The interval resamples groups; each draw is refitted by one Newton step from
    the whole sample's fit. Declines quantities, fewer than 30 groups, and probabilities with no slope.
    """
    rows = judged(evidence)
    if rows.groups < FEWEST:
        return finding("declined", f"{rows.groups} whole groups are predicted; {FEWEST} are needed for an interval.")
    if rows.kind == "quantity":
        return finding("declined", "The tuned arm predicts a quantity, not a probability, so it has no slope.")
    x = _inputs(rows.p)
    fitted = _fit(x, rows.y)
    if fitted is None:
        return finding("declined", "No slope exists: the probabilities are all equal, or never err.")
    drawn = _draws(rows, x, fitted, evidence.seed)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    named = {"intercept": 0, "slope": 1}
    details = {n: {"value": fitted[i], "low": low[i], "high": high[i], "n": rows.groups} for n, i in named.items()}
    limits = evidence.limits
    status = "ok" if low[1] <= limits.slope_high and high[1] >= limits.slope_low else "warning"
    found = f"The calibration slope is {fitted[1]:.3f} ({low[1]:.3f} to {high[1]:.3f}, {rows.groups} groups)"
    if status == "ok":
        return finding("ok", f"{found}, in reach of {limits.slope_low} to {limits.slope_high}.", **details)
    said = "overconfident: too bold" if fitted[1] < 1 else "underconfident: too timid"
    return finding("warning", f"{found}: the probabilities are {said}.", **details)


def _inputs(p: Floats) -> Floats:
    p = np.clip(p, LEAST, 1 - LEAST)
    return np.column_stack([np.ones(len(p)), np.log(p) - np.log1p(-p)])


def _fit(x: Floats, y: Floats) -> Floats | None:
    """Return intercept and slope by Newton's method, None where there is no finite and unique answer."""
    if np.ptp(x[:, 1]) < 1e-9:
        return None
    fitted = np.array([0.0, 1.0])
    for _ in range(STEPS):
        p = _sigmoid(x @ fitted)
        curvature = x.T @ (x * (p * (1 - p))[:, None])
        if np.linalg.cond(curvature) > 1e12:
            return None
        step = np.clip(np.linalg.solve(curvature, x.T @ (y - p)), -5, 5)
        fitted = fitted + step
        if np.abs(fitted).max() > STEEP:
            return None
        if np.abs(step).max() < 1e-9:
            return np.asarray(fitted)
    return None


def _draws(rows: Judged, x: Floats, fitted: Floats, seed: int) -> Floats:
    p = _sigmoid(x @ fitted)
    score, curve = x * (rows.y - p)[:, None], (p * (1 - p))[:, None] * x
    slopes = np.column_stack([np.bincount(rows.group, weights=column) for column in score.T])
    products = [curve[:, 0] * x[:, 0], curve[:, 0] * x[:, 1], curve[:, 1] * x[:, 1]]
    bends = np.column_stack([np.bincount(rows.group, weights=column) for column in products])
    found = []
    for drawn in weights(rows.groups, seed):
        bend = (drawn @ bends)[:, [0, 1, 1, 2]].reshape(-1, 2, 2)
        found.append(fitted + np.linalg.solve(bend, (drawn @ slopes)[:, :, None])[:, :, 0])
    return np.concatenate(found)


def _sigmoid(z: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(z / 2)))
