"""Inputs are kept and left out by name, and a misspelt name is rejected."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.core.errors import UserError
from trueline.core.history.input_selection import (
    INPUT_DECIMALS,
    MAX_ROUNDED_VALUE,
    FeatureSelection,
    round_values,
    select_features,
)

INPUTS = pd.DataFrame({"mean_5": [1.0], "mean_10": [2.0], "opponent_pace": [3.0]})


def kept(include: list[str] | None = None, exclude: list[str] | None = None) -> list[str]:
    return list(select_features(INPUTS, FeatureSelection(include=include, exclude=exclude or [])).columns)


def test_nothing_asked_keeps_everything() -> None:
    assert kept() == list(INPUTS.columns)


def test_patterns_keep_and_leave_out_in_the_order_of_the_table() -> None:
    assert kept(include=["opponent_*", "mean_5"]) == ["mean_5", "opponent_pace"]
    assert kept(exclude=["mean_*"]) == ["opponent_pace"]
    assert kept(include=["mean_*"], exclude=["mean_10"]) == ["mean_5"]


def test_a_name_that_matches_no_input_is_rejected_with_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'mean_10'"):
        kept(exclude=["mean10"])


def test_leaving_out_everything_is_rejected() -> None:
    with pytest.raises(UserError, match="leave no input"):
        kept(exclude=["*"])


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=64), min_size=1))
def test_rounded_numbers_are_the_nearest_decimals_and_large_ones_stay(values: list[float]) -> None:
    numbers = np.array(values)
    found = round_values(numbers)
    small = np.abs(numbers) < MAX_ROUNDED_VALUE
    np.testing.assert_array_equal(found[~small], numbers[~small])
    assert [float(f"{number:.{INPUT_DECIMALS}f}") for number in numbers[small]] == pytest.approx(
        found[small], abs=1.5e-9
    )
    np.testing.assert_array_equal(round_values(found), found)


@given(st.floats(-1e6, 1e6), st.floats(-1e-12, 1e-12))
def test_noise_around_zero_is_zero_and_zero_has_one_sign(value: float, noise: float) -> None:
    assert round_values(np.array([noise])).tobytes() == np.zeros(1).tobytes()
    assert round_values(np.array([-0.0])).tobytes() == np.zeros(1).tobytes()
    assert round_values(np.array([value]))[0] == pytest.approx(value, abs=1e-9)


def test_only_columns_of_numbers_are_rounded() -> None:
    table = pd.DataFrame({"x": [0.1234567891234, np.nan], "n": [2**60 + 1, 3], "c": pd.Categorical(["a", "b"])})
    found = select_features(table, FeatureSelection(include=None, exclude=[]))
    assert found["x"].tolist()[0] == 0.123456789
    assert np.isnan(found["x"].tolist()[1])
    pd.testing.assert_frame_equal(found[["n", "c"]], table[["n", "c"]])
