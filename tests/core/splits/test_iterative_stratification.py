"""Iterative stratification of rows with several tags."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.splits.iterative_stratification import assign_stratified_parts

FEW = settings(deadline=None, max_examples=40)


@FEW
@given(seed=st.integers(0, 999), rows=st.integers(1, 40), count=st.integers(1, 7))
def test_every_row_falls_in_one_part_and_no_group_is_cut(seed: int, rows: int, count: int) -> None:
    random = np.random.default_rng(seed)
    y, group = (random.random((rows, 3)) < 0.3).astype(float), np.sort(random.integers(0, rows, rows))
    group = np.unique(group, return_inverse=True)[1]
    part = assign_stratified_parts(y, group, count, seed)
    assert part.shape == (rows,)
    assert part.min() >= 0
    assert part.max() < count
    assert all(len(set(part[group == one])) == 1 for one in range(group.max() + 1))


@FEW
@given(seed=st.integers(0, 999), count=st.integers(2, 5))
def test_each_part_has_its_share_of_rows_and_of_every_tag_alone_in_a_row(seed: int, count: int) -> None:
    y = np.repeat(np.eye(4), [40, 20, 10, 5], axis=0)
    part = assign_stratified_parts(y, np.arange(75), count, seed)
    held = np.array([y[part == one].sum(axis=0) for one in range(count)])
    assert (np.abs(held - y.sum(axis=0) / count) < 1).all()


def test_a_rare_tag_is_dealt_out_more_evenly_than_by_chance() -> None:
    uneven = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        y = (random.random((100, 8)) < np.linspace(0.05, 0.8, 8)).astype(float)
        both = (assign_stratified_parts(y, np.arange(100), 5, seed), random.integers(0, 5, 100))
        uneven.append([np.mean([y[part == one].sum(axis=0) for one in range(5)], axis=1).std() for part in both])
        spread = [np.array([y[part == one, 0].sum() for one in range(5)]) for part in both]
        uneven[-1] += [np.ptp(each) for each in spread]
    ours, chance = np.mean(uneven, axis=0)[2:]
    assert ours <= 1 < chance


def test_the_seed_decides_and_nothing_else() -> None:
    y = (np.random.default_rng(0).random((60, 4)) < 0.3).astype(float)
    one, again, other = (assign_stratified_parts(y, np.arange(60), 4, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
