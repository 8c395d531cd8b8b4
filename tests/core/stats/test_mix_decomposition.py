"""Mix decomposition: the effects sum to the change, and each equals that of a plain loop over cells."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.core.stats.mix_decomposition import (
    compute_level_contributions,
    compute_nested_decomposition,
    compute_total_variation,
)

SHAPE = (3, 2, 2)


def _periods(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    counts = random.poisson(1.5, (2, *SHAPE)).astype(float)
    counts[:, 0, 0, 0] += 1
    sums = counts[..., None] * random.normal(size=(2, *SHAPE, 2))
    return counts[0], sums[0], counts[1], sums[1]


@given(st.integers(0, 10_000))
def test_the_parts_sum_to_the_change_whatever_cells_are_empty(seed: int) -> None:
    counts, sums, base_counts, base_sums = _periods(seed)
    parts = compute_nested_decomposition(counts, sums, base_counts, base_sums, 3)
    change = sums.sum(axis=(0, 1, 2)) / counts.sum() - base_sums.sum(axis=(0, 1, 2)) / base_counts.sum()
    np.testing.assert_allclose(parts.sum(axis=0), change, atol=1e-12)


@given(st.integers(0, 10_000))
def test_one_factor_is_kitagawa_s_decomposition(seed: int) -> None:
    counts, sums, base_counts, base_sums = (part[:, 0, 0] for part in _periods(seed))
    counts, base_counts = counts + 1, base_counts + 1  # no empty cell
    share, base = counts / counts.sum(), base_counts / base_counts.sum()
    rate, base_rate = sums / counts[:, None], base_sums / base_counts[:, None]
    parts = compute_nested_decomposition(counts, sums, base_counts, base_sums, 1)
    by_share = sum((share[i] - base[i]) * (rate[i] + base_rate[i]) / 2 for i in range(3))
    by_rate = sum((share[i] + base[i]) / 2 * (rate[i] - base_rate[i]) for i in range(3))
    np.testing.assert_allclose(parts, [by_share, by_rate], atol=1e-12)


@given(st.integers(0, 10_000))
def test_two_factors_are_a_plain_loop_over_cells(seed: int) -> None:
    counts, sums, base_counts, base_sums = (part[:, :, 0] + 1 for part in _periods(seed))
    first, base_first = counts.sum(axis=1) / counts.sum(), base_counts.sum(axis=1) / base_counts.sum()
    second = counts / counts.sum(axis=1, keepdims=True)
    base_second = base_counts / base_counts.sum(axis=1, keepdims=True)
    expected = np.zeros((2, 2))
    for i, j in itertools.product(range(3), range(2)):
        rate = (sums[i, j] / counts[i, j] + base_sums[i, j] / base_counts[i, j]) / 2
        expected[0] += (first[i] - base_first[i]) * (second[i, j] + base_second[i, j]) / 2 * rate
        expected[1] += (first[i] + base_first[i]) / 2 * (second[i, j] - base_second[i, j]) * rate
    np.testing.assert_allclose(
        compute_nested_decomposition(counts, sums, base_counts, base_sums, 2)[:2], expected, atol=1e-12
    )


def test_resamples_are_decomposed_as_each_is_alone() -> None:
    several = [_periods(seed) for seed in range(4)]
    counts, sums, base_counts, base_sums = (np.stack(part) for part in zip(*several, strict=True))
    together = compute_nested_decomposition(counts, sums, base_counts, base_sums, 3)
    for number, alone in enumerate(several):
        np.testing.assert_allclose(together[number], compute_nested_decomposition(*alone, factors=3))


def test_a_cell_that_only_one_period_has_belongs_to_shares_and_an_empty_period_to_nobody() -> None:
    counts, base = np.array([5.0, 5.0]), np.array([10.0, 0.0])
    parts = compute_nested_decomposition(counts, np.array([[5.0], [15.0]]), base, np.array([[10.0], [0.0]]), 1)
    np.testing.assert_allclose(parts[:, 0], [1.0, 0.0])
    assert np.isnan(compute_nested_decomposition(np.zeros(2), np.zeros((2, 1)), base, np.ones((2, 1)), 1)).all()


def test_the_distance_of_compositions_runs_from_none_to_one() -> None:
    assert compute_total_variation(np.array([1.0, 1.0]), np.array([5.0, 5.0])) == 0
    assert compute_total_variation(np.array([3.0, 0.0]), np.array([0.0, 7.0])) == 1
    assert compute_total_variation(np.array([8.0, 2.0]), np.array([5.0, 5.0])) == pytest.approx(0.3)


@given(st.integers(0, 10_000))
def test_level_contributions_are_those_of_a_plain_loop_and_a_common_change_has_none(seed: int) -> None:
    counts, sums, base_counts, base_sums = (part[:, 0, 0] for part in _periods(seed))
    counts, base_counts = counts + 1, base_counts + 1  # no empty cell
    risen, more, weight = compute_level_contributions(counts, sums[:, 0], base_counts, base_sums[:, 0])
    share, base = counts / counts.sum(), base_counts / base_counts.sum()
    rises = [sums[i, 0] / counts[i] - base_sums[i, 0] / base_counts[i] for i in range(3)]
    mean = sum((share[i] + base[i]) / 2 * rises[i] for i in range(3))
    np.testing.assert_allclose(risen, share - base, atol=1e-12)
    np.testing.assert_allclose(more, [rise - mean for rise in rises], atol=1e-12)
    np.testing.assert_allclose([risen.sum(), (weight * more).sum()], 0, atol=1e-12)
    everywhere = compute_level_contributions(
        counts, base_sums[:, 0] / base_counts * counts + 2.5 * counts, base_counts, base_sums[:, 0]
    )
    np.testing.assert_allclose(everywhere[1], 0, atol=1e-12)


def test_a_level_of_one_period_alone_keeps_its_rate() -> None:
    _, more, _ = compute_level_contributions(
        np.array([2.0, 0.0]), np.array([2.0, 0.0]), np.array([1.0, 1.0]), np.array([1.0, 7.0])
    )
    np.testing.assert_array_equal(more, [0.0, 0.0])
