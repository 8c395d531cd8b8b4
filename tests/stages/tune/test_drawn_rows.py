"""Tests of the rows that a trial is fitted on."""

import numpy as np
import pandas as pd
import pytest

from stages.tune.drawn_rows import draw_rows
from trueline.core.splits.fold_data import FoldData


@pytest.fixture
def rows() -> FoldData:
    group = np.repeat(np.arange(40), np.tile([1, 2, 3, 2], 10))
    count = len(group)
    x = pd.DataFrame({"number": np.arange(count, dtype=float)})
    time = np.zeros(count, dtype="datetime64[ns]")
    return FoldData(x, np.zeros(count), np.zeros(count), group, time, np.ones(count), np.arange(count))


def test_drawn_rows_are_whole_groups_and_no_more_than_asked_for(rows: FoldData) -> None:
    drawn = draw_rows(rows, 30, seed=1)
    assert 25 < len(drawn.y) <= 30
    drawn_groups = set(rows.group[drawn.table_position])
    assert np.isin(rows.group, list(drawn_groups)).sum() == len(drawn.y)


def test_the_same_rows_are_drawn_for_each_trial(rows: FoldData) -> None:
    assert (draw_rows(rows, 30, seed=1).table_position == draw_rows(rows, 30, seed=1).table_position).all()


def test_all_rows_are_fitted_on_without_a_limit_and_below_it(rows: FoldData) -> None:
    assert draw_rows(rows, None, seed=1) is rows
    assert draw_rows(rows, 80, seed=1) is rows
