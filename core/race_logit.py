"""The softmax within races whose rows carry weights: what it loses, and the linear score that loses least.

A weight counts copies: a race whose runners weigh 2 counts as two races, a lone runner of weight 2 stands in its race
twice. Losers left out at random need no weight: the rest of the race gives the same coefficients (McFadden 1978).
"""

from typing import Any

import numpy as np
from scipy.optimize import minimize

from core.races import TINY, Codes, Floats, normalise, softmax, total
from core.refusals import Refusal
from core.threads import one_thread

STEPS = 1000
CLOSE = 1e-15  # of the loss, and of its gradient below: converged as far as doubles can tell
FLAT = 1e-10


def contested(share: Floats, weight: Floats, race: Codes) -> None:
    """Refuse rows in which no race holds a share of success and more than one runner: nothing can be learnt there."""
    success = total(weight * share, race)
    if not ((success > 0) & (total((weight > 0).astype(float), race) > 1)).any():
        raise Refusal(f"none of {len(np.unique(race))} races holds a winner and a rival; at least one is needed.")


def loss(score: Floats, share: Floats, weight: Floats, race: Codes) -> tuple[float, Floats, Floats]:
    """Return the loss summed over races (nats), its gradient by score and the diagonal of its curvature.

    With shares t, weights w, p = w·exp(score) as shares of the race and S = Σ w·t in it:
    −Σ w·t·ln p; S·p − w·t; S·p·(1 − p).
    """
    success = weight * share
    p = normalise(weight * softmax(score, race), race)
    held = total(success, race) * p
    return float(-success @ np.log(np.maximum(p, TINY))), held - success, held * (1 - p)


def mean_loss(score: Floats, share: Floats, weight: Floats, race: Codes) -> float:
    """Return the loss per won race (nats)."""
    return loss(score, share, weight, race)[0] / float(weight @ share)


def penalised(
    coefficient: Floats, terms: Floats, share: Floats, weight: Floats, race: Codes, l2: float
) -> tuple[float, Floats]:
    """Return the loss of the score `terms @ coefficient` plus l2/2 · Σ coefficient², and its gradient."""
    value, by_score, _ = loss(terms @ coefficient, share, weight, race)
    return value + l2 / 2 * float(coefficient @ coefficient), terms.T @ by_score + l2 * coefficient


def fit(terms: Floats, share: Floats, weight: Floats, race: Codes, l2: float, positive: bool = False) -> Floats:
    """Return the coefficients (terms,) that lose least, by L-BFGS; `positive` keeps them from falling below zero."""
    contested(share, weight, race)
    scale = float(weight @ share)

    def each(coefficient: Any) -> tuple[float, Any]:
        value, gradient = penalised(coefficient, terms, share, weight, race, l2)
        return value / scale, gradient / scale

    bounds = [(0.0 if positive else None, None)] * terms.shape[1]
    options: Any = {"maxiter": STEPS, "maxfun": 2 * STEPS, "ftol": CLOSE, "gtol": FLAT}
    with one_thread():
        found = minimize(each, np.zeros(terms.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return np.asarray(found.x, float)
