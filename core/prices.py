"""Prices: American odds as chances, profits and fair chances; what is missing stays missing."""

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from core.refusals import Refusal, suggest

Floats = npt.NDArray[np.float64]
Method = Literal["proportional", "power", "shin"]

HALVINGS = 60  # of the exponent's bracket: beyond the last digit of a float


def implied(odds: npt.ArrayLike) -> Floats:
    """Return the chance that American odds pay for, the bookmaker's margin included.

    Odds strictly between −100 and +100 do not exist; they, infinite odds and absent ones give a missing chance.
    """
    priced = _priced(odds)
    return np.where(priced < 0, -priced, 100.0) / (np.abs(priced) + 100.0)


def american(chance: npt.ArrayLike) -> Floats:
    """Return the American odds, not rounded, that pay for a chance; missing unless 0 < chance < 1. A half is +100."""
    given = np.asarray(chance, dtype=np.float64)
    known = np.where((given > 0) & (given < 1), given, np.nan)
    return np.where(known > 0.5, -100.0 * known / (1.0 - known), 100.0 * (1.0 - known) / known)


def profit(odds: npt.ArrayLike) -> Floats:
    """Return what a won bet of one unit pays on top of its stake; odds are read as in `implied`."""
    priced = _priced(odds)
    return np.where(priced < 0, 100.0 / np.abs(priced), priced / 100.0)


def break_even(odds: npt.ArrayLike) -> Floats:
    """Return the share of decided bets that must win at these odds for flat stakes to come out even."""
    return 1.0 / (1.0 + profit(odds))


def average(*odds: npt.ArrayLike) -> Floats:
    """Return the odds of the mean chance that several books pay for, element by element.

    A book without a price does not count; where no book has one the average is missing. American odds have a gap
    from −100 to +100, so that their own mean means nothing: that of −110 and +110 would be 0.
    """
    chances = np.stack(np.broadcast_arrays(*(implied(book) for book in odds)))
    books = (~np.isnan(chances)).sum(axis=0)
    mean = np.nansum(chances, axis=0) / np.where(books > 0, books, np.nan)
    return american(mean)


def fair(over: npt.ArrayLike, under: npt.ArrayLike, method: Method) -> tuple[Floats, Floats]:
    """Return the chances of both sides with the margin taken out; they sum to 1, missing where either price is.

    `proportional` scales both chances alike; `power` raises them to one power (Clarke, Kovalchik and Ingram 2017);
    `shin` assumes that a share of the bettors know the result (Shin 1993): with two sides that takes the same amount
    off each. The last two take relatively more off the long shot. A margin below zero is added by the same rules.
    """
    one, other = np.broadcast_arrays(implied(over), implied(under))
    if method == "proportional":
        chance = one / (one + other)
    elif method == "power":
        chance = _power(one, other)
    elif method == "shin":
        chance = (1.0 + one - other) / 2.0
    else:
        raise Refusal(f"margins cannot be removed by {method!r}; {suggest(str(method), get_args(Method))}")
    chance = np.where(np.isnan(other), np.nan, chance)
    return chance, 1.0 - chance


def _priced(odds: npt.ArrayLike) -> Floats:
    given = np.asarray(odds, dtype=np.float64)
    return np.where(np.isfinite(given) & (np.abs(given) >= 100.0), given, np.nan)


def _power(one: Floats, other: Floats) -> Floats:
    """Return one chance to the power k for which one**k + other**k = 1, by halving the bracket of k."""
    low = np.log(0.5) / np.log(np.minimum(one, other))
    high = np.log(0.5) / np.log(np.maximum(one, other))
    for _ in range(HALVINGS):
        k = (low + high) / 2
        short = one**k + other**k > 1
        low, high = np.where(short, k, low), np.where(short, high, k)
    return np.asarray(one ** ((low + high) / 2), dtype=np.float64)
