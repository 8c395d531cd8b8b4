"""Inputs are kept and left out by name, and a slip is refused."""

import pandas as pd
import pytest

from core.chosen import Chosen, chosen
from core.refusals import Refusal

INPUTS = pd.DataFrame({"mean_5": [1.0], "mean_10": [2.0], "opponent_pace": [3.0]})


def kept(include: list[str] | None = None, exclude: list[str] | None = None) -> list[str]:
    return list(chosen(INPUTS, Chosen(include=include, exclude=exclude or [])).columns)


def test_nothing_asked_keeps_everything() -> None:
    assert kept() == list(INPUTS.columns)


def test_patterns_keep_and_leave_out_in_the_order_of_the_table() -> None:
    assert kept(include=["opponent_*", "mean_5"]) == ["mean_5", "opponent_pace"]
    assert kept(exclude=["mean_*"]) == ["opponent_pace"]
    assert kept(include=["mean_*"], exclude=["mean_10"]) == ["mean_5"]


def test_a_name_that_means_no_input_is_refused_with_the_nearest() -> None:
    with pytest.raises(Refusal, match="did you mean 'mean_10'"):
        kept(exclude=["mean10"])


def test_leaving_out_everything_is_refused() -> None:
    with pytest.raises(Refusal, match="leave no input"):
        kept(exclude=["*"])
