"""Place chances: against all orders of small fields, their sums, their order, and a discount that is found again."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.stats.group_ops import Codes, Floats
from trueline.core.stats.place_chances import (
    MAX_PLACES,
    compute_place_chances,
    find_paid_places,
    fit_discount,
    learn_paid_places,
)

FEW = settings(max_examples=60, deadline=None)
DISCOUNTS = st.sampled_from([0.0, 0.3, 0.55, 1.4])


def enumerate_orders(win: Floats, paid_places: int, discount: float) -> Floats:
    """Return the place chances by adding up the chance of every order of the first places."""
    chances = np.zeros(len(win))
    for order in permutations(range(len(win)), paid_places):
        chance, left = 1.0, set(range(len(win)))
        for position, runner in enumerate(order):
            power = 1 / (1 + discount * position)
            chance *= win[runner] ** power / sum(win[other] ** power for other in left)
            left.remove(runner)
        chances[list(order)] += chance
    return chances


@st.composite
def draw_fields(draw: st.DrawFn, largest: int = 6) -> Floats:
    """Draw the win chances of a field."""
    weights = np.exp(draw(st.lists(st.floats(-6, 6), min_size=2, max_size=largest)))
    return np.asarray(weights / weights.sum())


def run_races(seed: int, races: int, runners: int, paid_places: int, discount: float) -> tuple[Floats, Floats, Codes]:
    """Return win chances, who was placed, and the races, simulated place by place."""
    random = np.random.default_rng(seed)
    win = random.dirichlet(np.full(runners, 1.5), races)
    placed = np.zeros_like(win)
    for position in range(paid_places):
        strength = np.log(win) / (1 + discount * position) + random.gumbel(size=win.shape)
        placed[np.arange(races), np.where(placed > 0, -np.inf, strength).argmax(axis=1)] = 1.0
    return win.ravel(), placed.ravel(), np.repeat(np.arange(races), runners)


@given(draw_fields(), st.integers(1, MAX_PLACES), DISCOUNTS)
@FEW
def test_the_chances_are_those_of_all_orders(win: Floats, paid_places: int, discount: float) -> None:
    paid = min(paid_places, len(win))
    chances = compute_place_chances(win, np.full(len(win), float(paid)), np.zeros(len(win), int), discount)
    np.testing.assert_allclose(chances, enumerate_orders(win, paid, discount), atol=1e-9)


@given(draw_fields(largest=16), st.integers(1, MAX_PLACES), DISCOUNTS)
@FEW
def test_they_sum_to_the_places_exceed_the_win_chances_and_rank_alike(
    win: Floats, paid_places: int, discount: float
) -> None:
    paid = min(paid_places, len(win))
    chances = compute_place_chances(win, np.full(len(win), float(paid)), np.zeros(len(win), int), discount)
    assert chances.sum() == pytest.approx(paid, abs=1e-7)
    assert ((chances >= win - 1e-9) & (chances <= 1)).all()
    assert (np.diff(chances[np.argsort(win)]) >= -1e-9).all()
    if paid == len(win):
        assert (chances == 1).all()
    if paid == 1:
        np.testing.assert_allclose(chances, win, atol=1e-8)


@given(st.lists(st.floats(0.05, 1), min_size=3, max_size=7), st.floats(1.05, 4), st.integers(1, 3), DISCOUNTS)
@FEW
def test_a_runner_that_is_likelier_to_win_is_likelier_to_be_placed(
    weights: list[float], factor: float, paid_places: int, discount: float
) -> None:
    slower, faster = np.array(weights), np.array(weights)
    faster[0] *= factor
    code, paid = np.zeros(len(weights), int), np.full(len(weights), float(paid_places))
    before, after = (compute_place_chances(w / w.sum(), paid, code, discount)[0] for w in (slower, faster))
    assert after > before or paid_places >= len(weights)


@given(st.integers(0, 999), DISCOUNTS)
@FEW
def test_a_race_is_the_same_to_the_last_bit_alone_and_among_others_in_any_order(seed: int, discount: float) -> None:
    random = np.random.default_rng(seed)
    sizes = random.integers(2, 15, 12)
    code = np.repeat(np.arange(12), sizes)
    win = np.concatenate([random.dirichlet(np.full(size, 0.4)) for size in sizes])
    paid_places = random.integers(0, MAX_PLACES + 1, 12).astype(float)[code]
    chances = compute_place_chances(win, paid_places, code, discount)
    order = random.permutation(len(code))
    assert (compute_place_chances(win[order], paid_places[order], code[order], discount) == chances[order]).all()
    for race in range(12):
        rows = code == race
        alone = compute_place_chances(win[rows], paid_places[rows], np.zeros(rows.sum(), int), discount)
        assert (alone == chances[rows]).all()


def test_extreme_win_chances_keep_their_sum() -> None:
    for win in ([1.0, 0, 0, 0, 0], [0.5, 0.5, 0, 0, 0], [1 - 4e-13, 1e-13, 1e-13, 1e-13, 1e-13]):
        for paid_places in (2.0, 3.0, 4.0):
            chances = compute_place_chances(np.array(win), np.full(5, paid_places), np.zeros(5, int), 0.4)
            assert chances.sum() == pytest.approx(paid_places, abs=1e-6)
            assert chances[0] == pytest.approx(1, abs=1e-6)


def test_a_discount_takes_from_the_favourite_what_harville_promises_too_much() -> None:
    win, code, paid = np.array([0.6, 0.2, 0.1, 0.06, 0.04]), np.zeros(5, int), np.full(5, 3.0)
    harville, discounted = (compute_place_chances(win, paid, code, discount) for discount in (0.0, 0.5))
    assert discounted[0] < harville[0]
    assert discounted[-1] > harville[-1]
    # by hand, for two places: 0.6 + 0.2·0.6/0.8 + 0.1·0.6/0.9 + 0.06·0.6/0.94 + 0.04·0.6/0.96
    second = 0.6 * (0.2 / 0.8 + 0.1 / 0.9 + 0.06 / 0.94 + 0.04 / 0.96)
    assert compute_place_chances(win, np.full(5, 2.0), code, 0.0)[0] == pytest.approx(0.6 + second)


def test_no_place_has_the_chance_0_and_an_unknown_or_too_large_number_none() -> None:
    win, code = np.full(18, 1 / 6), np.repeat([0, 1, 2], 6)
    chances = compute_place_chances(win, np.repeat([0.0, np.nan, 5.0], 6), code, 0.3)
    assert (chances[:6] == 0).all()
    assert np.isnan(chances[6:]).all()
    assert compute_place_chances(np.empty(0), np.empty(0), np.empty(0, int), 0.3).shape == (0,)


@pytest.mark.parametrize(("paid_places", "discount"), [(2, 0.5), (3, 0.8), (4, 0.4)])
def test_the_discount_of_simulated_races_is_found_again(paid_places: int, discount: float) -> None:
    win, placed, code = run_races(paid_places, 2500, 8, paid_places, discount)
    fitted = fit_discount(win, placed, np.full(len(win), float(paid_places)), code)
    assert fitted["best"] == pytest.approx(discount, abs=0.12)
    assert 0.95 * fitted["best"] < fitted["discount"] < fitted["best"]


def test_without_evidence_the_model_is_harvilles() -> None:
    win, placed, code = run_races(0, 60, 8, 3, 0.0)
    assert fit_discount(win, placed, np.full(len(win), 3.0), code)["discount"] == 0
    assert fit_discount(win, placed, np.full(len(win), 2.0), code) == {"discount": 0, "best": 0}, "three were placed"
    assert fit_discount(win, np.full(len(win), np.nan), np.full(len(win), 3.0), code) == {"discount": 0, "best": 0}


def test_the_discount_is_of_least_loss_and_does_not_see_races_without_a_number() -> None:
    win, placed, code = run_races(5, 300, 7, 3, 0.6)
    paid_places = np.full(len(win), 3.0)
    best = fit_discount(win, placed, paid_places, code)["best"]

    def compute_loss(discount: float) -> float:
        chances = compute_place_chances(win, paid_places, code, discount)
        return float(-np.log(np.where(placed > 0, chances, 1 - chances)).mean())

    assert compute_loss(best) <= min(compute_loss(discount) for discount in np.linspace(0, 2, 81))
    unknown = np.concatenate([placed, np.full(7, np.nan), np.tile([1.0, 0], 4)[:7]])
    win_too, code_too = np.concatenate([win, win[:14]]), np.concatenate([code, np.repeat([300, 301], 7)])
    assert fit_discount(win_too, unknown, np.full(len(win_too), 3.0), code_too)["best"] == best


def test_the_paid_places_of_a_field_are_those_of_most_races_of_its_size() -> None:
    fields = [(4, 0), (4, 0), (4, 1), (6, 2), (6, 2), (6, 3), (8, 3), (8, 2)]
    code = np.repeat(np.arange(len(fields)), [size for size, _ in fields])
    placed = np.concatenate([np.arange(size) < paid for size, paid in fields]).astype(float)
    assert learn_paid_places(placed, code) == {4: 0, 6: 2, 8: 2}, "of equally many the smaller"
    placed[code == 3] = np.nan
    placed[code == 7] = np.nan
    assert learn_paid_places(placed, code) == {4: 0, 6: 2, 8: 3}
    assert learn_paid_places(np.full(len(code), np.nan), code) == {}


def test_a_field_of_unknown_size_pays_as_the_next_smaller_one() -> None:
    code = np.repeat([0, 1, 2, 3], [3, 5, 7, 20])
    paid_places = find_paid_places({8: 3, 4: 0, 6: 2}, code)
    assert np.isnan(paid_places[:3]).all()
    assert [paid_places[3], paid_places[8], paid_places[15]] == [0, 2, 3]
    assert find_paid_places({2: 3}, np.array([0, 0])).tolist() == [2, 2], "never more than run"
