"""Staking: the expected value of a bet and its fractional Kelly stake, with caps, for single bets and within a race."""

import numpy as np
import numpy.typing as npt

from trueline.core.betting.american_odds import compute_win_profit
from trueline.core.stats.group_ops import Codes, Floats, sum_by_group

CHANCE_TOLERANCE = 1e-9  # by which rounding may lift a sum of chances above 1


def convert_to_decimal_price(american_odds: npt.ArrayLike) -> Floats:
    """Return what a won unit brings back, stake included, at American odds; missing for missing or invalid odds.

    >>> convert_to_decimal_price([-110, 100, 250]).round(6).tolist()
    [1.909091, 2.0, 3.5]
    """
    return 1.0 + compute_win_profit(american_odds)


def deduct_commission(price: npt.ArrayLike, commission: float) -> Floats:
    """Return the decimal price that is left if an exchange keeps this share of a bet's profit.

    >>> deduct_commission([3.0], 0.05).round(6).tolist()
    [2.9]
    """
    return 1.0 + (np.asarray(price, dtype=np.float64) - 1.0) * (1.0 - commission)


def compute_expected_value(win: npt.ArrayLike, price: npt.ArrayLike, push: npt.ArrayLike = 0.0) -> Floats:
    """Return the mean profit per unit staked at a decimal price; a push refunds the stake, anything else loses it.

    Missing if a chance is missing or outside 0 to 1, the chances sum to more than 1 (beyond rounding), or the price is
    not a finite number above 1.

    >>> compute_expected_value([0.5, 0.5], [2.1, 2.1], push=[0.0, 0.1]).round(6).tolist()
    [0.05, 0.15]
    """
    win_chance, valid_price, push_chance = _clean_bets(win, price, push)
    return win_chance * valid_price + push_chance - 1.0


def compute_stakes(
    win: npt.ArrayLike,
    price: npt.ArrayLike,
    push: npt.ArrayLike = 0.0,
    *,
    fraction: float = 1.0,
    cap: float = 1.0,
    min_edge: float = 0.0,
) -> Floats:
    """Return the stake of each bet, as a share of the bankroll, as if it were the only one.

    It is `fraction` of the Kelly stake, which maximises the expected logarithm of the bankroll, and at most `cap`; 0
    unless the expected value per unit is above 0 and at least `min_edge`; missing where the expected value is. Several
    bets that are open together need `limit_group_stakes`, and those of one race `compute_race_stakes`.

    >>> compute_stakes([0.6, 0.4], [2.0, 2.0]).round(6).tolist()
    [0.2, 0.0]
    """
    win_chance, valid_price, push_chance = _clean_bets(win, price, push)
    expected_value = compute_expected_value(win_chance, valid_price, push_chance)
    decided_chance = np.where(push_chance < 1, 1.0 - push_chance, 1.0)
    # d/df [win·ln(1 + f·profit) + loss·ln(1 − f)] = 0, where profit = price − 1: a push leaves the bankroll as it is
    kelly_stake = expected_value / ((valid_price - 1.0) * decided_chance)
    return _limit_stakes(kelly_stake, expected_value, fraction, cap, min_edge)


def compute_race_stakes(
    win: npt.ArrayLike,
    price: npt.ArrayLike,
    race: Codes,
    *,
    fraction: float = 1.0,
    cap: float = 1.0,
    min_edge: float = 0.0,
) -> Floats:
    """Return the stakes on the runners of each race together, of which one wins, as shares of the bankroll.

    The stakes are those of Smoczynski and Tomkins (2010), win − reserve / price, among the runners with an edge (as in
    `compute_stakes`). They are never below the stake on the same runner alone, as each bet pays where the others lose.
    Runners without an edge of their own get 0, although a small bet on them, as a hedge, can raise growth. Missing
    where win chance or price is; such a runner may still win. `race` numbers the races from 0. The win chances of a
    race must not sum to more than 1. `cap` is that of each runner.

    >>> compute_race_stakes([0.4, 0.4, 0.2], [3.0, 3.0, 3.0], np.array([0, 0, 0])).round(6).tolist()
    [0.2, 0.2, 0.0]
    """
    win_chance, valid_price, _ = _clean_bets(win, price, 0.0)
    expected_value = compute_expected_value(win_chance, valid_price)
    has_edge = _flag_edge(expected_value, min_edge)
    # With an edge win > 1 / price, so that among these runners the sum of 1 / price is below that of win, at most 1
    lose_chance = 1.0 - sum_by_group(np.where(has_edge, win_chance, 0.0), race)
    unspent_book = 1.0 - sum_by_group(np.where(has_edge, 1.0 / valid_price, 0.0), race)
    reserve = np.maximum(lose_chance, 0.0) / np.where(unspent_book > 0, unspent_book, 1.0)
    return _limit_stakes(win_chance - reserve / valid_price, expected_value, fraction, cap, min_edge)


def limit_group_stakes(stakes: npt.ArrayLike, group: Codes, cap: float) -> Floats:
    """Return the stakes, scaled down in each group (a day, a race) whose sum exceeds `cap`; missing ones count as 0.

    >>> limit_group_stakes([0.2, 0.2, 0.1], np.array([0, 0, 1]), cap=0.1).round(6).tolist()
    [0.05, 0.05, 0.1]
    """
    stake_shares = np.asarray(stakes, dtype=np.float64)
    sums = sum_by_group(np.nan_to_num(stake_shares), group)
    return stake_shares * np.where(sums > cap, cap / np.where(sums > cap, sums, 1.0), 1.0)


def _limit_stakes(kelly_stake: Floats, expected_value: Floats, fraction: float, cap: float, min_edge: float) -> Floats:
    stakes = np.where(_flag_edge(expected_value, min_edge), np.clip(fraction * kelly_stake, 0.0, cap), 0.0)
    return np.where(np.isnan(expected_value), np.nan, stakes)


def _flag_edge(expected_value: Floats, min_edge: float) -> npt.NDArray[np.bool_]:
    return np.asarray((expected_value > 0) & (expected_value >= min_edge))


def _clean_bets(win: npt.ArrayLike, price: npt.ArrayLike, push: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return chances and prices of one length, all three missing where a bet is not valid."""
    win_chance, decimal_price, push_chance = np.broadcast_arrays(
        *(np.asarray(values, dtype=np.float64) for values in (win, price, push))
    )
    is_chance = (win_chance >= 0) & (push_chance >= 0) & (win_chance + push_chance <= 1 + CHANCE_TOLERANCE)
    is_valid = is_chance & np.isfinite(decimal_price) & (decimal_price > 1)
    return (
        np.where(is_valid, win_chance, np.nan),
        np.where(is_valid, decimal_price, np.nan),
        np.where(is_valid, push_chance, np.nan),
    )
