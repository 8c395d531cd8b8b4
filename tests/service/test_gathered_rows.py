"""Gathered rows: they are the table of the chosen rows of a history and the posted rows, column by column."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.core.history.past import Past
from trueline.service.gathered_rows import GatheredRows

NAMES = ["entity", "distance", "won"]


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(0, 4))
def test_the_columns_are_those_of_the_two_tables_one_after_the_other(chosen: list[int], posted_count: int) -> None:
    random = np.random.default_rng(len(chosen))
    history, posted = random.normal(size=(10, 3)), random.normal(size=(posted_count, 3))
    rows = np.array(chosen, np.int64)
    positions = {name: position for position, name in enumerate(NAMES)}
    gathered = GatheredRows(np.asfortranarray(history), rows, posted, positions, {"time": np.arange(len(rows))})
    expected = pd.DataFrame(np.concatenate([history[rows], posted]), columns=NAMES)
    assert len(gathered) == len(expected)
    assert sorted(gathered.columns) == sorted([*NAMES, "time"])
    for name in NAMES:
        pd.testing.assert_series_equal(gathered[name], expected[name], check_names=False)


def test_a_column_that_it_lacks_is_not_in_it() -> None:
    gathered = GatheredRows(np.zeros((2, 1)), np.array([0]), np.zeros((1, 1)), {"won": 0}, {"time": np.arange(2)})
    assert "won" in gathered
    assert "time" in gathered
    assert "lost" not in gathered
    with pytest.raises(KeyError):
        gathered["lost"]


def test_a_past_over_it_is_that_over_the_table() -> None:
    times = np.array(["2024-01-01", "2024-01-02", "2024-01-03"], "datetime64[us]")
    history, posted = np.array([[1.0, 4.0], [1.0, 6.0]]), np.array([[1.0, np.nan]])
    positions = {"entity": 0, "won": 1}
    gathered = GatheredRows(history, np.arange(2), posted, positions, {"time": times})
    table = pd.DataFrame(np.concatenate([history, posted]), columns=["entity", "won"]).assign(time=times)
    assert Past(gathered).mean("won", "entity")[2] == Past(table).mean("won", "entity")[2] == 5.0
