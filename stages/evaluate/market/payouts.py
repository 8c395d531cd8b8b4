"""Payouts: what a won pick pays, and the share of picks that must win for it: −110, posted prices or pick'em."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from trueline.core.betting.american_odds import (
    STANDARD_ODDS,
    Floats,
    compute_break_even_rate,
    convert_to_american_odds,
)

PayoutName = Literal["standard", "posted", "pickem"]


@dataclass(frozen=True)
class Payout:
    """The American odds of over and under that picks are paid at, one a row; missing where none are posted."""

    over: Floats
    under: Floats

    def find_odds(self, direction: npt.ArrayLike) -> Floats:
        """Return the odds of the picked side: over for a direction above 0."""
        return np.where(np.asarray(direction) > 0, self.over, self.under)

    def compute_break_even(self) -> tuple[Floats, Floats]:
        """Return the share of the overs, and of the unders, that must win."""
        return compute_break_even_rate(self.over), compute_break_even_rate(self.under)


def compute_leg_break_even(legs: int, multiple: float) -> float:
    """Return the share of legs that must win for an entry that pays `multiple` of its stake if all its legs win.

    Legs are taken to be independent, so the entry breaks even if the chance of all, rate**legs, is 1 / multiple.

    >>> compute_leg_break_even(2, 4.0)
    0.5
    """
    return float(multiple ** (-1 / legs))


def find_flat_odds(name: PayoutName, multiples: Mapping[int, float]) -> float | None:
    """Return the American odds at which every pick is paid; None for posted prices, which differ by row.

    A pick'em leg is paid as a bet of its own that breaks even at the same rate as the best of the entries.

    >>> round(find_flat_odds("pickem", {2: 3.0, 3: 6.0}), 2)
    -122.38
    """
    if name == "posted":
        return None
    if name == "standard":
        return STANDARD_ODDS
    lowest_rate = min(compute_leg_break_even(legs, multiple) for legs, multiple in multiples.items())
    return float(convert_to_american_odds(lowest_rate))


def build_payout(flat_odds: float | None, over: Floats, under: Floats) -> Payout:
    """Return the payout of rows at flat odds, or at the posted odds of their sides."""
    if flat_odds is None:
        return Payout(over, under)
    return Payout(np.full(len(over), flat_odds), np.full(len(under), flat_odds))
