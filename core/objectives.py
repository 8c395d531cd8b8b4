"""Objectives: what raw scores lose, and the gradient and curvature of that loss by score."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_expit

from core import race_logit
from core.odds import log_loss
from core.races import Codes
from core.rows import Floats


@dataclass(frozen=True)
class Lesson:
    """What is taught on some rows; alpha and gamma shape the focal loss alone."""

    target: Floats
    weight: Floats
    group: Codes
    alpha: float = 0.5
    gamma: float = 0.0


def race_softmax(score: Floats, lesson: Lesson) -> tuple[Floats, Floats]:
    """Return gradient and curvature of −Σ w·t·ln p within races."""
    return race_logit.loss(score, lesson.target, lesson.weight, lesson.group)[1:]


def logistic(score: Floats, lesson: Lesson) -> tuple[Floats, Floats]:
    """Return gradient and curvature of the log loss."""
    p = expit(score)
    return lesson.weight * (p - lesson.target), lesson.weight * p * (1 - p)


def focal(score: Floats, lesson: Lesson) -> tuple[Floats, Floats]:
    """Return gradient and curvature of −a·(1 − q)^γ·ln q, q the chance given to what happened (Lin et al. 2017).

    a is alpha for winners and 1 − alpha for losers. The curvature is below zero where q is small.
    """
    sign, weight = _sides(lesson)
    q, log_q, gamma = expit(sign * score), log_expit(sign * score), lesson.gamma
    pull = (1 - q) ** gamma * (gamma * q * log_q - (1 - q))
    bend = q * ((1 - q) ** (gamma + 1) * (gamma * log_q + gamma + 1) - gamma * pull)
    return weight * sign * pull, weight * bend


def squared(score: Floats, lesson: Lesson) -> tuple[Floats, Floats]:
    """Return gradient and curvature of half the squared error."""
    return lesson.weight * (score - lesson.target), lesson.weight


def focal_loss(score: Floats, lesson: Lesson) -> float:
    """Return the mean focal loss per unit of weight (nats)."""
    sign, weight = _sides(lesson)
    each = -((1 - expit(sign * score)) ** lesson.gamma) * log_expit(sign * score)
    return float(weight @ each / lesson.weight.sum())


# the absolute error has no curvature to return
GRADIENTS: dict[str, Callable[[Floats, Lesson], tuple[Floats, Floats]]] = {
    objective.__name__: objective for objective in (race_softmax, logistic, focal, squared)
}
LOSSES: dict[str, Callable[[Floats, Lesson], float]] = {
    "race_softmax": lambda score, of: race_logit.mean_loss(score, of.target, of.weight, of.group),
    "logistic": lambda score, of: log_loss(score, of.target, of.weight),
    "focal": focal_loss,
    "squared": lambda score, of: float(np.average((score - of.target) ** 2, weights=of.weight)),
    "absolute": lambda score, of: float(np.average(np.abs(score - of.target), weights=of.weight)),
}


def _sides(lesson: Lesson) -> tuple[Floats, Floats]:
    won = lesson.target > 0
    return np.where(won, 1.0, -1.0), lesson.weight * np.where(won, lesson.alpha, 1 - lesson.alpha)
