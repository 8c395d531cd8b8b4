"""Trailing figures equal plain loops, and what follows a step never changes it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from trueline.core.stats.rolling import compute_percentile_rank, compute_trailing_sums, get_trailing_windows

SERIES = arrays(np.float64, st.integers(1, 40), elements=st.integers(-5, 5).map(float))


@given(SERIES, st.integers(1, 12), st.integers(0, 12))
@settings(max_examples=100, deadline=None)
def test_sums_are_those_of_a_loop_over_steps(values: np.ndarray, width: int, before: int) -> None:
    expected = [
        sum(values[max(step + 1 - before - width, 0) : max(step + 1 - before, 0)]) for step in range(len(values))
    ]
    np.testing.assert_array_equal(compute_trailing_sums(values, width, before), expected)


@given(SERIES, st.integers(1, 12), st.integers(0, 12))
@settings(max_examples=50, deadline=None)
def test_windows_hold_what_a_loop_finds_newest_first(values: np.ndarray, width: int, before: int) -> None:
    found = get_trailing_windows(values, width, before)
    for step in range(len(values)):
        for back in range(width):
            place = step - before - back
            expected = values[place] if place >= 0 else np.nan
            np.testing.assert_equal(found[step, back], expected)


@given(SERIES, st.integers(1, 12), st.integers(1, 6))
@settings(max_examples=100, deadline=None)
def test_ranks_are_those_of_a_loop_over_earlier_values(values: np.ndarray, width: int, before: int) -> None:
    values = np.where(values == 5, np.nan, values)
    found = compute_percentile_rank(values, get_trailing_windows(values, width, before))
    for step, value in enumerate(values):
        earlier = values[max(step - before - width + 1, 0) : max(step - before + 1, 0)]
        earlier = earlier[~np.isnan(earlier)]
        if np.isnan(value) or not len(earlier):
            assert np.isnan(found[step])
        else:
            assert found[step] == pytest.approx(np.mean((earlier < value) + 0.5 * (earlier == value)))


def test_sums_run_along_any_axis() -> None:
    values = np.random.default_rng(0).normal(size=(3, 20, 2))
    expected = np.stack([compute_trailing_sums(series, 7, 2) for series in values])
    np.testing.assert_array_equal(compute_trailing_sums(values, 7, 2, axis=1), expected)
    np.testing.assert_array_equal(compute_trailing_sums(values, 7, 2, axis=-2), expected)


def test_no_bit_depends_on_later_steps() -> None:
    values = np.random.default_rng(1).normal(size=(200, 5))
    for cut in (1, 13, 77, 150):
        assert (
            compute_trailing_sums(values[:cut], 30, 14).tobytes()
            == compute_trailing_sums(values, 30, 14)[:cut].tobytes()
        )
