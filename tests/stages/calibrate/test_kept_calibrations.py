"""Kept calibrations: what was kept comes back to the last bit under the rows of now, or not at all."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.calibrate._kept_calibrations import recall_calibration, store_calibration
from trueline.core.runtime.memory import Memory

numbers = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.tuples(numbers, numbers), max_size=5), st.floats(allow_nan=False), st.integers(0, 50))
def test_states_and_predictions_come_back_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, float]], slope: float, first_row: int
) -> None:
    memory = Memory(tmp_path_factory.mktemp("memory"))
    index = pd.RangeIndex(first_row, first_row + len(rows))
    predictions = pd.DataFrame(rows, index, ["tuned", "tuned:place"], dtype=float)
    store_calibration(memory, "key", ({"tuned": {"slope": slope, "knots": [slope, 1.0]}}, predictions))
    other_index = index + 7  # rows of other folds came before them
    found = recall_calibration(memory, "key", other_index)
    assert found is not None
    states, found_predictions = found
    assert states == {"tuned": {"slope": slope, "knots": [slope, 1.0]}}
    assert found_predictions.index.equals(other_index)
    assert found_predictions.to_numpy().tobytes() == predictions.to_numpy().tobytes()
    assert list(found_predictions) == list(predictions)


def test_what_would_not_come_back_as_it_was_is_not_kept(tmp_path: Path) -> None:
    memory, predictions = Memory(tmp_path), pd.DataFrame({"tuned": [0.5]})
    store_calibration(memory, "a number for a name", ({"tuned": {1: 2.0}}, predictions))
    store_calibration(memory, "no number", ({"tuned": {"slope": np.nan}}, predictions))
    store_calibration(memory, "a text", ({"tuned": {"slope": 1.0}}, predictions.assign(band="high")))
    store_calibration(memory, "fine", ({"tuned": {"slope": 1.0}}, predictions))
    names = ("a number for a name", "no number", "a text", "fine")
    assert [name for name in names if recall_calibration(memory, name, predictions.index)] == ["fine"]


def test_nothing_is_found_without_a_memory() -> None:
    memory = Memory(None)
    store_calibration(memory, "key", ({}, pd.DataFrame({"tuned": [0.5]})))
    assert recall_calibration(memory, "key", pd.RangeIndex(1)) is None
