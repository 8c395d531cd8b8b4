"""American odds against published examples, the equations they must solve, and a bookmaker's arithmetic."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from trueline.core.betting.american_odds import (
    MarginMethod,
    compute_average_odds,
    compute_break_even_rate,
    compute_implied_probability,
    compute_win_profit,
    convert_to_american_odds,
    remove_margin,
)
from trueline.core.errors import UserError

FEW = settings(deadline=None, max_examples=200)
METHODS: list[MarginMethod] = ["proportional", "power", "shin"]
odds = st.one_of(st.floats(-5000, -100), st.floats(100, 5000))
chances = st.floats(0.02, 0.98)


@pytest.mark.parametrize(
    ("price", "chance", "won"),
    [
        (-110, 110 / 210, 100 / 110),
        (110, 100 / 210, 1.1),
        (-100, 0.5, 1),
        (100, 0.5, 1),
        (-200, 2 / 3, 0.5),
        (300, 0.25, 3),
    ],
)
def test_known_prices_pay_for_known_chances(price: float, chance: float, won: float) -> None:
    assert compute_implied_probability(price) == pytest.approx(chance)
    assert compute_win_profit(price) == pytest.approx(won)
    assert compute_break_even_rate(price) == pytest.approx(chance)


@FEW
@given(odds)
def test_a_bettor_who_wins_as_often_as_the_price_pays_for_comes_out_even(price: float) -> None:
    chance = float(compute_implied_probability(price))
    assert chance * float(compute_win_profit(price)) - (1 - chance) == pytest.approx(0, abs=1e-9)
    assert compute_break_even_rate(price) == pytest.approx(chance)


@FEW
@given(odds)
def test_odds_come_back_from_their_chance(price: float) -> None:
    back = float(convert_to_american_odds(compute_implied_probability(price)))
    assert back == pytest.approx(price, rel=1e-9) or {back, price} == {100.0, -100.0}


@FEW
@given(chances)
def test_chances_come_back_from_their_odds(chance: float) -> None:
    price = float(convert_to_american_odds(chance))
    assert abs(price) >= 100
    assert compute_implied_probability(price) == pytest.approx(chance)


@pytest.mark.parametrize("price", [0, 99.9, -99.9, 1, math.nan, math.inf, -math.inf])
def test_odds_that_cannot_be_are_missing(price: float) -> None:
    assert np.isnan(compute_implied_probability(price))
    assert np.isnan(compute_win_profit(price))
    assert np.isnan(compute_break_even_rate(price))
    assert np.isnan(remove_margin(price, -110, "shin")).all()
    assert np.isnan(remove_margin(-110, price, "power")).all()
    assert np.isnan(remove_margin([-110], [price], "proportional")).all()


@pytest.mark.parametrize("chance", [0, 1, -0.1, 1.1, math.nan, math.inf])
def test_chances_that_no_price_pays_for_have_none(chance: float) -> None:
    assert np.isnan(convert_to_american_odds(chance))


def test_the_average_of_minus_110_and_plus_110_is_even_money_and_not_0() -> None:
    assert compute_average_odds(-110, 110) == pytest.approx(100)
    assert compute_average_odds([-110, -105], [110, -115]) == pytest.approx([100, -109.88095238095238])


@FEW
@given(st.lists(odds, min_size=1, max_size=6))
def test_an_average_pays_for_the_mean_chance_and_lies_between_the_books(books: list[float]) -> None:
    mean = sum(100 / (p + 100) if p > 0 else -p / (100 - p) for p in books) / len(books)
    averaged = compute_implied_probability(compute_average_odds(*books))
    assert averaged == pytest.approx(mean)
    assert (
        min(compute_implied_probability(books)) - 1e-12 <= averaged <= max(compute_implied_probability(books)) + 1e-12
    )


def test_books_without_a_price_do_not_count_in_an_average() -> None:
    assert compute_average_odds([-110, math.nan, -110], [math.nan, math.nan, 0.0]) == pytest.approx(
        [-110, math.nan, -110], nan_ok=True
    )


@FEW
@given(odds, odds, st.sampled_from(METHODS))
def test_fair_chances_sum_to_1_and_turn_round_with_the_sides(over: float, under: float, method: MarginMethod) -> None:
    one, other = remove_margin(over, under, method)
    assert 0 <= one <= 1
    assert one + other == pytest.approx(1)
    assert remove_margin(under, over, method)[1] == pytest.approx(one, abs=1e-9)
    assert (one > other) == (
        compute_implied_probability(over) > compute_implied_probability(under)
    ) or one == pytest.approx(other)


@pytest.mark.parametrize("method", METHODS)
def test_equal_prices_are_an_even_chance(method: MarginMethod) -> None:
    assert np.allclose(remove_margin(-110, -110, method), 0.5)


def test_proportional_chances_of_a_known_case() -> None:
    assert remove_margin(-120, 100, "proportional")[0] == pytest.approx((120 / 220) / (120 / 220 + 1 / 2))


@FEW
@given(odds, odds)
def test_the_power_method_agrees_with_a_root_finder(over: float, under: float) -> None:
    one, other = float(compute_implied_probability(over)), float(compute_implied_probability(under))
    k = brentq(lambda power: one**power + other**power - 1, 1e-3, 1e3, xtol=1e-13)
    assert remove_margin(over, under, "power")[0] == pytest.approx(one**k, abs=1e-8)


@FEW
@given(chances, st.floats(0.001, 0.15))
def test_shin_finds_the_chances_from_which_shins_bookmaker_made_his_prices(chance: float, insiders: float) -> None:
    both = np.array([chance, 1 - chance])
    # Shin 1993, equation 5: with a share z of insiders the price of p is √(zp + (1−z)p²) · Σ √(zp + (1−z)p²)
    roots = np.sqrt(insiders * both + (1 - insiders) * both**2)
    asked = convert_to_american_odds(roots * roots.sum())
    assume(not np.isnan(asked).any())  # else there are so many insiders that the favourite would cost more than it pays
    assert remove_margin(asked[0], asked[1], "shin")[0] == pytest.approx(chance, abs=1e-9)


def test_shin_of_a_published_case() -> None:
    # decimal 1.50 and 2.74: the two-sided example of the package `shin` (mberk/shin, README)
    over, under = remove_margin(convert_to_american_odds(1 / 1.5), convert_to_american_odds(1 / 2.74), "shin")
    assert over == pytest.approx(0.6508515815085157)
    assert under == pytest.approx(0.3491484184914841)


@pytest.mark.parametrize("method", METHODS[1:])
def test_long_shots_lose_more_of_their_chance_to_power_and_shin(method: MarginMethod) -> None:
    assert remove_margin(-500, 350, method)[1] < remove_margin(-500, 350, "proportional")[1]


def test_an_unknown_method_is_rejected() -> None:
    with pytest.raises(UserError, match="Allowed: power, proportional, shin"):
        remove_margin(-110, -110, "additive")  # type: ignore[arg-type]


def test_tables_of_prices_keep_their_shape_and_their_gaps() -> None:
    over, under = np.array([-110.0, np.nan, 150.0]), np.array([-110.0, -110.0, np.nan])
    one, other = remove_margin(over, under, "power")
    assert one == pytest.approx([0.5, np.nan, np.nan], nan_ok=True)
    assert np.isnan(other).tolist() == [False, True, True]
