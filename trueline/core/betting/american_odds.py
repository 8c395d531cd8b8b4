"""Prices: American odds as chances, profits and fair chances; what is missing stays missing."""

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from trueline.core.errors import UserError, did_you_mean

Floats = npt.NDArray[np.float64]
MarginMethod = Literal["proportional", "power", "shin"]

BISECTION_STEPS = 60  # of the exponent's bracket: beyond the last digit of a float


def compute_implied_probability(odds: npt.ArrayLike) -> Floats:
    """Return the chance that American odds pay for, the bookmaker's margin included.

    Odds strictly between −100 and +100 do not exist; they, infinite odds and absent ones give a missing chance.
    """
    valid_odds = _clean_odds(odds)
    return np.where(valid_odds < 0, -valid_odds, 100.0) / (np.abs(valid_odds) + 100.0)


def convert_to_american_odds(chance: npt.ArrayLike) -> Floats:
    """Return the American odds, not rounded, that pay for a chance; missing unless 0 < chance < 1. A half is +100."""
    chances = np.asarray(chance, dtype=np.float64)
    valid_chances = np.where((chances > 0) & (chances < 1), chances, np.nan)
    return np.where(
        valid_chances > 0.5,
        -100.0 * valid_chances / (1.0 - valid_chances),
        100.0 * (1.0 - valid_chances) / valid_chances,
    )


def compute_win_profit(odds: npt.ArrayLike) -> Floats:
    """Return what a won bet of one unit pays on top of its stake; odds are read as in `compute_implied_probability`."""
    valid_odds = _clean_odds(odds)
    return np.where(valid_odds < 0, 100.0 / np.abs(valid_odds), valid_odds / 100.0)


def compute_break_even_rate(odds: npt.ArrayLike) -> Floats:
    """Return the share of decided bets that must win at these odds for flat stakes to come out even."""
    return 1.0 / (1.0 + compute_win_profit(odds))


def compute_average_odds(*odds: npt.ArrayLike) -> Floats:
    """Return the odds of the mean chance that several books pay for, element by element.

    A book without a price does not count; where no book has one the average is missing. American odds have a gap
    from −100 to +100, so that their own mean means nothing: that of −110 and +110 would be 0.
    """
    chances = np.stack(np.broadcast_arrays(*(compute_implied_probability(book) for book in odds)))
    books = (~np.isnan(chances)).sum(axis=0)
    mean_chance = np.nansum(chances, axis=0) / np.where(books > 0, books, np.nan)
    return convert_to_american_odds(mean_chance)


def remove_margin(over: npt.ArrayLike, under: npt.ArrayLike, method: MarginMethod) -> tuple[Floats, Floats]:
    """Return the chances of both sides with the margin taken out; they sum to 1, missing where either price is.

    `proportional` scales both chances alike; `power` raises them to one power (Clarke, Kovalchik and Ingram 2017);
    `shin` assumes that a share of the bettors know the result (Shin 1993): with two sides that takes the same amount
    off each. The last two take relatively more off the long shot. A margin below zero is added by the same rules.
    """
    over_chance, under_chance = np.broadcast_arrays(
        compute_implied_probability(over), compute_implied_probability(under)
    )
    if method == "proportional":
        fair_chance = over_chance / (over_chance + under_chance)
    elif method == "power":
        fair_chance = _solve_power_margin(over_chance, under_chance)
    elif method == "shin":
        fair_chance = (1.0 + over_chance - under_chance) / 2.0
    else:
        raise UserError(f"margins cannot be removed by {method!r}; {did_you_mean(str(method), get_args(MarginMethod))}")
    fair_chance = np.where(np.isnan(under_chance), np.nan, fair_chance)
    return fair_chance, 1.0 - fair_chance


def _clean_odds(odds: npt.ArrayLike) -> Floats:
    odds_values = np.asarray(odds, dtype=np.float64)
    return np.where(np.isfinite(odds_values) & (np.abs(odds_values) >= 100.0), odds_values, np.nan)


def _solve_power_margin(over_chance: Floats, under_chance: Floats) -> Floats:
    """Return one chance to the power k for which one**k + other**k = 1, by halving the bracket of k."""
    low = np.log(0.5) / np.log(np.minimum(over_chance, under_chance))
    high = np.log(0.5) / np.log(np.maximum(over_chance, under_chance))
    for _ in range(BISECTION_STEPS):
        k = (low + high) / 2
        is_above_one = over_chance**k + under_chance**k > 1
        low, high = np.where(is_above_one, k, low), np.where(is_above_one, high, k)
    return np.asarray(over_chance ** ((low + high) / 2), dtype=np.float64)
