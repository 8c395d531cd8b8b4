"""Odds: shares of success seen as winners and losers, and as log-odds."""

import numpy as np

from core.refusals import Refusal
from core.rows import Floats, Rows

RAREST = 1e-4  # one in ten thousand: below it a leaf's share says more about the leaf than about the runner


def log_odds(p: Floats) -> Floats:
    """Return ln(p / (1 − p)) of probabilities, clipped at one in ten thousand from either end."""
    kept = np.clip(p, RAREST, 1 - RAREST)
    return np.log(kept) - np.log1p(-kept)


def winners(rows: Rows, positive_weight: float) -> tuple[Floats, Floats]:
    """Return label 1 for a row with any success, else 0, and its weight.

    A winner counts `positive_weight` times, and half of that when it shares the win in a dead heat of two. Refuses rows
    that are all of one kind.
    """
    won = (rows.y > 0).astype(float)
    if not 0 < won.sum() < len(won):
        kind = "winners" if won.any() else "losers"
        raise Refusal(f"all {len(won)} fit rows are {kind}; a learner of shares needs winners and losers.")
    return won, rows.weight * np.where(won > 0, positive_weight * rows.y, 1.0)


def log_loss(score: Floats, won: Floats, weight: Floats) -> float:
    """Return the weighted mean of −ln p(what happened) (nats)."""
    return float(np.average(np.logaddexp(0.0, np.where(won > 0, -score, score)), weights=weight))
