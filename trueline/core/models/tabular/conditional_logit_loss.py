"""Conditional logit: the softmax loss within races of weighted rows, and the linear score that minimises it.

A weight counts copies: a race whose runners all weigh 2 counts as two races, and a single runner of weight 2 counts as
two runners of its race. Losers left out at random need no weight: the rest of the race gives the same coefficients
(McFadden 1978).
"""

from typing import Any

import numpy as np

from trueline.core.compute.single_thread import limit_to_one_thread
from trueline.core.errors import UserError
from trueline.core.stats.group_ops import (
    MIN_PROBABILITY,
    Codes,
    Floats,
    compute_group_softmax,
    normalize_by_group,
    sum_by_group,
)

MAX_ITERATIONS = 1000
LOSS_TOLERANCE = 1e-15  # on the loss; with the one on its gradient below: converged as far as doubles can tell
GRADIENT_TOLERANCE = 1e-10


def require_contested_races(share: Floats, weight: Floats, race: Codes) -> None:
    """Raise UserError if no race has both a share of success and a second runner: there is nothing to learn."""
    success = sum_by_group(weight * share, race)
    if not ((success > 0) & (sum_by_group((weight > 0).astype(float), race) > 1)).any():
        raise UserError(
            f"none of {len(np.unique(race))} races has a winner and another runner; at least one is needed."
        )


def compute_conditional_logit_loss(
    score: Floats, share: Floats, weight: Floats, race: Codes
) -> tuple[float, Floats, Floats]:
    """Return the loss summed over races (nats), its gradient by score and the diagonal of its curvature.

    With shares t, weights w, p = w·exp(score) normalised within the race, and S = Σ w·t over the race, they are
    −Σ w·t·ln p, S·p − w·t and S·p·(1 − p).
    """
    success = weight * share
    p = normalize_by_group(weight * compute_group_softmax(score, race), race)
    expected = sum_by_group(success, race) * p
    return float(-success @ np.log(np.maximum(p, MIN_PROBABILITY))), expected - success, expected * (1 - p)


def compute_mean_loss(score: Floats, share: Floats, weight: Floats, race: Codes) -> float:
    """Return the loss per won race (nats)."""
    return compute_conditional_logit_loss(score, share, weight, race)[0] / float(weight @ share)


def compute_penalised_loss(
    coefficient: Floats, terms: Floats, share: Floats, weight: Floats, race: Codes, l2: float
) -> tuple[float, Floats]:
    """Return the loss of the score `terms @ coefficient` plus l2/2 · Σ coefficient², and its gradient."""
    value, by_score, _ = compute_conditional_logit_loss(terms @ coefficient, share, weight, race)
    return value + l2 / 2 * float(coefficient @ coefficient), terms.T @ by_score + l2 * coefficient


def fit_conditional_logit(
    terms: Floats, share: Floats, weight: Floats, race: Codes, l2: float, positive: bool = False
) -> Floats:
    """Return the coefficients (terms,) of least loss, by L-BFGS; `positive` bounds them at zero."""
    from scipy.optimize import minimize  # slow to import, and whoever only wants a loss needs none of it

    require_contested_races(share, weight, race)
    scale = float(weight @ share)

    def compute_scaled_loss(coefficient: Any) -> tuple[float, Any]:
        value, gradient = compute_penalised_loss(coefficient, terms, share, weight, race, l2)
        return value / scale, gradient / scale

    bounds = [(0.0 if positive else None, None)] * terms.shape[1]
    options: Any = {
        "maxiter": MAX_ITERATIONS,
        "maxfun": 2 * MAX_ITERATIONS,
        "ftol": LOSS_TOLERANCE,
        "gtol": GRADIENT_TOLERANCE,
    }
    with limit_to_one_thread():
        solution = minimize(
            compute_scaled_loss, np.zeros(terms.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds, options=options
        )
    return np.asarray(solution.x, float)
