"""Figures from shared resamples against a bootstrap of each ratio alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.stats.bootstrap_sums import BootstrapSums, Floats, compute_interval, count_nonzero_blocks
from trueline.core.stats.confidence_intervals import MIN_BLOCKS, bootstrap_ratio


def rows(seed: int, blocks: int) -> tuple[np.ndarray, Floats, Floats]:
    random = np.random.default_rng(seed)
    code = np.concatenate([np.arange(blocks), random.integers(0, blocks, 4 * blocks)])
    return code, random.normal(1, 1, len(code)), random.uniform(0.5, 2, len(code))


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 9999), st.integers(1, 70))
def test_a_ratio_has_the_interval_of_the_bootstrap_of_block_sums(seed: int, count: int) -> None:
    code, above, below = rows(seed, count)
    bootstrap = BootstrapSums(code, seed, draws=150)
    table = bootstrap.sum_columns_by_block(above, below)
    plain = bootstrap_ratio(table[:, 0], table[:, 1], seed, draws=150)
    found = compute_interval(bootstrap.compute_ratio(table), count_nonzero_blocks(table))
    for one, other in zip(found.values(), plain.values(), strict=True):
        assert one == (None if other is None else pytest.approx(other))


def test_tables_of_rows_that_do_not_overlap_add() -> None:
    code, above, below = rows(1, 40)
    bootstrap, some = BootstrapSums(code, 0, draws=20), np.arange(len(code)) % 3 == 0
    apart = [bootstrap.sum_columns_by_block(above[part], below[part], part) for part in (some, ~some)]
    assert apart[0] + apart[1] == pytest.approx(bootstrap.sum_columns_by_block(above, below))
    assert bootstrap.compute_ratio(apart[0] + apart[1]) == pytest.approx(
        bootstrap.compute_ratio(bootstrap.sum_columns_by_block(above, below))
    )


def test_a_row_without_either_number_counts_for_neither() -> None:
    bootstrap = BootstrapSums(np.array([0, 0, 1]), 0)
    table = bootstrap.sum_columns_by_block([1.0, np.nan, 2.0], [1.0, 1.0, np.nan])
    assert table.tolist() == [[1.0, 1.0], [0.0, 0.0]]
    assert count_nonzero_blocks(table) == 1


def test_a_figure_that_few_blocks_carry_has_a_value_and_no_interval() -> None:
    code, above, below = rows(2, 60)
    bootstrap = BootstrapSums(code, 0)
    table = bootstrap.sum_columns_by_block(above, np.where(code < MIN_BLOCKS - 1, below, 0.0))
    found = compute_interval(bootstrap.compute_ratio(table), count_nonzero_blocks(table))
    assert (found["n"], found["low"], found["high"]) == (MIN_BLOCKS - 1, None, None)
    assert found["value"] is not None
    nothing = compute_interval(bootstrap.compute_ratio(0 * table), count_nonzero_blocks(0 * table))
    assert nothing == {"value": None, "low": None, "high": None, "n": 0}


def test_a_wider_level_gives_a_wider_interval_around_the_same_value() -> None:
    code, above, below = rows(3, 60)
    bootstrap = BootstrapSums(code, 0)
    figure = bootstrap.compute_ratio(bootstrap.sum_columns_by_block(above, below))
    usual, wide = compute_interval(figure, 60), compute_interval(figure, 60, level=0.99)
    assert usual["value"] == wide["value"]
    assert (wide["low"] or 0) < (usual["low"] or 0) < (usual["high"] or 0) < (wide["high"] or 0)
