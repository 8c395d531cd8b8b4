"""Count distribution: against sums over its own steps, Poisson's distribution, simulation and the normal."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import kstest, norm, poisson

from trueline.core.stats import count_distribution

Floats = npt.NDArray[np.float64]
FEW = settings(deadline=None, max_examples=60)
MEANS = st.floats(0.05, 120)
RATIOS = st.floats(0.5, 8)  # spread² over mean: 1 is Poisson's, NBA points have 3 to 5
GRID = np.arange(0, 4000.0)


def one(number: float) -> Floats:
    return np.array([number])


def steps(mean: float, spread: float) -> Floats:
    """Return the probability of 0, 1, 2 … from differences of the cdf."""
    shares = count_distribution.compute_cdf(GRID, one(mean), one(spread), True)
    return np.diff(np.concatenate([[0.0], shares]))


def draw_outcomes(mean: Floats, spread: Floats, seed: int) -> Floats:
    """Return an outcome of each row's distribution, by search through its cdf."""
    uniform = np.random.default_rng(seed).random(len(mean))
    outcome = np.zeros(len(mean))
    while (low := count_distribution.compute_cdf(outcome, mean, spread, True) < uniform).any():
        outcome += low
    return outcome


def players(n: int, seed: int) -> tuple[Floats, Floats]:
    """Return means and spreads such as basketball players' points have."""
    mean = np.random.default_rng(seed).gamma(2.0, 5.0, n) + 0.5
    return mean, 2.6 * mean**0.37


@FEW
@given(mean=MEANS, ratio=RATIOS)
def test_the_steps_of_the_cdf_are_chances_that_sum_to_1(mean: float, ratio: float) -> None:
    chance = steps(mean, np.sqrt(ratio * mean))
    assert (chance >= 0).all()
    assert chance.sum() == pytest.approx(1)


@FEW
@given(mean=MEANS, ratio=st.floats(1, 8))
def test_mean_and_spread_are_those_asked_for(mean: float, ratio: float) -> None:
    spread = np.sqrt(ratio * mean)
    chance = steps(mean, spread)
    middle = chance @ GRID
    near = 0.01 if mean >= 2 else 0.05
    assert middle == pytest.approx(mean, rel=near)
    assert np.sqrt(chance @ np.square(GRID - middle)) == pytest.approx(spread, rel=near)


@FEW
@given(mean=MEANS)
def test_a_spread_of_the_root_of_the_mean_is_nearly_poissons_law(mean: float) -> None:
    difference = count_distribution.compute_cdf(GRID, one(mean), one(np.sqrt(mean)), True) - poisson.cdf(GRID, mean)
    assert np.abs(difference).max() < 0.02


@FEW
@given(mean=st.floats(5, 100), ratio=st.floats(1, 5))
def test_the_skewness_is_the_spread_over_the_mean(mean: float, ratio: float) -> None:
    spread = np.sqrt(ratio * mean)
    if mean < 2 * spread:  # much is cut off at 0
        return
    skewness = steps(mean, spread) @ ((GRID - mean) / spread) ** 3
    assert skewness == pytest.approx(spread / mean, abs=0.06)


@FEW
@given(mean=MEANS, ratio=RATIOS, line=st.integers(-4, 300), whole=st.booleans())
def test_over_push_and_under_sum_to_1_and_are_sums_over_outcomes(
    mean: float, ratio: float, line: int, whole: bool
) -> None:
    at, spread = line / 2, np.sqrt(ratio * mean)
    over, push, under = (
        float(part[0]) for part in count_distribution.compute_line_probabilities(one(at), one(mean), one(spread), whole)
    )
    assert over + push + under == pytest.approx(1, abs=1e-12)
    if whole:
        chance = steps(mean, spread)
        expected = [chance[side].sum() for side in (at < GRID, at == GRID, at > GRID)]
    else:
        expected = [norm.sf(at, mean, spread), 0.0, norm.cdf(at, mean, spread)]
    np.testing.assert_allclose([over, push, under], expected, atol=1e-9)


@pytest.mark.parametrize("line", [4.5, 20.25, -3.0])
def test_only_a_whole_line_that_can_be_met_is_pushed(line: float) -> None:
    assert count_distribution.compute_line_probabilities(one(line), one(6.0), one(4.0), True)[1] == 0
    assert count_distribution.compute_line_probabilities(one(4.0), one(6.0), one(4.0), True)[1] > 0.05
    assert count_distribution.compute_line_probabilities(one(4.0), one(6.0), one(4.0), False)[1] == 0


@pytest.mark.parametrize("whole", [True, False])
@FEW
@given(mean=MEANS, ratio=RATIOS)
def test_the_chance_of_over_falls_as_the_line_rises(whole: bool, mean: float, ratio: float) -> None:
    lines, spread = np.arange(-2, 200, 0.25), np.sqrt(ratio * mean)
    over, _, under = count_distribution.compute_line_probabilities(lines, one(mean), one(spread), whole)
    assert (np.diff(over) <= 0).all()
    assert (np.diff(under) >= 0).all()


@FEW
@given(mean=MEANS, ratio=RATIOS)
def test_the_median_lies_above_a_half_or_whole_line_just_where_over_is_likelier_than_under(
    mean: float, ratio: float
) -> None:
    spread = np.sqrt(ratio * mean)
    middle = count_distribution.compute_median(one(mean), one(spread), True)
    lines = np.arange(0, 2 * np.ceil(mean + 3 * spread)) / 2
    over, _, under = count_distribution.compute_line_probabilities(lines, one(mean), one(spread), True)
    is_clear = np.abs(over - under) > 1e-9
    np.testing.assert_array_equal((middle > lines)[is_clear], (over > under)[is_clear])


@FEW
@given(mean=MEANS, ratio=RATIOS)
def test_the_median_rounded_has_the_least_absolute_error_and_unrounded_next_to_it(mean: float, ratio: float) -> None:
    spread = np.sqrt(ratio * mean)
    chance, middle = steps(mean, spread), float(count_distribution.compute_median(one(mean), one(spread), True)[0])
    near = np.arange(0, np.ceil(mean + 2 * spread))
    least = min(chance @ np.abs(GRID - point) for point in near)
    assert chance @ np.abs(GRID - np.round(middle)) == pytest.approx(least, abs=1e-6)
    assert chance @ np.abs(GRID - middle) <= least + 0.07 * chance[int(np.round(middle))] + 1e-6


@FEW
@given(mean=MEANS, ratio=RATIOS, share=st.floats(0.001, 0.999))
def test_a_quantile_is_the_first_outcome_whose_cdf_reaches_its_share(mean: float, ratio: float, share: float) -> None:
    spread = np.sqrt(ratio * mean)
    cumulative = count_distribution.compute_cdf(GRID, one(mean), one(spread), True)
    quantile = count_distribution.compute_quantile(share, one(mean), one(spread), True)
    assert quantile[0] == np.argmax(cumulative >= share)
    assert count_distribution.compute_quantile(share, one(mean), one(spread), False)[0] == pytest.approx(
        norm.ppf(share, mean, spread)
    )


def test_the_median_rises_without_a_jump() -> None:
    mean = np.linspace(0.05, 40, 40_000)
    middle = count_distribution.compute_median(mean, 2.6 * mean**0.37, True)
    assert (np.diff(middle) >= -1e-9).all()
    assert np.diff(middle).max() < 0.06  # a tenth of a step of the whole law
    np.testing.assert_array_equal(count_distribution.compute_median(mean, mean, False), mean)


@FEW
@given(mean=MEANS, ratio=RATIOS, actual=st.integers(0, 400))
def test_crps_is_the_sum_of_squared_differences_of_the_cdf(mean: float, ratio: float, actual: int) -> None:
    spread = np.sqrt(ratio * mean)
    shares = count_distribution.compute_cdf(GRID, one(mean), one(spread), True)
    expected = np.square(shares - (actual <= GRID)).sum()
    assert count_distribution.compute_crps(one(actual), one(mean), one(spread), True)[0] == pytest.approx(
        expected, abs=1e-6, rel=1e-9
    )


@FEW
@given(mean=st.floats(-50, 50), spread=st.floats(0.1, 20), z=st.floats(-4, 4))
def test_crps_of_the_normal_is_the_integral_of_squared_differences(mean: float, spread: float, z: float) -> None:
    actual = mean + z * spread

    def below(x: float) -> float:
        return float(norm.cdf(x, mean, spread) ** 2)

    def above(x: float) -> float:
        return float(norm.sf(x, mean, spread) ** 2)

    ends = mean - 12 * spread, mean + 12 * spread
    expected = quad(below, ends[0], actual)[0] + quad(above, actual, ends[1])[0]
    assert count_distribution.compute_crps(one(actual), one(mean), one(spread), False)[0] == pytest.approx(
        expected, abs=1e-6
    )


def test_crps_in_pieces_is_that_of_each_row_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    mean, spread = players(60, 0)
    actual = draw_outcomes(mean, spread, 1)
    alone = [
        count_distribution.compute_crps(actual[row, None], mean[row, None], spread[row, None], True)[0]
        for row in range(60)
    ]
    for cells in (1, 500, 1_000_000):
        monkeypatch.setattr(count_distribution, "MAX_CELLS", cells)
        np.testing.assert_allclose(count_distribution.compute_crps(actual, mean, spread, True), alone, atol=1e-7)


@pytest.mark.parametrize("whole", [True, False])
def test_the_true_mean_and_spread_score_best(whole: bool) -> None:
    mean, spread = players(8000, 2)
    random = np.random.default_rng(3)
    actual = draw_outcomes(mean, spread, 4) if whole else random.normal(mean, spread)
    wrong = [(mean * 1.2, spread), (mean * 0.8, spread), (mean, spread * 1.4), (mean, spread * 0.7)]
    for score in (count_distribution.compute_crps, count_distribution.compute_log_score):
        best = score(actual, mean, spread, whole)
        for other in wrong:
            worse = score(actual, *other, whole) - best
            assert worse.mean() > 2 * worse.std() / np.sqrt(len(worse))


@pytest.mark.parametrize("whole", [True, False])
def test_log_score_is_the_logarithm_of_the_chance_or_density(whole: bool) -> None:
    actual = np.arange(0, 40.0)
    expected = steps(12.0, 6.0)[:40] if whole else norm.pdf(actual, 12.0, 6.0)
    found = count_distribution.compute_log_score(actual, np.full(40, 12.0), np.full(40, 6.0), whole)
    np.testing.assert_allclose(found, -np.log(expected), rtol=1e-6)


@pytest.mark.parametrize("whole", [True, False])
def test_the_transform_of_true_forecasts_is_uniform(whole: bool) -> None:
    mean, spread = players(20_000, 5)
    random = np.random.default_rng(6)
    actual = draw_outcomes(mean, spread, 7) if whole else random.normal(mean, spread)
    true = count_distribution.compute_pit(actual, mean, spread, whole, random.random(20_000))
    assert kstest(true, "uniform").pvalue > 0.001
    narrow = count_distribution.compute_pit(actual, mean, spread * 0.8, whole, random.random(20_000))
    assert kstest(narrow, "uniform").pvalue < 1e-6


@FEW
@given(mean=MEANS, ratio=RATIOS, actual=st.integers(0, 200), draw=st.floats(0, 1))
def test_the_transform_lies_within_the_step_of_its_outcome(mean: float, ratio: float, actual: int, draw: float) -> None:
    spread = np.sqrt(ratio * mean)
    shares = np.concatenate([[0.0], count_distribution.compute_cdf(GRID, one(mean), one(spread), True)])
    found = count_distribution.compute_pit(one(actual), one(mean), one(spread), True, one(draw))[0]
    assert found == pytest.approx(shares[actual] + draw * (shares[actual + 1] - shares[actual]), abs=1e-12)


def test_line_probabilities_are_calibrated() -> None:
    mean, spread = players(20_000, 8)
    actual = draw_outcomes(mean, spread, 9)
    line = np.floor(mean + np.random.default_rng(10).normal(0, 3, len(mean))).clip(0) + 0.5
    over, _, _ = count_distribution.compute_line_probabilities(line, mean, spread, True)
    for low in np.arange(0.1, 0.9, 0.1):
        near = (over > low) & (over < low + 0.1)
        error = np.sqrt(0.25 / near.sum())
        assert abs((actual > line)[near].mean() - over[near].mean()) < 4 * error


@pytest.mark.parametrize(
    ("mean", "spread"), [(0.0, 0.0), (-3.0, 1.0), (1e-9, 50.0), (25.0, 0.0), (25.0, 1e-6), (3000.0, 1.0), (3.0, 400.0)]
)
def test_no_mean_or_spread_is_too_odd_for_an_answer(mean: float, spread: float) -> None:
    row = one(mean), one(spread)
    parts = count_distribution.compute_line_probabilities(one(2.5), *row, True)
    assert sum(float(part[0]) for part in parts) == pytest.approx(1)
    for found in (
        count_distribution.compute_median(*row, True),
        count_distribution.compute_crps(one(2.0), *row, True),
        count_distribution.compute_log_score(one(2.0), *row, True),
    ):
        assert np.isfinite(found).all()
        assert (found >= 0).all()


@pytest.mark.parametrize("whole", [True, False])
def test_a_missing_number_gives_a_missing_answer_and_no_row_none(whole: bool) -> None:
    mean, spread = np.array([10.0, np.nan, 10.0]), np.array([5.0, 5.0, np.nan])
    line = np.full(3, 9.5)
    for found in (
        *count_distribution.compute_line_probabilities(line, mean, spread, whole)[::2],
        count_distribution.compute_crps(np.full(3, 9.0), mean, spread, whole),
    ):
        np.testing.assert_array_equal(np.isnan(found), [False, True, True])
    assert np.isnan(count_distribution.compute_line_probabilities(one(np.nan), one(9.0), one(5.0), whole)[0]).all()
    empty = np.empty(0)
    assert count_distribution.compute_crps(empty, empty, empty, whole).shape == (0,)
    assert count_distribution.compute_median(empty, empty, whole).shape == (0,)


def test_whole_numbers_are_distinguished_from_others() -> None:
    assert count_distribution.has_only_integers(np.array([0.0, 27.0, -3.0]))
    assert not count_distribution.has_only_integers(np.array([0.0, 27.5]))
    assert not count_distribution.has_only_integers(np.array([0.0, np.nan]))


def test_counts_are_whole_numbers_from_zero_on() -> None:
    assert count_distribution.has_only_counts(np.array([0.0, 27.0]))
    assert not count_distribution.has_only_counts(np.array([0.0, -3.0]))
    assert not count_distribution.has_only_counts(np.array([0.0, 27.5]))
