"""Odds: shares of success seen as winners and losers, and as log-odds."""

import numpy as np

from trueline.core.errors import UserError
from trueline.core.splits.fold_data import Floats, FoldData

MIN_SHARE = 1e-4  # one in ten thousand: below it a leaf's share says more about the leaf than about the runner


def compute_log_odds(p: Floats) -> Floats:
    """Return ln(p / (1 − p)) of probabilities, clipped at one in ten thousand from either end."""
    clipped = np.clip(p, MIN_SHARE, 1 - MIN_SHARE)
    return np.log(clipped) - np.log1p(-clipped)


def label_winners(rows: FoldData, positive_weight: float) -> tuple[Floats, Floats]:
    """Return label 1 for a row with any success, else 0, and its weight.

    A winner counts `positive_weight` times, and half of that when it shares the win in a dead heat of two. Refuses rows
    that are all of one kind.
    """
    is_winner = (rows.y > 0).astype(float)
    if not 0 < is_winner.sum() < len(is_winner):
        kind = "winners" if is_winner.any() else "losers"
        raise UserError(f"all {len(is_winner)} fit rows are {kind}; a learner of shares needs winners and losers.")
    return is_winner, rows.weight * np.where(is_winner > 0, positive_weight * rows.y, 1.0)


def compute_log_loss(score: Floats, is_winner: Floats, weight: Floats) -> float:
    """Return the weighted mean of −ln p(what happened) (nats)."""
    return float(np.average(np.logaddexp(0.0, np.where(is_winner > 0, -score, score)), weights=weight))
