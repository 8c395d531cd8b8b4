"""Objectives: losses of raw scores, with their gradient and curvature by score."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_expit

from trueline.core.models.tabular.conditional_logit_loss import compute_conditional_logit_loss, compute_mean_loss
from trueline.core.models.tabular.log_odds import compute_log_loss
from trueline.core.splits.fold_data import Floats
from trueline.core.stats.group_ops import Codes


@dataclass(frozen=True)
class BoostingTarget:
    """What is fitted on some rows; alpha and gamma shape only the focal loss."""

    target: Floats
    weight: Floats
    group: Codes
    alpha: float = 0.5
    gamma: float = 0.0


def race_softmax(score: Floats, labels: BoostingTarget) -> tuple[Floats, Floats]:
    """Return gradient and curvature of −Σ w·t·ln p within races."""
    return compute_conditional_logit_loss(score, labels.target, labels.weight, labels.group)[1:]


def logistic(score: Floats, labels: BoostingTarget) -> tuple[Floats, Floats]:
    """Return gradient and curvature of the log loss."""
    p = expit(score)
    return labels.weight * (p - labels.target), labels.weight * p * (1 - p)


def focal(score: Floats, labels: BoostingTarget) -> tuple[Floats, Floats]:
    """Return gradient and curvature of −a·(1 − q)^γ·ln q, q the probability of what happened (Lin et al. 2017).

    a is alpha for winners and 1 − alpha for losers. The curvature is negative where q is small.
    """
    sign, weight = _compute_sign_and_weight(labels)
    q, log_q, gamma = expit(sign * score), log_expit(sign * score), labels.gamma
    slope = (1 - q) ** gamma * (gamma * q * log_q - (1 - q))
    curvature = q * ((1 - q) ** (gamma + 1) * (gamma * log_q + gamma + 1) - gamma * slope)
    return weight * sign * slope, weight * curvature


def squared(score: Floats, labels: BoostingTarget) -> tuple[Floats, Floats]:
    """Return gradient and curvature of half the squared error."""
    return labels.weight * (score - labels.target), labels.weight


def compute_focal_loss(score: Floats, labels: BoostingTarget) -> float:
    """Return the mean focal loss per unit of weight (nats)."""
    sign, weight = _compute_sign_and_weight(labels)
    row_losses = -((1 - expit(sign * score)) ** labels.gamma) * log_expit(sign * score)
    return float(weight @ row_losses / labels.weight.sum())


# without the absolute error, which has no curvature
GRADIENTS: dict[str, Callable[[Floats, BoostingTarget], tuple[Floats, Floats]]] = {
    objective.__name__: objective for objective in (race_softmax, logistic, focal, squared)
}
OBJECTIVE_LOSSES: dict[str, Callable[[Floats, BoostingTarget], float]] = {
    "race_softmax": lambda score, labels: compute_mean_loss(score, labels.target, labels.weight, labels.group),
    "logistic": lambda score, labels: compute_log_loss(score, labels.target, labels.weight),
    "focal": compute_focal_loss,
    "squared": lambda score, labels: float(np.average((score - labels.target) ** 2, weights=labels.weight)),
    "absolute": lambda score, labels: float(np.average(np.abs(score - labels.target), weights=labels.weight)),
}


def _compute_sign_and_weight(labels: BoostingTarget) -> tuple[Floats, Floats]:
    is_winner = labels.target > 0
    return np.where(is_winner, 1.0, -1.0), labels.weight * np.where(is_winner, labels.alpha, 1 - labels.alpha)
