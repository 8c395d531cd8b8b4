"""Exact contributions against an average over all orders, and what they must add up to."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.errors import UserError
from trueline.core.stats.shapley import Floats, compute_shapley_values


def over_all_orders(values: Floats, count: int) -> Floats:
    """Return what each factor adds when it comes, averaged over every order in which the factors may come."""
    totals, orders = np.zeros((count, *values.shape[1:])), list(permutations(range(count)))
    for order in orders:
        before = 0
        for factor in order:
            totals[factor] += values[before | 1 << factor] - values[before]
            before |= 1 << factor
    return totals / len(orders)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 5), st.integers(0, 3), st.integers(0, 9999))
def test_contributions_are_the_average_over_all_orders_in_every_resample(count: int, draws: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(0, 1, (2**count, *([draws] if draws else [])))
    found = compute_shapley_values(values)
    assert found.shape == (count, *values.shape[1:])
    assert found == pytest.approx(over_all_orders(values, count), abs=1e-12)
    assert found.sum(axis=0) == pytest.approx(values[-1] - values[0], abs=1e-12)


def test_a_factor_that_never_matters_contributes_nothing_and_equal_ones_share() -> None:
    bits = np.arange(8)
    both = (bits & 1 > 0) & (bits & 2 > 0)
    assert compute_shapley_values(np.where(both, 10.0, 0.0)) == pytest.approx([5.0, 5.0, 0.0])


def test_a_missing_value_affects_its_own_resample_only() -> None:
    values = np.arange(8.0).reshape(4, 2)
    values[2, 1] = np.nan
    found = compute_shapley_values(values)
    assert np.isnan(found[:, 1]).all()
    assert np.isfinite(found[:, 0]).all()


@pytest.mark.parametrize("length", [0, 1, 3, 6])
def test_a_set_function_with_holes_is_rejected(length: int) -> None:
    with pytest.raises(UserError, match=f"{length} values of a set function were given; give 2\\^k of them"):
        compute_shapley_values(np.zeros(length))
