"""Races: chances of a place beside those of the win, which they do not change."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from stages.calibrate.race_softmax import Settings, apply, fit
from trueline.core.stats.group_ops import Codes, Floats, compute_group_softmax, sum_by_group

LEARNED = Settings(paid_places={})


def run_races(seed: int, races: int) -> tuple[Floats, Floats, Floats, Codes]:
    """Return scores, who won, who was placed and the races, of 4, 6 or 8 runners that pay 0, 2 or 3 places."""
    random = np.random.default_rng(seed)
    size = random.choice([4, 6, 8], races)
    group = np.repeat(np.arange(races), size)
    score = random.normal(0, 0.8, len(group))
    won, placed = np.zeros(len(group)), np.zeros(len(group))
    for race in range(races):
        rows = np.flatnonzero(group == race)
        for position in range({4: 0, 6: 2, 8: 3}[int(size[race])]):
            strength = score[rows] / (1 + 0.6 * position) + random.gumbel(size=len(rows))
            placed[rows[np.where(placed[rows] > 0, -np.inf, strength).argmax()]] = 1.0
        won[rows[(score[rows] + random.gumbel(size=len(rows))).argmax()]] = 1.0
    return score, won, placed, group


@given(st.integers(0, 999))
@settings(max_examples=10, deadline=None)
def test_who_is_placed_changes_no_win_chance_by_a_bit(seed: int) -> None:
    score, won, placed, group = run_races(seed, 60)
    state = fit(score, won, group, LEARNED, {"placed": placed})
    alone = fit(score, won, group, LEARNED)
    chances = apply(state, score, group)
    assert isinstance(chances, dict)
    assert set(chances) == {"", "place"}
    assert (chances[""] == apply(alone, score, group)).all()
    assert (chances[""] == compute_group_softmax(state["b"] * score, group)).all()


def test_the_places_of_each_field_and_the_discount_are_learned_and_survive_json() -> None:
    score, won, placed, group = run_races(3, 900)
    state = fit(score, won, group, LEARNED, {"placed": placed})
    assert state["place"]["places"] == {"4": 0, "6": 2, "8": 3}
    assert state["place"]["discount"] == pytest.approx(0.6, abs=0.15)
    chances, again = (apply(used, score, group) for used in (state, json.loads(json.dumps(state))))
    assert isinstance(chances, dict)
    assert isinstance(again, dict)
    assert (chances["place"] == again["place"]).all()
    paid = np.array([0.0, 2.0, 3.0])[np.searchsorted([4, 6, 8], np.bincount(group)[group])]
    np.testing.assert_allclose(sum_by_group(chances["place"], group), paid, atol=1e-9)


def test_the_places_may_be_set_and_small_fields_without_a_rule_have_no_chance() -> None:
    score, won, placed, group = run_races(4, 60)
    state = fit(score, won, group, Settings(paid_places={6: 1}), {"placed": placed})
    chances = apply(state, score, group)
    assert isinstance(chances, dict)
    field_size = np.bincount(group)[group]
    assert np.isnan(chances["place"][field_size == 4]).all()
    np.testing.assert_allclose(chances["place"][field_size > 4], chances[""][field_size > 4], atol=1e-8)


def test_without_anybody_known_to_be_placed_only_the_win_is_predicted() -> None:
    score, won, placed, group = run_races(5, 30)
    for outcomes in (None, {}, {"placed": np.full(len(placed), np.nan)}):
        state = fit(score, won, group, LEARNED, outcomes)
        assert set(state) == {"b", "best"}
        assert isinstance(apply(state, score, group), np.ndarray)


@pytest.mark.parametrize("rule", [{8: 5}, {8: -1}, {"many": 3}])
def test_a_number_of_places_that_cannot_be_is_rejected(rule: dict[int, int]) -> None:
    with pytest.raises(ValidationError):
        Settings(paid_places=rule)
