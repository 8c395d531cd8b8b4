"""Confidence intervals: closed forms, brute force, and coverage on simulated data."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm

from trueline.core.stats import block_bootstrap
from trueline.core.stats.block_bootstrap import DRAWS_PER_CHUNK, bootstrap_mean, bootstrap_ratio, draw_block_weights
from trueline.core.stats.confidence_intervals import MIN_BLOCKS, Interval, compute_wilson_interval, describe_difference

Z = float(norm.ppf(0.975))
FEW = settings(deadline=None, max_examples=60)
RUNS = 300  # standard error of a coverage: 0.014
HELD = 0.94  # nominally 0.95: percentile intervals of about 100 blocks are a little short (0.937 over 3000 runs)


def ends(interval: Interval) -> tuple[float, float]:
    """Return low and high of an interval that has them."""
    assert interval["low"] is not None
    assert interval["high"] is not None
    return interval["low"], interval["high"]


@FEW
@given(st.integers(1, 5000), st.floats(0, 1))
def test_wilson_ends_are_the_rates_that_the_score_test_just_does_not_reject(n: int, share: float) -> None:
    successes = round(share * n)
    interval = compute_wilson_interval(successes, n)
    rate = successes / n
    # (rate − p)² = z² p (1 − p) / n, solved for p
    low, high = sorted(np.roots([1 + Z * Z / n, -2 * rate - Z * Z / n, rate * rate]).real)
    assert ends(interval) == pytest.approx((low, high), abs=1e-7)
    assert interval["value"] == rate
    assert interval["n"] == n


@FEW
@given(st.integers(1, 5000), st.floats(0, 1))
def test_wilson_holds_the_rate_and_stays_between_0_and_1(n: int, share: float) -> None:
    successes = round(share * n)
    low, high = ends(compute_wilson_interval(successes, n))
    assert 0 <= low <= successes / n <= high <= 1


def test_wilson_of_a_known_case() -> None:
    assert ends(compute_wilson_interval(81, 263)) == pytest.approx(
        (0.2553, 0.3662), abs=5e-5
    )  # Newcombe 1998, table I, method 3


def test_no_rows_have_no_rate() -> None:
    assert compute_wilson_interval(0, 0) == {"value": None, "low": None, "high": None, "n": 0}


@pytest.mark.parametrize(("n", "rate"), [(30, 0.5), (60, 0.1), (400, 0.524)])
def test_wilson_holds_the_truth_19_times_of_20(n: int, rate: float) -> None:
    held = [low <= rate <= high for low, high in (ends(compute_wilson_interval(k, n)) for k in range(n + 1))]
    assert binom.pmf(np.arange(n + 1), n, rate)[held].sum() == pytest.approx(0.95, abs=0.02)


def test_the_bootstrap_of_a_mean_holds_the_truth_about_19_times_of_20() -> None:
    random = np.random.default_rng(0)
    runs = [ends(bootstrap_mean(random.exponential(size=80), seed, draws=150)) for seed in range(RUNS)]
    assert np.mean([low <= 1 <= high for low, high in runs]) == pytest.approx(HELD, abs=0.05)


def test_the_bootstrap_of_a_rate_over_days_holds_the_truth_though_rows_of_a_day_go_together() -> None:
    random, held, fooled = np.random.default_rng(1), [], []
    for seed in range(RUNS):
        size = random.integers(1, 30, 120)
        chance = random.beta(4, 4, 120)
        wins = random.binomial(size, chance)
        held.append(_holds(bootstrap_ratio(wins.astype(float), size.astype(float), seed, draws=150), 0.5))
        fooled.append(_holds(compute_wilson_interval(int(wins.sum()), int(size.sum())), 0.5))
    assert np.mean(held) == pytest.approx(HELD, abs=0.05)
    assert np.mean(fooled) < 0.85  # what the same days give when their rows are taken as independent


def _holds(interval: Interval, truth: float) -> bool:
    low, high = ends(interval)
    return low <= truth <= high


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 9999))
def test_the_bootstrap_agrees_with_drawing_blocks_one_by_one(seed: int) -> None:
    random = np.random.default_rng(seed)
    above, below = random.normal(1, 1, 40), random.uniform(1, 3, 40)
    drawn = random.integers(0, 40, (4000, 40))
    low, high = np.quantile(above[drawn].sum(axis=1) / below[drawn].sum(axis=1), [0.025, 0.975])
    interval = bootstrap_ratio(above, below, seed, draws=1500)
    assert interval["value"] == pytest.approx(above.sum() / below.sum())
    assert ends(interval) == pytest.approx((low, high), abs=0.1 * (high - low))


@FEW
@given(st.integers(1, 60), st.integers(1, 250), st.integers(0, 99))
def test_every_draw_takes_as_many_blocks_as_there_are(n: int, draws: int, seed: int) -> None:
    drawn = np.vstack(list(draw_block_weights(n, seed, draws)))
    assert drawn.shape == (draws, n)
    assert (drawn.sum(axis=1) == n).all()


@FEW
@given(st.integers(1, 300), st.integers(1, 250), st.integers(0, 99))
def test_draws_that_are_kept_are_those_of_the_generator(n: int, draws: int, seed: int) -> None:
    drawn = [np.vstack(list(draw_block_weights(n, seed, draws))) for _ in range(2)]  # the second are the kept ones
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block_bootstrap, "KEPT_COUNTS", 0)
        drawn.append(np.vstack(list(draw_block_weights(n, seed, draws))))
    chunk_sizes = [min(DRAWS_PER_CHUNK, draws - start) for start in range(0, draws, DRAWS_PER_CHUNK)]
    random = np.random.default_rng(seed)
    resamples = np.vstack([random.integers(0, n, (size, n)) for size in chunk_sizes])
    expected = np.array([np.bincount(blocks, minlength=n) for blocks in resamples])
    assert all((counts == expected).all() for counts in drawn)
    assert all(counts.dtype == np.float64 for counts in drawn)


def test_one_seed_gives_one_interval_and_another_one_another() -> None:
    blocks = np.random.default_rng(0).normal(size=50)
    assert bootstrap_mean(blocks, 3) == bootstrap_mean(blocks, 3)
    assert bootstrap_mean(blocks, 3) != bootstrap_mean(blocks, 4)


def test_too_few_blocks_give_a_value_and_no_interval() -> None:
    blocks = np.arange(MIN_BLOCKS - 1, dtype=float)
    assert bootstrap_mean(blocks, 0) == {"value": blocks.mean(), "low": None, "high": None, "n": MIN_BLOCKS - 1}
    assert bootstrap_mean(np.append(blocks, 1.0), 0)["low"] is not None


def test_a_ratio_over_nothing_has_no_value() -> None:
    assert bootstrap_ratio(np.zeros(50), np.zeros(50), 0) == {"value": None, "low": None, "high": None, "n": 50}
    assert bootstrap_ratio(np.empty(0), np.empty(0), 0)["value"] is None


def test_draws_without_a_single_bet_do_not_spoil_the_interval() -> None:
    below = np.zeros(40)
    below[0] = 1.0
    low, high = ends(bootstrap_ratio(2 * below, below, 0))
    assert math.isclose(low, 2)
    assert math.isclose(high, 2)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(-2, -1, "helped"), (1, 2, "hurt"), (-1, 1, "undecided"), (-1, 0, "undecided"), (None, None, "undecided")],
)
def test_a_verdict_needs_an_interval_wholly_on_one_side(low: float | None, high: float | None, verdict: str) -> None:
    assert describe_difference({"value": 0.0, "low": low, "high": high, "n": 50}) == verdict


def test_a_verdict_may_have_its_own_words() -> None:
    assert describe_difference({"value": -1.0, "low": -2.0, "high": -0.5, "n": 50}, better="sharper") == "sharper"


def test_arms_that_do_not_differ_are_seldom_called_different() -> None:
    random = np.random.default_rng(5)
    verdict = [describe_difference(bootstrap_mean(random.normal(0, 1, 100), seed, draws=150)) for seed in range(RUNS)]
    assert np.mean([word == "undecided" for word in verdict]) == pytest.approx(HELD, abs=0.05)
