"""Staking: expected values and stakes by hand, and Kelly stakes against the best of a grid."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.evaluate.market.payouts import find_flat_odds
from trueline.core.staking import (
    compute_expected_value,
    compute_race_stakes,
    compute_stakes,
    convert_to_decimal_price,
    deduct_commission,
    limit_group_stakes,
)
from trueline.core.stats.group_ops import Floats

CHANCES = st.floats(0.01, 0.98)
PRICES = st.floats(1.05, 60)


@pytest.mark.parametrize(
    ("win", "push", "price", "value", "stake"),
    [
        # −110 pays 10/11: 0.55·10/11 − 0.45 = 0.05, and 0.05 / (10/11) = 0.055
        (0.55, 0.0, float(convert_to_decimal_price(-110)), 0.05, 0.055),
        # −110 with pushes: 0.50·10/11 − 0.42 = 0.0345…, over 10/11 · 0.92
        (0.50, 0.08, float(convert_to_decimal_price(-110)), 0.38 / 11, 0.38 / 11 / (10 / 11 * 0.92)),
        # 11/21 breaks even at −110
        (11 / 21 - 1e-6, 0.0, float(convert_to_decimal_price(-110)), 0.0, 0.0),
        # decimal 4.00 at 30 %: 0.3·3 − 0.7 = 0.2, over 3
        (0.30, 0.0, 4.0, 0.2, 0.2 / 3),
        # evens with half of the bets refunded: 0.3 − 0.2 = 0.1, but 60:40 among those decided, so 0.2
        (0.30, 0.5, 2.0, 0.1, 0.2),
        # 3.00 less 5 % commission is 2.90: 0.4·1.9 − 0.6 = 0.16, over 1.9
        (0.40, 0.0, float(deduct_commission(3.0, 0.05)), 0.16, 0.16 / 1.9),
        # a certain winner takes everything, a certain push nothing
        (1.0, 0.0, 1.5, 0.5, 1.0),
        (0.0, 1.0, 2.0, 0.0, 0.0),
    ],
)
def test_values_and_stakes_are_those_computed_by_hand(
    win: float, push: float, price: float, value: float, stake: float
) -> None:
    assert float(compute_expected_value(win, price, push)) == pytest.approx(value, abs=3e-6)
    assert float(compute_stakes(win, price, push)) == pytest.approx(stake)


def test_pickem_multiples_are_prices_of_entries_and_of_legs() -> None:
    # an entry of two legs of 60 % at three times the stake: 0.36·3 − 1 = 0.08, and 0.08 / 2
    assert float(compute_expected_value(0.6**2, 3.0)) == pytest.approx(0.08)
    assert float(compute_stakes(0.6**2, 3.0)) == pytest.approx(0.04)
    # as a bet of its own a leg is priced by the best entry, three legs at six times: 6^(1/3) = 1.817…
    leg_price = convert_to_decimal_price(find_flat_odds("pickem", {2: 3.0, 3: 6.0}) or 0.0)
    assert float(compute_expected_value(0.6, leg_price)) == pytest.approx(0.6 * 6 ** (1 / 3) - 1)
    assert float(compute_stakes(6 ** (-1 / 3) - 1e-9, leg_price)) == 0


def test_the_runners_of_a_race_are_staked_together_by_hand() -> None:
    # reserve = (1 − 0.8) / (1 − 2/3) = 0.6, so each stake is 0.4 − 0.6/3 = 0.2; alone it would be 0.2/2 = 0.1
    race = np.zeros(3, int)
    assert compute_race_stakes([0.4, 0.4, 0.2], [3.0, 3.0, 3.0], race) == pytest.approx([0.2, 0.2, 0.0])
    assert compute_stakes([0.4, 0.4, 0.2], 3.0) == pytest.approx([0.1, 0.1, 0.0])
    # if every price is too high, the whole bankroll is spread by the chances, which wins for certain
    assert compute_race_stakes([0.5, 0.3, 0.2], [2.2, 3.7, 5.6], race) == pytest.approx([0.5, 0.3, 0.2])


def test_what_is_no_bet_is_missing_and_does_not_disturb_its_race() -> None:
    win, price = [0.5, np.nan, 0.5, 1.2, 0.5, 0.5], [3.0, 3.0, np.nan, 3.0, 1.0, np.inf]
    assert np.isnan(compute_expected_value(win, price)).tolist() == [False, True, True, True, True, True]
    assert np.isnan(compute_stakes(win, price)).tolist() == [False, True, True, True, True, True]
    assert np.isnan(compute_stakes(0.6, 2.0, 0.5)), "chances that sum to more than 1"
    stakes = compute_race_stakes([0.4, 0.4, 0.2], [3.0, np.nan, 3.0], np.zeros(3, int))
    assert stakes == pytest.approx([0.1, np.nan, 0.0], nan_ok=True)
    assert limit_group_stakes([0.3, np.nan, 0.1], np.zeros(3, int), 0.2) == pytest.approx(
        [0.15, np.nan, 0.05], nan_ok=True
    )


@given(CHANCES, st.floats(0, 0.9), PRICES, st.floats(0.05, 1), st.floats(0.001, 0.5), st.floats(0, 0.2))
def test_a_stake_is_a_fraction_within_its_cap_and_0_without_an_edge(
    win: float, push: float, price: float, fraction: float, cap: float, min_edge: float
) -> None:
    push *= 1 - win
    stake = float(compute_stakes(win, price, push, fraction=fraction, cap=cap, min_edge=min_edge))
    value = float(compute_expected_value(win, price, push))
    assert 0 <= stake <= cap
    assert (stake > 0) == (value > 0 and value >= min_edge)
    assert stake <= fraction * float(compute_stakes(win, price, push)) + 1e-15


@given(st.lists(CHANCES, min_size=2, max_size=30), st.floats(0, 0.9), PRICES, st.floats(0, 0.2))
def test_a_stake_grows_with_its_edge(win: list[float], push_share: float, price: float, min_edge: float) -> None:
    chances = np.sort(win)
    push = push_share * (1 - chances.max())
    stakes = compute_stakes(chances, price, push, fraction=0.25, cap=0.03, min_edge=min_edge)
    assert (np.diff(compute_expected_value(chances, price, push)) >= 0).all()
    assert (np.diff(stakes) >= 0).all()


@given(CHANCES, st.floats(0, 0.9), PRICES)
@settings(max_examples=60)
def test_no_stake_on_a_grid_grows_faster_than_the_kelly_stake(win: float, push: float, price: float) -> None:
    push *= 1 - win
    stake = compute_stakes(win, price, push)

    def compute_growth(stake: Floats) -> Floats:
        return win * np.log1p(stake * (price - 1)) + (1 - win - push) * np.log1p(-stake)

    grid = np.linspace(0, 0.999, 4000)
    best = int(np.argmax(compute_growth(grid)))
    assert compute_growth(np.minimum(stake, 1 - 1e-12)) >= compute_growth(grid)[best] - 1e-12
    assert abs(float(stake) - grid[best]) < 2 * grid[1]


@given(st.lists(st.tuples(st.floats(0.02, 1), st.floats(-0.4, 0.4)), min_size=2, max_size=4), st.floats(0.5, 1))
@settings(max_examples=25, deadline=None)
def test_no_stakes_on_a_grid_grow_faster_than_those_of_a_race(
    runners: list[tuple[float, float]], known_share: float
) -> None:
    weights, edges = (np.array(values) for values in zip(*runners, strict=True))
    win = known_share * weights / weights.sum()  # the rest is the chance of runners that are not offered
    price = np.maximum((1 + edges) / win, 1.02)
    stakes = compute_race_stakes(win, price, np.zeros(len(win), int))
    has_edge = compute_expected_value(win, price) > 0
    assert ((stakes > 0) <= has_edge).all()
    assert (stakes >= compute_stakes(win, price) - 1e-12).all()

    def compute_growth(stakes: Floats) -> Floats:
        kept = 1 - stakes.sum(axis=-1)
        bankrolls = kept[..., None] + stakes * price
        return np.asarray(
            np.log(np.maximum(bankrolls, 1e-300)) @ win + (1 - win.sum()) * np.log(np.maximum(kept, 1e-300))
        )

    steps = np.linspace(0, 0.9, 10)
    grid = np.array(list(product(*[steps if edge else [0.0] for edge in has_edge])))
    grid = np.concatenate([grid[grid.sum(axis=1) < 1], stakes + 1e-3 * (np.eye(len(win))[has_edge])])
    grid = grid[grid.sum(axis=1) < 1]
    assert (compute_growth(stakes) >= compute_growth(grid) - 1e-9).all()


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1)), min_size=1, max_size=20), st.floats(0.01, 0.5))
def test_the_stakes_of_a_group_are_scaled_to_its_cap(bets: list[tuple[int, float]], cap: float) -> None:
    group, stakes = np.array([bet[0] for bet in bets]), np.array([bet[1] for bet in bets])
    limited = limit_group_stakes(stakes, group, cap)
    for code in set(group.tolist()):
        rows = group == code
        assert limited[rows].sum() == pytest.approx(min(cap, stakes[rows].sum()))
        assert limited[rows] == pytest.approx(stakes[rows] * limited[rows].sum() / max(stakes[rows].sum(), 1e-300))


@given(st.lists(st.tuples(st.integers(0, 2), CHANCES, PRICES), min_size=1, max_size=12), st.floats(0.01, 0.2))
def test_races_do_not_influence_each_other(bets: list[tuple[int, float, float]], cap: float) -> None:
    race, weights, price = (np.array(values) for values in zip(*bets, strict=True))
    win = weights / np.bincount(race, weights=weights)[race]
    stakes = compute_race_stakes(win, price, race, fraction=0.5, cap=cap)
    assert (stakes <= cap).all()
    for code in set(race.tolist()):
        rows = race == code
        alone = compute_race_stakes(win[rows], price[rows], np.zeros(rows.sum(), int), fraction=0.5, cap=cap)
        assert stakes[rows] == pytest.approx(alone)
