"""Opponent ratings are the ridge regression that they claim to be, and use the past only."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.history.kept_ratings import KeptRatings
from trueline.core.history.opponent_ratings import (
    CHECKPOINT_EVERY_DAYS,
    RatingHistory,
    RatingTerms,
    _RatedRows,
    compute_residuals,
    fit_daily_ratings,
)
from trueline.core.history.past import Past
from trueline.core.stats.group_ops import Codes, Floats, subtract_group_mean

HALF_LIFE = 20.0
RIDGES = (0.5, 3.0)


def races(seed: int, days: int = 12, size: int = 4) -> tuple[Floats, Codes, Codes, list[Codes]]:
    """Return values, groups, days and two kinds of keys; some values and keys are missing."""
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(days * 3), size)
    day = group // 3
    runner = np.concatenate([random.choice(15, size, replace=False) for _ in range(days * 3)])
    course = random.integers(-1, 4, len(group))
    value = random.normal(size=len(group)) + np.linspace(-1, 1, 15)[runner]
    value[random.random(len(group)) < 0.1] = np.nan
    return value, group, day, [runner, course]


def oracle(value: Floats, group: Codes, day: Codes, keys: list[Codes]) -> Floats:
    """Return the strengths before each day by dense least squares over the earlier rows of ten half-lives."""
    found = np.zeros((len(value), len(keys)))
    sizes = [int(key.max()) + 1 for key in keys]
    starts = np.cumsum([0, *sizes[:-1]])
    for moment in np.unique(day)[1:]:
        rows = (day < moment) & (day >= moment - 10 * HALF_LIFE) & ~np.isnan(value)
        weight = 0.5 ** ((moment - day[rows]) / HALF_LIFE)
        design = np.zeros((rows.sum(), sum(sizes)))
        for start, key in zip(starts, keys, strict=True):
            seen = key[rows] >= 0
            design[np.flatnonzero(seen), start + key[rows][seen]] = 1
        both = np.column_stack([value[rows], design])
        for number in np.unique(group[rows]):
            own = group[rows] == number
            both[own] -= np.average(both[own], axis=0, weights=weight[own])
        reached, design = both[:, 0], both[:, 1:]
        ridge = np.repeat(RIDGES, sizes)
        solved = np.linalg.solve(design.T @ (weight[:, None] * design) + np.diag(ridge), design.T @ (weight * reached))
        for effect, (start, key) in enumerate(zip(starts, keys, strict=True)):
            now = (day == moment) & (key >= 0)
            found[now, effect] = solved[start + key[now]]
    return found


@given(st.integers(0, 10**6), st.sampled_from([1, 25, 40, 201]))
@settings(deadline=None, max_examples=25)
def test_strengths_are_the_ridge_over_the_earlier_days_of_ten_half_lives(seed: int, days_apart: int) -> None:
    value, group, day, keys = races(seed)
    day = day * days_apart
    np.testing.assert_allclose(
        fit_daily_ratings(value, group, day, keys, RIDGES, HALF_LIFE), oracle(value, group, day, keys), atol=2e-5
    )


@given(st.integers(0, 10**6), st.integers(1, 11))
@settings(deadline=None, max_examples=25)
def test_no_bit_changes_when_the_present_and_future_are_rewritten_or_removed(seed: int, moment: int) -> None:
    value, group, day, keys = races(seed)
    honest = fit_daily_ratings(value, group, day, keys, RIDGES, HALF_LIFE)
    until = day <= moment
    other = np.where(day >= moment, 1e6 - value, value)
    np.testing.assert_array_equal(fit_daily_ratings(other, group, day, keys, RIDGES, HALF_LIFE)[until], honest[until])
    left = fit_daily_ratings(value[until], group[until], day[until], [key[until] for key in keys], RIDGES, HALF_LIFE)
    np.testing.assert_array_equal(left, honest[until])


@given(st.integers(0, 10**6), st.integers(1, 2 * CHECKPOINT_EVERY_DAYS + 5), st.sampled_from([2, 45, 201]))
@settings(deadline=None, max_examples=12)
def test_a_rating_history_gives_any_day_what_rows_within_it_would_get(seed: int, days: int, days_apart: int) -> None:
    value, group, day, keys = races(seed, days)
    day = day * days_apart  # so that some days are not in the history
    standing = RatingHistory(value, group, day, keys, RIDGES, HALF_LIFE)
    np.testing.assert_array_equal(standing.row_ratings, fit_daily_ratings(value, group, day, keys, RIDGES, HALF_LIFE))
    for moment in np.random.default_rng(seed).choice(np.arange(-1, days_apart * days + 2), 4):
        asked = [np.array([0, 3, -1, int(key.max())]) for key in keys]
        extended = [np.concatenate([key, more]) for key, more in zip(keys, asked, strict=True)]
        parts = (np.append(value, [np.nan] * 4), np.append(group, [-7] * 4), np.append(day, [moment] * 4))
        expected = fit_daily_ratings(*parts, extended, RIDGES, HALF_LIFE)[-4:]
        np.testing.assert_array_equal(standing.get_ratings_before(int(moment), asked), expected)


@given(st.integers(0, 10**6), st.integers(2, 2 * CHECKPOINT_EVERY_DAYS + 5))
@settings(deadline=None, max_examples=8)
def test_kept_strengths_are_those_that_would_be_computed_whatever_was_asked_before(seed: int, days: int) -> None:
    value, group, day, keys = races(seed, days)
    moment = int(np.random.default_rng(seed).integers(1, days))
    kept = KeptRatings()
    earlier, other = day < days - 1, np.where(day >= moment, 1e6 - value, value)
    for asked_value, rows in ((value, earlier), (other, day >= 0), (value, day <= moment), (value, day >= 0)):
        parts = (asked_value[rows], group[rows], day[rows], [key[rows] for key in keys], RIDGES, HALF_LIFE)
        np.testing.assert_array_equal(fit_daily_ratings(*parts, kept), fit_daily_ratings(*parts))
    np.testing.assert_array_equal(
        fit_daily_ratings(*parts[:5], HALF_LIFE + 1, kept), fit_daily_ratings(*parts[:5], HALF_LIFE + 1)
    )
    np.testing.assert_array_equal(
        fit_daily_ratings(*parts[:4], (0.5, 4.0), HALF_LIFE, kept), fit_daily_ratings(*parts[:4], (0.5, 4.0), HALF_LIFE)
    )


@pytest.mark.parametrize("days", [3, CHECKPOINT_EVERY_DAYS, 2 * CHECKPOINT_EVERY_DAYS + 3])
def test_after_another_day_one_day_is_computed(days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    value, group, day, keys = races(7, days + 2)
    content, fitted = None, list[int]()
    fit_ratings = _RatedRows.fit_ratings

    def note_fit(rows: _RatedRows, count: int, moment: int, ratings: Floats) -> Floats:
        fitted.append(count)
        return fit_ratings(rows, count, moment, ratings)

    monkeypatch.setattr(_RatedRows, "fit_ratings", note_fit)
    for until, expected in ((days, days - 1), (days + 1, 1), (days + 2, 1), (days + 2, 0)):
        fitted.clear()
        rows, kept = day < until, KeptRatings(content)
        fit_daily_ratings(value[rows], group[rows], day[rows], [key[rows] for key in keys], RIDGES, HALF_LIFE, kept)
        content = kept.write()
        assert len(fitted) == expected


def test_runners_who_met_nobody_have_strengths_of_rounding_and_no_error() -> None:
    """Each is alone in its group, so nothing is left to explain but rounding, whose squares are soon no numbers."""
    keys = [np.array([0, 2, 0, 0, 1, 2]), np.array([1, 1, 1, 1, 0, -1])]
    value, day = np.array([0.1, 3.3, 7.1, 0.7, 0.7, 3.3]), np.array([0, 0, 1, 1, 2, 2])
    np.testing.assert_allclose(fit_daily_ratings(value, np.arange(6), day, keys, [0.5, 2.0], 2.0), 0, atol=1e-12)


def test_who_is_beaten_counts() -> None:
    """A and B each win by one; A beat the strong, B the weak, so A is stronger."""
    table = pd.DataFrame(
        {
            "time": pd.to_datetime(["2024-01-01"] * 2 + ["2024-01-02"] * 4 + ["2024-01-03"] * 2),
            "group": ["g", "g", "h", "h", "i", "i", "j", "j"],
            "runner": ["strong", "weak", "A", "strong", "B", "weak", "A", "B"],
            "margin": [3.0, -3.0, 0.5, -0.5, 0.5, -0.5, np.nan, np.nan],
        }
    )
    found = Past(table).rating(RatingTerms({"margin": 1.0}, "group", {"runner": 0.1}, 100.0))[:, 0]
    assert found[6] > found[7] + 1
    assert (found[:2] == 0).all()


def test_planted_abilities_are_recovered() -> None:
    random = np.random.default_rng(3)
    ability = random.normal(size=40)
    runner = np.concatenate([random.choice(40, 6, replace=False) for _ in range(900)])
    group = np.repeat(np.arange(900), 6)
    value = subtract_group_mean(ability[runner] + random.normal(0, 0.5, len(runner)), group)
    last = group >= 800
    found = fit_daily_ratings(value, group, group // 10, [runner], [1.0], 1000.0)[:, 0]
    assert np.corrcoef(found[last], ability[runner][last])[0, 1] > 0.95


@given(st.integers(0, 10**6))
@settings(deadline=None, max_examples=8)
def test_a_residual_is_what_the_strengths_before_its_day_left_unexplained_within_its_race(seed: int) -> None:
    value, group, day, keys = races(seed)
    ratings = oracle(value, group, day, keys).sum(axis=1)
    group = group // 2  # so that a group has races at several times
    race = 1000 * group + day
    expected = np.full(len(value), np.nan)
    for row in np.flatnonzero(~np.isnan(value)):
        in_race = (race == race[row]) & ~np.isnan(value)
        expected[row] = value[row] - ratings[row] - (value[in_race] - ratings[in_race]).mean()
    found = compute_residuals(value, fit_daily_ratings(value, races(seed)[1], day, keys, RIDGES, HALF_LIFE), group, day)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_residuals_are_a_column_of_the_past_which_no_row_sees_of_its_own_race() -> None:
    """A beats B by two every day: the first day is all surprise, and the rating then learns it."""
    table = pd.DataFrame(
        {
            "time": pd.to_datetime(np.repeat(["2024-01-01", "2024-01-02", "2024-01-03"], 2)),
            "group": np.repeat(["g", "h", "i"], 2),
            "runner": ["A", "B"] * 3,
            "margin": [1.0, -1.0] * 3,
        }
    )
    past, terms = Past(table), RatingTerms({"margin": 1.0}, "group", {"runner": 1.0}, 1000.0)
    residual_past = past.add_residuals("residual", terms)
    found = residual_past.mean("residual", "runner", last=1)
    strength = past.rating(terms)[2:4, 0]
    assert np.isnan(found[:2]).all()
    np.testing.assert_allclose(found[2:], [1.0, -1.0, 1.0 - strength[0], -1.0 - strength[1]])
    assert not past.has_column("residual")


@pytest.mark.parametrize("rows", [0, 1])
def test_a_table_without_a_past_has_strengths_of_zero(rows: int) -> None:
    table = pd.DataFrame({"time": pd.to_datetime(["2024-01-01"] * rows), "group": ["g"] * rows, "x": [1.0] * rows})
    assert (Past(table).rating(RatingTerms({"x": 1.0}, "group", {"group": 1.0}, 10.0)) == 0).all()


@given(st.integers(0, 10**6))
@settings(deadline=None, max_examples=15)
def test_last_bits_of_what_was_reached_move_no_decimal_that_a_model_is_given(seed: int) -> None:
    value, group, day, keys = races(seed)
    noise = 1 + np.random.default_rng(seed).normal(0, 1e-15, len(value))
    plain, moved = (fit_daily_ratings(values, group, day, keys, RIDGES, HALF_LIFE) for values in (value, value * noise))
    np.testing.assert_allclose(plain, moved, rtol=0, atol=1e-11)


TERMS = RatingTerms({"margin": 1.0}, "race", {"runner": 0.5, ("venue", "box"): 2.0}, 100.0)
RACES = pd.DataFrame(
    {
        "time": pd.to_datetime(["2024-01-01"] * 2 + ["2024-01-02"] * 2),
        "race": ["a", "a", "b", "b"],
        "runner": ["Ann", "Bob"] * 2,
        "venue": ["Ardley"] * 4,
        "box": [1, 2, 2, 1],
        "margin": [1.0, -1.0, 3.0, -3.0],
    }
)


@pytest.mark.parametrize(
    "change",
    [
        {"column_factors": {"margin": 2.0}},
        {"group_key": "venue"},
        {"effects": {"runner": 0.6, ("venue", "box"): 2.0}},
        {"effects": {("venue", "box"): 2.0, "runner": 0.5}},
        {"half_life_days": 10.0},
    ],
)
def test_other_terms_have_another_key_and_equal_terms_the_same(change: dict[str, object]) -> None:
    equal_terms = RatingTerms({"margin": 1.0}, "race", {"runner": 0.5, ("venue", "box"): 2.0}, 100.0)
    assert {equal_terms.build_cache_key(): 1}[TERMS.build_cache_key()] == 1
    assert replace(TERMS, **change).build_cache_key() != TERMS.build_cache_key()  # type: ignore[arg-type]


def test_strengths_are_in_the_order_of_the_effects_and_learned_once() -> None:
    past = Past(RACES)
    strengths = past.rating(TERMS)
    assert past.rating(replace(TERMS)) is strengths
    swapped = past.rating(replace(TERMS, effects=dict(reversed(list(TERMS.effects.items())))))
    assert strengths[2:].round(9).tolist() == swapped[2:, ::-1].round(9).tolist()
    assert strengths[2, 0] > 0 > strengths[2, 1]
