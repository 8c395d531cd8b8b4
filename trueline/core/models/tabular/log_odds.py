"""Log-odds of probabilities, and shares of success as binary labels."""

import numpy as np

from trueline.core.errors import UserError
from trueline.core.models.tabular.input_encoding import get_score_offset
from trueline.core.splits.fold_data import Floats, FoldData

MIN_SHARE = 1e-4  # one in ten thousand: below it a leaf's share says more about the leaf than about the runner


def compute_log_odds(p: Floats) -> Floats:
    """Return ln(p / (1 − p)) of probabilities, clipped to one in ten thousand from 0 and 1."""
    clipped = np.clip(p, MIN_SHARE, 1 - MIN_SHARE)
    return np.log(clipped) - np.log1p(-clipped)


def label_winners(rows: FoldData, positive_weight: float) -> tuple[Floats, Floats]:
    """Return a label per row, 1 for any share of success and else 0, and the rows' weights.

    A winner counts `positive_weight` times, half of that if it shares the win in a dead heat of two. Raises UserError
    if the rows are all winners or all losers.
    """
    is_winner = (rows.y > 0).astype(float)
    if not 0 < is_winner.sum() < len(is_winner):
        kind = "winners" if is_winner.any() else "losers"
        raise UserError(f"all {len(is_winner)} fit rows are {kind}; this learner needs both winners and losers.")
    return is_winner, rows.weight * np.where(is_winner > 0, positive_weight * rows.y, 1.0)


def label_rows(
    rows: FoldData, is_share: bool, share_setting: str, offset: str | None, positive_weight: float
) -> tuple[Floats, Floats]:
    """Return each row's label and weight: for shares whether it won, for a quantity its difference from the offset.

    Raises UserError for shares with an offset; `share_setting` is the setting that asks for them.
    """
    if not is_share:
        return rows.y - get_score_offset(rows.x, offset), rows.weight
    if offset in rows.x.columns:
        raise UserError(
            f"offset is {offset!r} with {share_setting}, but this learner takes an offset only for quantities; "
            "set offset to null, or use catboost_trees or xgboost_trees, whose log-odds can start from one."
        )
    return label_winners(rows, positive_weight)


def compute_log_loss(score: Floats, is_winner: Floats, weight: Floats) -> float:
    """Return the weighted mean of −ln p(what happened) (nats)."""
    return float(np.average(np.logaddexp(0.0, np.where(is_winner > 0, -score, score)), weights=weight))
