"""residuals: corrected forecasts of a quantity, and a spread around them that is right."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.calibrate import residuals
from trueline.core.errors import UserError
from trueline.core.runtime.atomic_outputs import write_json
from trueline.core.stats import count_distribution

Floats = npt.NDArray[np.float64]
FEW = settings(deadline=None, max_examples=12)
SETTINGS = residuals.Settings()


def players(n: int, seed: int, growth: float = 0.37) -> tuple[Floats, Floats, Floats]:
    """Return true means, their spreads 6·(mean/10)^growth, and integer outcomes of that law."""
    random = np.random.default_rng(seed)
    mean = random.gamma(2.0, 5.0, n) + 1
    spread = 6 * (mean / 10) ** growth
    uniform, outcome = random.random(n), np.zeros(n)
    while (low := count_distribution.compute_cdf(outcome, mean, spread, True) < uniform).any():
        outcome += low
    return mean, spread, outcome


def weights(n: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Return true means, spreads that grow with them, and outcomes that are not whole and may be negative."""
    random = np.random.default_rng(seed)
    mean = random.normal(1, 2, n)
    spread = np.exp(0.3 + 0.15 * mean)
    return mean, spread, random.normal(mean, spread)


def fit(score: Floats, target: Floats) -> dict[str, Any]:
    return residuals.fit(score, target, np.zeros(len(score), dtype=np.int64), SETTINGS)


def apply(state: dict[str, Any], score: Floats) -> dict[str, Floats]:
    return residuals.apply(state, score, np.zeros(len(score), dtype=np.int64))


def cost(found: dict[str, Floats], target: Floats, whole: bool = True) -> float:
    return float(count_distribution.compute_crps(target, found["mean"], found["spread"], whole).mean())


@pytest.mark.parametrize(
    "wrong",
    [lambda mean: mean, lambda mean: mean + 3, lambda mean: 0.5 * mean - 1, lambda mean: 1000 * mean],
    ids=["true", "biased", "scaled and biased", "in another unit"],
)
def test_a_wrong_score_is_corrected(wrong: Any) -> None:
    mean, spread, target = players(4000, 0)
    found = apply(fit(wrong(mean), target), wrong(mean))
    assert np.abs(found["mean"] - mean).mean() < 0.25  # 6 / √4000 is 0.1
    assert np.abs(np.log(found["spread"] / spread)).mean() < 0.04
    assert found["mean"].mean() == pytest.approx(target.mean(), abs=0.2)


@pytest.mark.parametrize("wrong", [lambda mean: mean, lambda mean: 100 - 7 * mean], ids=["true", "turned over"])
def test_a_wrong_score_of_outcomes_not_whole_is_corrected(wrong: Any) -> None:
    mean, spread, target = weights(6000, 1)
    found = apply(fit(wrong(mean), target), wrong(mean))
    np.testing.assert_allclose(found["mean"], mean, atol=0.25)
    assert np.abs(np.log(found["spread"] / spread)).mean() < 0.04
    np.testing.assert_array_equal(found[""], found["mean"])


@pytest.mark.parametrize("planted", [0.1, 0.5, 0.8])
def test_the_growth_of_the_spread_with_the_mean_is_recovered(planted: float) -> None:
    mean, _, target = players(6000, 2, planted)
    assert fit(mean, target)["growth"] == pytest.approx(planted, abs=0.05)


def test_a_median_is_corrected_to_the_mean_it_belongs_to() -> None:
    mean, spread, target = players(8000, 3)
    score = count_distribution.compute_median(mean, spread, True)
    found = apply(fit(score, target), score)
    assert found["mean"].mean() - score.mean() > 0.3
    assert (target > found[""]).mean() == pytest.approx((target < found[""]).mean(), abs=0.03)


@pytest.mark.parametrize("whole", [True, False])
def test_later_outcomes_fall_evenly_over_the_distribution(whole: bool) -> None:
    make = players if whole else weights
    mean, _, target = make(6000, 4)
    later, _, outcome = make(10_000, 5)
    found = apply(fit(mean + 1, target), later + 1)
    draws = np.random.default_rng(6).random(len(later))
    places = count_distribution.compute_pit(outcome, found["mean"], found["spread"], whole, draws)
    tenths = np.histogram(places, 10, (0, 1))[0] / len(later)
    np.testing.assert_allclose(
        tenths, 0.1, atol=0.015
    )  # the standard error is 0.003, plus the error of a fit to 6000 rows


@pytest.mark.parametrize("whole", [True, False])
def test_no_line_or_curve_is_likelier_than_the_one_before_it_is_shrunk(whole: bool) -> None:
    mean, _, target = (players if whole else weights)(3000, 7)
    score = 1.3 * mean + 1  # so wrong that little is shrunk back
    state = fit(score, target)

    def loss(**other: float) -> float:
        found = apply(state | other, score)
        return float(count_distribution.compute_log_score(target, found["mean"], found["spread"], whole).mean())

    for number in ("a", "b", "level", "growth"):
        for step in (0.9, 1.1, 0.5):
            assert loss() < loss(**{number: state[number] * step}) + 2e-4


def test_a_score_that_was_right_stays_as_it_was() -> None:
    left = []
    for seed in range(15):
        mean, _, target = players(300, seed)
        state = fit(mean, target)
        left.append(abs(state["a"]) < 1e-9 and abs(state["b"] - 1) < 1e-9)
    assert np.mean(left) >= 0.8  # each of two parameters exceeds two standard errors 1 time in 20


@FEW
@given(n=st.integers(1, residuals.MIN_ROWS - 1), seed=st.integers(0, 999), bias=st.floats(-5, 5), whole=st.booleans())
def test_few_rows_leave_the_score_as_it_is_and_give_a_spread(n: int, seed: int, bias: float, whole: bool) -> None:
    mean, _, target = (players if whole else weights)(n, seed)
    score = mean + bias
    state = fit(score, target)
    assert (state["a"], state["b"], state["growth"]) == (0, 1, 0.5 if whole else 0)
    found = apply(state, score)
    np.testing.assert_array_equal(found["mean"], np.maximum(score, residuals.MIN_COUNT_MEAN) if whole else score)
    assert (found["spread"] > 0).all()


@pytest.mark.parametrize("n", [50, 150])
def test_small_samples_hardly_hurt_a_score_that_was_right_and_correct_one_that_was_not(n: int) -> None:
    later, spread, outcome = players(1000, 99, 0.5)
    best = cost({"mean": later, "spread": spread}, outcome)
    left = cost({"mean": 1.6 * later + 4, "spread": spread}, outcome)
    sound, wrong = [], []
    for seed in range(6):
        mean, _, target = players(n, seed, 0.5)
        sound.append(cost(apply(fit(mean, target), later), outcome))
        wrong.append(cost(apply(fit(1.6 * mean + 4, target), 1.6 * later + 4), outcome))
    assert np.mean(sound) < best * (1 + 0.75 / n)
    assert np.mean(wrong) < best + (left - best) / 4


@pytest.mark.parametrize("whole", [True, False])
def test_the_growth_of_a_spread_is_worth_having(whole: bool) -> None:
    mean, _, target = players(4000, 8, 0.8) if whole else weights(4000, 8)
    found = apply(fit(mean, target), mean)
    error = np.full(len(mean), (target - mean).std())
    assert cost(found, target, whole) < cost({"mean": mean, "spread": error}, target, whole)


def test_outcomes_are_whole_where_every_target_is() -> None:
    mean, _, target = players(100, 9)
    assert fit(mean, target)["whole"] is True
    assert fit(mean, np.append(target[:-1], 7.5))["whole"] is False


@pytest.mark.parametrize("whole", [True, False])
def test_means_and_spreads_stay_positive_and_finite_far_from_what_was_seen(whole: bool) -> None:
    mean, _, target = (players if whole else weights)(500, 10)
    state = fit(mean, target)
    found = apply(state, np.array([-1e6, -50.0, 0.0, 1e6]))
    assert all(np.isfinite(values).all() for values in found.values())
    seen = apply(state, np.array([mean.min(), mean.max()]))["spread"]
    np.testing.assert_allclose(found["spread"][[0, 3]], seen)
    if whole:
        assert (found["mean"] > 0).all()
        assert (found[""] >= 0).all()


def test_a_higher_score_is_a_higher_forecast() -> None:
    mean, _, target = players(2000, 11)
    found = apply(fit(mean, target), np.linspace(0, 60, 2000))
    for name in ("", "mean", "spread"):
        assert (np.diff(found[name]) >= -1e-9).all()


@pytest.mark.parametrize("whole", [True, False])
def test_what_was_learned_survives_json_and_is_the_same_twice(whole: bool, tmp_path: Path) -> None:
    mean, _, target = (players if whole else weights)(300, 12)
    state = fit(mean + 2, target)
    assert state == fit(mean + 2, target)
    write_json(state, tmp_path / "calibrator.json", digits=12)
    again = json.loads((tmp_path / "calibrator.json").read_text())
    for name, values in apply(state, mean).items():
        np.testing.assert_allclose(apply(again, mean)[name], values, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("constant", [0.0, 7.0, -3.0, 1e6])
def test_equal_scores_teach_the_mean_of_the_targets(constant: float) -> None:
    _, _, target = players(2000, 13)
    found = apply(fit(np.full(2000, constant), target), np.full(5, constant))
    np.testing.assert_allclose(found["mean"], target.mean(), atol=0.25)
    np.testing.assert_allclose(found["spread"], target.std(), rtol=0.1)


@pytest.mark.parametrize("n", [3, 400])
@pytest.mark.parametrize("slope", [1.0, 2.0])
def test_whole_targets_hit_exactly_still_have_a_spread(n: int, slope: float) -> None:
    score = (np.arange(n) % 20 + 1).astype(np.float64)
    found = apply(fit(score, slope * score), score)
    assert (found["spread"] > 0).all()
    assert np.isfinite(found["spread"]).all()


def test_targets_of_nothing_but_0_are_no_error() -> None:
    found = apply(fit(np.linspace(0, 3, 60), np.zeros(60)), np.array([0.0, 1.0, 3.0]))
    assert (found["mean"] > 0).all()
    assert (found[""] < 0.5).all()


def test_no_rows_to_apply_to_is_no_error() -> None:
    mean, _, target = players(60, 14)
    assert {name: values.shape for name, values in apply(fit(mean, target), np.empty(0)).items()} == {
        "": (0,), "mean": (0,), "spread": (0,),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("score", "target", "why"),
    [
        ([], [], "was given no rows"),
        ([1.0, np.nan], [0, 1], "1 of 2 scores missing or infinite"),
        ([1.0, np.inf], [0, 1], "1 of 2 scores missing or infinite"),
        ([1.0, 2.0], [0, np.nan], "1 of 2 targets missing or infinite"),
        ([1.5, 2.5], [1.5, 2.5], "no error in 2 scores"),
        (list(np.arange(60.0)), list(np.arange(60.0) / 4 + 1), "no error in 60 scores"),
    ],
)
def test_what_no_distribution_can_be_learned_from_is_rejected(
    score: list[float], target: list[float], why: str
) -> None:
    with pytest.raises(UserError, match=why):
        fit(np.array(score, float), np.array(target, float))


def test_whole_numbers_below_zero_are_no_counts_and_may_be_expected_below_zero() -> None:
    state = fit(np.array([-1.0, 2.0, 30.0]), np.array([-3.0, 4.0, 28.0]))
    assert not state["whole"]
    assert fit(np.array([1.0, 2.0, 30.0]), np.array([0.0, 4.0, 28.0]))["whole"]


@pytest.mark.parametrize("n", [1, 3])
def test_a_few_lucky_rows_are_not_taken_for_certainty(n: int) -> None:
    score = np.full(n, 16.0)
    assert (apply(fit(score, score), score)["spread"] > 1).all()  # Poisson's is 4


@pytest.mark.parametrize("whole", [True, False])
def test_a_last_bit_of_the_scores_moves_no_forecast_beyond_the_seventh_digit(whole: bool) -> None:
    score, _, target = (players if whole else weights)(3000, 11)
    noise = 1 + np.random.default_rng(0).choice([-1, 1], len(score)) * 2.0**-52
    plain, moved = (apply(fit(values, target), score) for values in (score, score * noise))
    for name, values in plain.items():
        np.testing.assert_allclose(moved[name], values, rtol=3e-7)
