"""Race logit: weights of a few terms within races, of least penalised log loss, by Newton's method.

A race is any group of rows that share one win. `evaluate` fits the same rows again and again while days are added, so a
fit starts from the last weights and keeps a curvature for as long as its steps keep what they promise. L-BFGS from zero
takes some twenty times as long.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from trueline.core.stats.group_ops import MIN_PROBABILITY, Codes, Floats

MAX_STEPS = 100
TOLERANCE = 1e-6  # nats in all that a further step promises: a weight off by a standard error costs half a nat
LEAST_KEPT = 0.3  # of what a step promises; an exact quadratic keeps half
MOST_LEFT = 0.25  # of what the step before promised; where a term knows every winner, an old curvature makes tiny steps


@dataclass(frozen=True)
class RaceRows:
    """Rows of races one after the other: how many each race has."""

    size: Codes  # rows of each race, none of them 0

    @cached_property
    def first_row(self) -> Codes:
        """The first row of each race."""
        return np.asarray(np.cumsum(self.size) - self.size, dtype=np.int64)

    def sum_by_race(self, values: Floats) -> Floats:
        """Return the sum of each race, of one column or of several."""
        return np.asarray(np.add.reduceat(values, self.first_row, axis=0), dtype=np.float64)

    def compute_chances(self, score: Floats) -> Floats:
        """Return exp(score) as shares within each race."""
        strength = np.exp(score - np.repeat(np.maximum.reduceat(score, self.first_row), self.size))
        return np.asarray(strength / np.repeat(self.sum_by_race(strength), self.size), dtype=np.float64)

    def compute_losses(self, chance: Floats, won: Floats) -> Floats:
        """Return the log loss of each race (nats); a dead heat shares the win."""
        return self.sum_by_race(-won * np.log(np.maximum(chance, MIN_PROBABILITY)))

    def compute_curvature(self, terms: Floats, chance: Floats, won: Floats) -> Floats:
        """Return the second derivative of the log loss by the weights: the covariance of the terms, added over wins."""
        weighted = terms * chance[:, None]
        mean = self.sum_by_race(weighted)
        wins = self.sum_by_race(won)[:, None]  # 1 unless a race has no winner
        return np.asarray((weighted * np.repeat(wins, self.size, axis=0)).T @ terms - (mean * wins).T @ mean)


@dataclass(frozen=True)
class Prior:
    """What the weights w are thought to be beforehand: other weights cost ½ (w − mean)ᵀ precision (w − mean)."""

    mean: Floats
    precision: Floats


def fit_race_logit(
    terms: Floats,
    won: Floats,
    races: RaceRows,
    prior: Prior,
    start: Floats,
    curvature: Floats | None = None,
    tolerance: float = TOLERANCE,
) -> Floats:
    """Return the weights of the terms (one column each) of least log loss and prior loss.

    `curvature` is that of the log loss near the solution, if it is known; the result does not depend on it. No step is
    taken that promises less than `tolerance` nats in all.
    """
    weights, is_exact, last_promised = start, False, np.inf
    wins = np.repeat(races.sum_by_race(won), races.size)
    loss, chance = _compute_loss(weights, terms, won, races, prior)
    for _ in range(MAX_STEPS):
        if curvature is None:
            curvature, is_exact = races.compute_curvature(terms, chance, won), True
        gradient = terms.T @ (wins * chance - won) + prior.precision @ (weights - prior.mean)
        step = np.linalg.solve(curvature + prior.precision, gradient)
        promised = float(gradient @ step)
        if promised < tolerance:
            break
        next_loss, next_chance = _compute_loss(weights - step, terms, won, races, prior)
        keeps_promise = loss - next_loss >= LEAST_KEPT * promised and promised <= MOST_LEFT * last_promised
        if not (keeps_promise or is_exact):
            curvature = None
            continue
        while next_loss > loss and promised > tolerance:
            step, promised = step / 2, promised / 2
            next_loss, next_chance = _compute_loss(weights - step, terms, won, races, prior)
        weights, loss, chance, is_exact, last_promised = weights - step, next_loss, next_chance, False, promised
    return weights


def _compute_loss(weights: Floats, terms: Floats, won: Floats, races: RaceRows, prior: Prior) -> tuple[float, Floats]:
    chance, distance = races.compute_chances(terms @ weights), weights - prior.mean
    has_won = np.flatnonzero(won)  # the logarithms of the others would take most of the time
    log_loss = -float(won[has_won] @ np.log(np.maximum(chance[has_won], np.finfo(float).tiny)))
    return log_loss + float(distance @ prior.precision @ distance) / 2, chance
