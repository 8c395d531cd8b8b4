"""Shared resamples of blocks against separate ones, tables that add, and rows that do not count."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.stats.block_bootstrap import (
    BlockBootstrap,
    Floats,
    bootstrap_ratio,
    bootstrap_ratios,
    compute_interval,
    count_nonzero_blocks,
)
from trueline.core.stats.confidence_intervals import MIN_BLOCKS, Interval
from trueline.core.stats.group_ops import encode_groups


def rows(seed: int, blocks: int, most: int = 9) -> tuple[pd.Series, Floats, Floats]:
    """Return rows in blocks of unequal size, all of which occur, with two positive numbers a row."""
    random = np.random.default_rng(seed)
    group = np.concatenate([np.arange(blocks), random.integers(0, blocks, random.integers(1, most * blocks))])
    return pd.Series(group).map("day {}".format), random.normal(1, 1, len(group)), random.uniform(0.5, 2, len(group))


def ends(interval: Interval) -> tuple[float, float]:
    """Return low and high of an interval that has them."""
    assert interval["low"] is not None
    assert interval["high"] is not None
    return interval["low"], interval["high"]


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 9999), st.integers(1, 80))
def test_where_every_block_counts_a_ratio_is_the_bootstrap_of_block_sums(seed: int, count: int) -> None:
    group, above, below = rows(seed, count)
    sums = pd.DataFrame({"above": above, "below": below}).groupby(group, sort=False).sum()
    plain = bootstrap_ratio(sums["above"].to_numpy(), sums["below"].to_numpy(), seed, draws=150)
    found = BlockBootstrap(encode_groups(group), seed, draws=150).estimate_ratio(above, below)
    assert found["n"] == plain["n"]
    for one, other in zip(found.values(), plain.values(), strict=True):
        assert one == (None if other is None else pytest.approx(other))


def test_rows_without_a_value_count_for_nothing() -> None:
    group, above, below = rows(1, 60)
    holes = np.random.default_rng(0).random(len(above)) < 0.3
    blocks = BlockBootstrap(encode_groups(group), 0)
    masked = blocks.estimate_ratio(np.where(holes, np.nan, above), below)
    assert masked == blocks.estimate_ratio(np.where(holes, 0, above), np.where(holes, 0, below))
    assert masked["value"] == pytest.approx(above[~holes].sum() / below[~holes].sum())
    assert blocks.estimate_mean(np.where(holes, np.nan, above))["value"] == pytest.approx(above[~holes].mean())


def test_blocks_without_a_row_that_counts_are_not_among_the_n() -> None:
    group, above, below = rows(2, 60)
    shown = group.isin([f"day {number}" for number in range(MIN_BLOCKS - 1)]).to_numpy()
    blocks = BlockBootstrap(encode_groups(group), 0)
    few = blocks.estimate_ratio(above, np.where(shown, below, np.nan))
    assert (few["n"], few["low"], few["high"]) == (MIN_BLOCKS - 1, None, None)
    assert few["value"] == pytest.approx(above[shown].sum() / below[shown].sum())
    enough = blocks.estimate_ratio(above, np.where(shown | (group == "day 50"), below, np.nan))
    assert enough["n"] == MIN_BLOCKS
    assert enough["low"] is not None


def test_an_interval_over_part_of_the_blocks_is_close_to_that_of_these_blocks_alone() -> None:
    group, above, below = rows(3, 120)
    shown = group.isin([f"day {number}" for number in range(60)]).to_numpy()
    low, high = ends(BlockBootstrap(encode_groups(group), 0).estimate_ratio(above, np.where(shown, below, np.nan)))
    alone = ends(BlockBootstrap(encode_groups(group[shown]), 1).estimate_ratio(above[shown], below[shown]))
    assert (low, high) == pytest.approx(alone, abs=0.15 * (high - low))


def test_a_difference_of_paired_ratios_is_narrower_than_one_of_unpaired_ratios() -> None:
    group, above, below = rows(4, 100)
    noise = np.random.default_rng(0).normal(0, 0.1, len(above))
    blocks = BlockBootstrap(encode_groups(group), 0)
    paired = blocks.estimate_difference((above + noise, below), (above, below))
    strange = blocks.estimate_difference((above + noise, below), (np.random.default_rng(1).permutation(above), below))
    assert paired["value"] == pytest.approx(noise.sum() / below.sum())
    assert ends(paired) == pytest.approx(ends(blocks.estimate_ratio(noise, below)))
    widths = [high - low for low, high in (ends(paired), ends(strange))]
    assert widths[0] < widths[1] / 3


def test_a_difference_has_the_n_of_its_smaller_side_and_no_value_without_one() -> None:
    group, above, below = rows(5, 60)
    blocks, few = BlockBootstrap(encode_groups(group), 0), (group == "day 1").to_numpy()
    one = blocks.estimate_difference((above, below), (above, np.where(few, below, np.nan)))
    assert (one["n"], one["low"]) == (1, None)
    assert blocks.estimate_difference((above, below), (above, 0 * below))["value"] is None


def test_no_rows_have_no_figures() -> None:
    blocks = BlockBootstrap(encode_groups(pd.Series([], dtype=object)), 0)
    assert blocks.estimate_mean(np.empty(0)) == {"value": None, "low": None, "high": None, "n": 0}


def rows_by_code(seed: int, blocks: int) -> tuple[np.ndarray, Floats, Floats]:
    random = np.random.default_rng(seed)
    code = np.concatenate([np.arange(blocks), random.integers(0, blocks, 4 * blocks)])
    return code, random.normal(1, 1, len(code)), random.uniform(0.5, 2, len(code))


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 9999), st.integers(1, 70))
def test_a_ratio_has_the_interval_of_the_bootstrap_of_block_sums(seed: int, count: int) -> None:
    code, above, below = rows_by_code(seed, count)
    bootstrap = BlockBootstrap(code, seed, draws=150)
    table = bootstrap.sum_columns_by_block(above, below)
    plain = bootstrap_ratio(table[:, 0], table[:, 1], seed, draws=150)
    found = compute_interval(bootstrap.compute_ratio(table), count_nonzero_blocks(table))
    for one, other in zip(found.values(), plain.values(), strict=True):
        assert one == (None if other is None else pytest.approx(other))


def test_ratios_drawn_together_are_those_drawn_one_by_one() -> None:
    random = np.random.default_rng(0)
    ratios = [(random.normal(size=60), random.uniform(0.5, 2, 60)) for _ in range(3)]
    assert bootstrap_ratios(ratios, seed=4) == [bootstrap_ratio(*ratio, seed=4) for ratio in ratios]


def test_tables_of_rows_that_do_not_overlap_add() -> None:
    code, above, below = rows_by_code(1, 40)
    bootstrap, some = BlockBootstrap(code, 0, draws=20), np.arange(len(code)) % 3 == 0
    apart = [bootstrap.sum_columns_by_block(above[part], below[part], part) for part in (some, ~some)]
    assert apart[0] + apart[1] == pytest.approx(bootstrap.sum_columns_by_block(above, below))
    assert bootstrap.compute_ratio(apart[0] + apart[1]) == pytest.approx(
        bootstrap.compute_ratio(bootstrap.sum_columns_by_block(above, below))
    )


def test_a_row_without_either_number_counts_for_neither() -> None:
    bootstrap = BlockBootstrap(np.array([0, 0, 1]), 0)
    table = bootstrap.sum_columns_by_block([1.0, np.nan, 2.0], [1.0, 1.0, np.nan])
    assert table.tolist() == [[1.0, 1.0], [0.0, 0.0]]
    assert count_nonzero_blocks(table) == 1


def test_a_figure_that_few_blocks_carry_has_a_value_and_no_interval() -> None:
    code, above, below = rows_by_code(2, 60)
    bootstrap = BlockBootstrap(code, 0)
    table = bootstrap.sum_columns_by_block(above, np.where(code < MIN_BLOCKS - 1, below, 0.0))
    found = compute_interval(bootstrap.compute_ratio(table), count_nonzero_blocks(table))
    assert (found["n"], found["low"], found["high"]) == (MIN_BLOCKS - 1, None, None)
    assert found["value"] is not None
    nothing = compute_interval(bootstrap.compute_ratio(0 * table), count_nonzero_blocks(0 * table))
    assert nothing == {"value": None, "low": None, "high": None, "n": 0}


def test_a_wider_level_gives_a_wider_interval_around_the_same_value() -> None:
    code, above, below = rows_by_code(3, 60)
    bootstrap = BlockBootstrap(code, 0)
    figure = bootstrap.compute_ratio(bootstrap.sum_columns_by_block(above, below))
    usual, wide = compute_interval(figure, 60), compute_interval(figure, 60, level=0.99)
    assert usual["value"] == wide["value"]
    assert (wide["low"] or 0) < (usual["low"] or 0) < (usual["high"] or 0) < (wide["high"] or 0)
