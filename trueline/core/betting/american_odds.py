"""American odds: implied and fair probabilities, profits and averages; missing odds give missing results."""

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from trueline.core.errors import UserError, did_you_mean

Floats = npt.NDArray[np.float64]
MarginMethod = Literal["proportional", "power", "shin"]

STANDARD_ODDS = -110.0  # American odds of both sides if a bookmaker has no opinion
BISECTION_STEPS = 60  # of the exponent's bracket: down to the last digit of a float


def compute_implied_probability(odds: npt.ArrayLike) -> Floats:
    """Return the implied probability of American odds, with the bookmaker's margin.

    Odds strictly between −100 and +100 do not exist; they, infinite and missing odds give a missing probability.

    >>> compute_implied_probability([-150, 300, 50]).tolist()
    [0.6, 0.25, nan]
    """
    valid_odds = _clean_odds(odds)
    return np.where(valid_odds < 0, -valid_odds, 100.0) / (np.abs(valid_odds) + 100.0)


def convert_to_american_odds(chance: npt.ArrayLike) -> Floats:
    """Return the American odds, not rounded, that imply a probability; missing unless 0 < chance < 1. One half is +100.

    >>> convert_to_american_odds([0.6, 0.25, 0.5]).round(6).tolist()
    [-150.0, 300.0, 100.0]
    """
    chances = np.asarray(chance, dtype=np.float64)
    valid_chances = np.where((chances > 0) & (chances < 1), chances, np.nan)
    return np.where(
        valid_chances > 0.5,
        -100.0 * valid_chances / (1.0 - valid_chances),
        100.0 * (1.0 - valid_chances) / valid_chances,
    )


def compute_win_profit(odds: npt.ArrayLike) -> Floats:
    """Return the profit of a won bet of one unit; invalid odds are missing, as in `compute_implied_probability`."""
    valid_odds = _clean_odds(odds)
    return np.where(valid_odds < 0, 100.0 / np.abs(valid_odds), valid_odds / 100.0)


def compute_break_even_rate(odds: npt.ArrayLike) -> Floats:
    """Return the share of decided bets that must win at these odds for flat stakes to break even."""
    return 1.0 / (1.0 + compute_win_profit(odds))


def compute_average_odds(*odds: npt.ArrayLike) -> Floats:
    """Return the odds of the mean implied probability of several books, element by element.

    A book without a price does not count; if no book has one the average is missing. American odds have a gap from
    −100 to +100, so their plain mean is meaningless: that of −110 and +110 would be 0.
    """
    chances = np.stack(np.broadcast_arrays(*(compute_implied_probability(book) for book in odds)))
    books = (~np.isnan(chances)).sum(axis=0)
    mean_chance = np.nansum(chances, axis=0) / np.where(books > 0, books, np.nan)
    return convert_to_american_odds(mean_chance)


def remove_margin(over: npt.ArrayLike, under: npt.ArrayLike, method: MarginMethod) -> tuple[Floats, Floats]:
    """Return the fair probabilities of both sides, without the margin; they sum to 1, missing if either price is.

    `proportional` scales both probabilities alike; `power` raises both to the same power (Clarke, Kovalchik and Ingram
    2017); `shin` assumes that a share of the bettors know the result (Shin 1993): with two sides it takes the same
    amount off each. The last two take relatively more off the long shot. A negative margin is removed by the same
    rules. Raises UserError for an unknown method.
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
        raise UserError(f"no margin method is called {method!r}; {did_you_mean(str(method), get_args(MarginMethod))}")
    fair_chance = np.where(np.isnan(under_chance), np.nan, fair_chance)
    return fair_chance, 1.0 - fair_chance


def _clean_odds(odds: npt.ArrayLike) -> Floats:
    odds_values = np.asarray(odds, dtype=np.float64)
    return np.where(np.isfinite(odds_values) & (np.abs(odds_values) >= 100.0), odds_values, np.nan)


def _solve_power_margin(over_chance: Floats, under_chance: Floats) -> Floats:
    """Return over_chance**k for the k at which over_chance**k + under_chance**k = 1, by bisection of k."""
    low = np.log(0.5) / np.log(np.minimum(over_chance, under_chance))
    high = np.log(0.5) / np.log(np.maximum(over_chance, under_chance))
    for _ in range(BISECTION_STEPS):
        k = (low + high) / 2
        is_above_one = over_chance**k + under_chance**k > 1
        low, high = np.where(is_above_one, k, low), np.where(is_above_one, high, k)
    return np.asarray(over_chance ** ((low + high) / 2), dtype=np.float64)
