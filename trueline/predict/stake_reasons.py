"""Stake reasons: why nothing is staked on a pick, in the words of every task with bets."""

import numpy as np

from trueline.predict.card import Card


def explain_missing_stake(stake: float, value: float, card: Card, is_best_line: bool = True) -> str | None:
    """Return why nothing is staked on a pick of this expected value; None if something is.

    `is_best_line` says that no other line on the same player and game has a higher expected value.
    """
    if stake > 0:
        return None
    if not card.lead.is_proved:
        return card.lead.sentence
    if np.isnan(value):
        return "no price"
    if not is_best_line:
        return "another line on the player has a higher expected value"
    return f"expected value {value:+.3f} is below min_edge {card.settings.min_edge:g}"
