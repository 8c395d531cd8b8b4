"""Deflation: the luck of the best of many equal tries, checked against closed forms and simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.experiments.decisions.deflation import compute_expected_maximum, deflate_score
from trueline.experiments.store.metric_definitions import get_metric


def test_the_expected_maximum_is_that_of_the_closed_forms() -> None:
    root = math.sqrt(math.pi)
    assert compute_expected_maximum(1) == pytest.approx(0, abs=1e-12)
    assert compute_expected_maximum(2) == pytest.approx(1 / root, abs=1e-9)
    assert compute_expected_maximum(3) == pytest.approx(1.5 / root, abs=1e-9)
    assert compute_expected_maximum(4) == pytest.approx(3 / math.pi**1.5 * math.acos(-1 / 3), abs=1e-9)


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 300))
def test_the_expected_maximum_is_that_of_simulated_draws(looks: int) -> None:
    largest = np.random.default_rng(looks).standard_normal((4000, looks)).max(axis=1)
    error = largest.std(ddof=1) / math.sqrt(len(largest))
    assert abs(compute_expected_maximum(looks) - largest.mean()) < 4.5 * error


@given(st.integers(1, 5000))
def test_every_further_evaluation_makes_the_luckiest_luckier(looks: int) -> None:
    assert compute_expected_maximum(looks) < compute_expected_maximum(looks + 1)


def test_no_evaluations_have_no_luckiest() -> None:
    with pytest.raises(ValueError, match="at least one evaluation"):
        compute_expected_maximum(0)


@given(
    st.floats(-10, 10),
    st.floats(0.001, 5),
    st.integers(1, 400),
    st.sampled_from(["hit_rate", "log_loss", "mae", "micro_f1"]),
)
def test_deflation_makes_no_score_better_and_leaves_a_single_evaluation_alone(
    best: float, half: float, looks: int, name: str
) -> None:
    left = deflate_score(get_metric(name), best, best - half, best + half, looks)
    assert left == pytest.approx(best) if looks == 1 else get_metric(name).is_better(best, left)


def test_the_best_of_equals_deflated_is_on_average_what_each_of_them_is() -> None:
    random, looks, bets = np.random.default_rng(0), 20, 400
    rates = random.binomial(bets, 0.5, (3000, looks)) / bets
    half = 1.96 * math.sqrt(0.25 / bets)
    best = rates.max(axis=1)
    left = [deflate_score(get_metric("hit_rate"), rate, rate - half, rate + half, looks) for rate in best]
    assert np.mean(best) > 0.54
    assert np.mean(left) == pytest.approx(0.5, abs=0.002)
