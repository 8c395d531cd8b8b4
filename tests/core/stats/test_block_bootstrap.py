"""Shared resamples of blocks against separate ones, and rows that do not count."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.stats.block_bootstrap import BlockBootstrap, Floats
from trueline.core.stats.confidence_intervals import MIN_BLOCKS, Interval, bootstrap_ratio


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
    found = BlockBootstrap(group, seed, draws=150).estimate_ratio(above, below)
    assert found["n"] == plain["n"]
    for one, other in zip(found.values(), plain.values(), strict=True):
        assert one == (None if other is None else pytest.approx(other))


def test_rows_without_a_value_count_for_nothing() -> None:
    group, above, below = rows(1, 60)
    holes = np.random.default_rng(0).random(len(above)) < 0.3
    blocks = BlockBootstrap(group, 0)
    masked = blocks.estimate_ratio(np.where(holes, np.nan, above), below)
    assert masked == blocks.estimate_ratio(np.where(holes, 0, above), np.where(holes, 0, below))
    assert masked["value"] == pytest.approx(above[~holes].sum() / below[~holes].sum())
    assert blocks.estimate_mean(np.where(holes, np.nan, above))["value"] == pytest.approx(above[~holes].mean())


def test_blocks_without_a_row_that_counts_are_not_among_the_n() -> None:
    group, above, below = rows(2, 60)
    shown = group.isin([f"day {number}" for number in range(MIN_BLOCKS - 1)]).to_numpy()
    blocks = BlockBootstrap(group, 0)
    few = blocks.estimate_ratio(above, np.where(shown, below, np.nan))
    assert (few["n"], few["low"], few["high"]) == (MIN_BLOCKS - 1, None, None)
    assert few["value"] == pytest.approx(above[shown].sum() / below[shown].sum())
    enough = blocks.estimate_ratio(above, np.where(shown | (group == "day 50"), below, np.nan))
    assert enough["n"] == MIN_BLOCKS
    assert enough["low"] is not None


def test_an_interval_over_part_of_the_blocks_is_close_to_that_of_these_blocks_alone() -> None:
    group, above, below = rows(3, 120)
    shown = group.isin([f"day {number}" for number in range(60)]).to_numpy()
    low, high = ends(BlockBootstrap(group, 0).estimate_ratio(above, np.where(shown, below, np.nan)))
    alone = ends(BlockBootstrap(group[shown], 1).estimate_ratio(above[shown], below[shown]))
    assert (low, high) == pytest.approx(alone, abs=0.15 * (high - low))


def test_a_difference_of_paired_ratios_is_narrower_than_one_of_unpaired_ratios() -> None:
    group, above, below = rows(4, 100)
    noise = np.random.default_rng(0).normal(0, 0.1, len(above))
    blocks = BlockBootstrap(group, 0)
    paired = blocks.estimate_difference((above + noise, below), (above, below))
    strange = blocks.estimate_difference((above + noise, below), (np.random.default_rng(1).permutation(above), below))
    assert paired["value"] == pytest.approx(noise.sum() / below.sum())
    assert ends(paired) == pytest.approx(ends(blocks.estimate_ratio(noise, below)))
    widths = [high - low for low, high in (ends(paired), ends(strange))]
    assert widths[0] < widths[1] / 3


def test_a_difference_has_the_n_of_its_smaller_side_and_no_value_without_one() -> None:
    group, above, below = rows(5, 60)
    blocks, few = BlockBootstrap(group, 0), (group == "day 1").to_numpy()
    one = blocks.estimate_difference((above, below), (above, np.where(few, below, np.nan)))
    assert (one["n"], one["low"]) == (1, None)
    assert blocks.estimate_difference((above, below), (above, 0 * below))["value"] is None


def test_no_rows_have_no_figures() -> None:
    blocks = BlockBootstrap(pd.Series([], dtype=object), 0)
    assert blocks.estimate_mean(np.empty(0)) == {"value": None, "low": None, "high": None, "n": 0}
