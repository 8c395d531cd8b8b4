"""Correlations within groups against sums written out row by row, and how often they find what is not there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.stats.clustered_correlation import compute_clustered_t, compute_group_correlation

WHOLE = st.integers(-20, 20)


@given(rows=st.lists(st.tuples(WHOLE, WHOLE, st.integers(0, 4)), min_size=2, max_size=30), factor=st.floats(0.1, 50))
@settings(max_examples=60, deadline=None)
def test_the_correlation_is_that_of_deviations_written_out(rows: list[tuple[int, int, int]], factor: float) -> None:
    code = np.unique([group for _, _, group in rows], return_inverse=True)[1]
    x, y = (np.array([row[place] for row in rows], float) for place in (0, 1))
    dx, dy = x.copy(), y.copy()
    sums = []
    for group in range(code.max() + 1):
        inside = code == group
        dx[inside] -= x[inside].mean()
        dy[inside] -= y[inside].mean()
        sums.append(sum(dx[inside] * dy[inside]))
    scale = np.sqrt(sum(dx**2) * sum(dy**2))
    found = compute_group_correlation(factor * x + 3, y, code)
    assert found.r == pytest.approx(sum(sums) / scale if scale > 1e-9 else 0.0, abs=1e-7)
    if scale > 1e-9 and np.abs(sums).max() > 1e-9:
        assert found.t == pytest.approx(sum(sums) / np.sqrt(sum(value**2 for value in sums)), abs=1e-6)
    opposite = compute_group_correlation(-x, y, code)
    assert opposite.r == pytest.approx(-found.r, abs=1e-7)


def test_copies_of_rows_in_their_group_change_neither_correlation_nor_t() -> None:
    random = np.random.default_rng(1)
    x, y, code = random.normal(size=60), random.normal(size=60), np.arange(60) // 4
    doubled = compute_group_correlation(np.tile(x, 2), np.tile(y, 2), np.tile(code, 2))
    assert doubled == pytest.approx(compute_group_correlation(x, y, code))


def test_t_is_a_standard_normal_though_the_rows_of_a_group_share_their_noise() -> None:
    random = np.random.default_rng(2)
    code = np.arange(400) // 8
    values = [compute_clustered_t(random.normal(size=50)[code] + random.normal(size=400), code) for _ in range(400)]
    assert np.std(values) == pytest.approx(1.0, abs=0.12)
    assert compute_clustered_t(np.zeros(5), np.zeros(5, np.int64)) == 0.0
