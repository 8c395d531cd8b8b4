"""Ranks within groups are those of a count, in whatever order the groups stand and however they differ in size."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trueline.core.stats.group_ops import rank_within_group

VALUES = st.sampled_from([-1.5, -0.0, 0.0, 0.5, 2.0, math.inf, -math.inf, math.nan])


def count_rank(values: list[float], group: list[int], row: int) -> float:
    """Return 1 + the number of larger values in the row's group + half of those that tie with it."""
    if math.isnan(values[row]):
        return math.nan
    rivals = [value for index, value in enumerate(values) if group[index] == group[row] and index != row]
    return 1 + sum(value > values[row] for value in rivals) + sum(value == values[row] for value in rivals) / 2


@given(st.lists(st.tuples(VALUES, st.integers(0, 4)), max_size=40), st.booleans(), st.sampled_from([0, 1, 30]))
def test_a_rank_is_a_count_of_the_group_s_larger_values(
    rows: list[tuple[float, int]], is_sorted: bool, alone: int
) -> None:
    if is_sorted:  # each group's rows follow each other; many groups of one row make a large one differ from most
        rows = sorted(rows, key=lambda row: row[1]) + [(0.0, 5 + number) for number in range(alone)]
    values, group = [value for value, _ in rows], [code for _, code in rows]
    ranks = rank_within_group(np.array(values, dtype=np.float64), np.array(group, dtype=np.int64))
    np.testing.assert_array_equal(ranks, [count_rank(values, group, row) for row in range(len(rows))])
