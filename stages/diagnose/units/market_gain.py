"""Market gain: what the predictions add to the market, by the best combination of both on rows that did not fit it."""

import numpy as np

from stages.diagnose.units.array_types import Floats, Ints
from stages.diagnose.units.scored_units import ScoredPredictions
from trueline.core.stats.group_ops import MIN_PROBABILITY
from trueline.core.stats.race_logit import Prior, RaceRows, fit_race_logit

PART_COUNT = 5  # parts of groups in time order; each is combined with weights fitted on the others
RIDGE_PENALTY = 1e-3  # keeps the weights of two equal terms finite
TOLERANCE = 1e-12  # nats in all that a further step promises: a weight off by a millionth of a standard error


def compute_market_gains(priced: ScoredPredictions) -> Floats:
    """Return by unit the loss of the market alone, recalibrated, less that of market and predictions combined.

    Shares are combined by a conditional logit of both logarithms, other predictions by least squares on both. A model
    that adds nothing gains about zero, however good or bad it is alone; a model far below the market that adds much
    knows something that no market does. In the loss of the predictions: nats per group, else squared error per row.
    """
    fold_of_group = np.arange(priced.group_count) * PART_COUNT // priced.group_count
    if priced.kind == "share":
        return _compute_share_gains(priced, fold_of_group)
    fold_code = fold_of_group[priced.group]
    market_terms = np.column_stack([np.ones(len(priced.y)), priced.market])
    both_terms = np.column_stack([market_terms, priced.p])
    return _compute_squared_errors(market_terms, priced.y, fold_code) - _compute_squared_errors(
        both_terms, priced.y, fold_code
    )


def _compute_share_gains(priced: ScoredPredictions, fold_of_group: Ints) -> Floats:
    order = np.argsort(priced.group, kind="stable")  # the rows of a group may lie apart
    races, y = RaceRows(np.bincount(priced.group)), priced.y[order]
    terms = np.log(np.maximum(np.column_stack([priced.market, priced.p])[order], MIN_PROBABILITY))
    market_losses, both_losses = (
        races.compute_losses(races.compute_chances(_combine_terms(columns, y, races, fold_of_group)), y)
        for columns in (terms[:, :1], terms)
    )
    return market_losses - both_losses


def _combine_terms(terms: Floats, y: Floats, races: RaceRows, fold_of_group: Ints) -> Floats:
    """Return the score of each row, by the weights that fit the groups of the other parts best."""
    scores, fold_code = np.empty(len(y)), np.repeat(fold_of_group, races.size)
    identity = np.eye(terms.shape[1])
    prior, first_alone = Prior(np.zeros(len(identity)), RIDGE_PENALTY * identity), identity[0]
    for held_out in np.unique(fold_of_group):
        rows, other_races = fold_code != held_out, RaceRows(races.size[fold_of_group != held_out])
        weights = fit_race_logit(terms[rows], y[rows], other_races, prior, first_alone, tolerance=TOLERANCE)
        scores[~rows] = terms[~rows] @ weights
    return scores


def _compute_squared_errors(terms: Floats, y: Floats, fold_code: Ints) -> Floats:
    fitted = np.empty(len(y))
    for held_out in np.unique(fold_code):
        rows = fold_code != held_out
        weights = np.linalg.lstsq(terms[rows], y[rows], rcond=None)[0]
        fitted[~rows] = terms[~rows] @ weights
    return np.asarray(np.square(fitted - y))
