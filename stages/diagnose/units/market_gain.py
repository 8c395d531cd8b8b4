"""Market gain: what the predictions add to the market, by the best combination of both on rows that did not fit it."""

import numpy as np

from stages.diagnose.units.array_types import Floats, Ints
from stages.diagnose.units.scored_units import ScoredPredictions
from trueline.core.stats.group_ops import MIN_PROBABILITY, Codes, compute_group_softmax, sum_by_group

PART_COUNT = 5  # parts of groups in time order; each is combined with weights fitted on the others
RIDGE_PENALTY = 1e-3  # keeps the weights of two equal terms finite
MAX_NEWTON_STEPS, MAX_STEP, STEP_TOLERANCE = 50, 1.0, 1e-9  # steps are of the weights, which are about 1 in all


def compute_market_gains(priced: ScoredPredictions) -> Floats:
    """Return by unit the loss of the market alone, recalibrated, less that of market and predictions combined.

    Shares are combined by a conditional logit of both logarithms, other predictions by least squares on both. A model
    that adds nothing gains about zero, however good or bad it is alone; a model far below the market that adds much
    knows something that no market does. In the loss of the predictions: nats per group, else squared error per row.
    """
    fold_of_group = np.arange(priced.group_count) * PART_COUNT // priced.group_count
    fold_code = fold_of_group[priced.group]
    if priced.kind == "share":
        return _compute_share_gains(priced, fold_code)
    market_terms = np.column_stack([np.ones(len(priced.y)), priced.market])
    both_terms = np.column_stack([market_terms, priced.p])
    return _compute_squared_errors(market_terms, priced.y, fold_code) - _compute_squared_errors(
        both_terms, priced.y, fold_code
    )


def _compute_share_gains(priced: ScoredPredictions, fold_code: Ints) -> Floats:
    from trueline.core.racing.race_losses import compute_race_losses  # a dependency of racing tasks only

    terms = np.log(np.maximum(np.column_stack([priced.market, priced.p]), MIN_PROBABILITY))
    losses = []
    for columns in (terms[:, :1], terms):
        scores = np.empty(len(priced.y))
        for held_out in np.unique(fold_code):
            rows = fold_code != held_out
            scores[~rows] = columns[~rows] @ _fit_logit_weights(columns[rows], priced.y[rows], priced.group[rows])
        losses.append(compute_race_losses(compute_group_softmax(scores, priced.group), priced.y, priced.group))
    return np.asarray(losses[0] - losses[1])


def _fit_logit_weights(terms: Floats, y: Floats, group: Codes) -> Floats:
    """Return the weights of a conditional logit by Newton's method, which starts at the first term alone."""
    code = np.unique(group, return_inverse=True)[1]
    weights, ridge = np.eye(terms.shape[1])[0], RIDGE_PENALTY * np.eye(terms.shape[1])
    for _ in range(MAX_NEWTON_STEPS):
        p = compute_group_softmax(terms @ weights, code)
        centred = terms - np.column_stack([sum_by_group(p * column, code) for column in terms.T])
        gradient = terms.T @ (p - y) + ridge @ weights
        step = np.clip(np.linalg.solve((centred * p[:, None]).T @ centred + ridge, gradient), -MAX_STEP, MAX_STEP)
        weights = weights - step
        if np.abs(step).max() < STEP_TOLERANCE:
            break
    return np.asarray(weights)


def _compute_squared_errors(terms: Floats, y: Floats, fold_code: Ints) -> Floats:
    fitted = np.empty(len(y))
    for held_out in np.unique(fold_code):
        rows = fold_code != held_out
        weights = np.linalg.lstsq(terms[rows], y[rows], rcond=None)[0]
        fitted[~rows] = terms[~rows] @ weights
    return np.asarray(np.square(fitted - y))
