"""Coercion: raw tables in any form get their declared types, and unreadable values are flagged."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from trueline.core.errors import UserError
from trueline.core.tables.coercion import coerce_optional_table, coerce_table, mask_out_of_range
from trueline.core.tables.table_schema import Column

COLUMNS = [
    Column("player", "text", "before", "who", required=True),
    Column("home", "whole", "before", "1 at home"),
    Column("start", "time", "before", "when"),
    Column("points", "number", "after", "how many", low=0, high=100),
]


def raw(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"player": ["a", "b", "c"]} | columns)


@pytest.mark.parametrize("ids", [[7, 12, None], ["7", "12", None], pd.array([7, 12, None], dtype="Int64")], ids=str)
def test_a_gap_among_numbers_that_serve_as_names_changes_no_name(ids: Any) -> None:
    assert coerce_table(raw(player=ids), COLUMNS, "games")["player"].tolist()[:2] == ["7", "12"]


def test_zeros_before_a_number_are_part_of_a_name_that_is_text() -> None:
    assert coerce_table(raw(player=["007", "7", "7.0"]), COLUMNS, "games")["player"].tolist() == ["007", "7", "7.0"]


@pytest.mark.parametrize(
    "home",
    [[True, False, None], [1, 0, None], ["true", " False", ""], ["1", "0", None], ["TRUE", "0", np.nan]],
    ids=str,
)
def test_flags_are_one_and_zero_however_they_are_written(home: list[Any]) -> None:
    found = coerce_table(raw(home=home), COLUMNS, "games", ["home"])
    assert found["home"].tolist()[:2] == [1, 0]
    assert np.isnan(found["home"][2])
    assert not found["unreadable"].any()


def test_a_row_that_lost_a_needed_value_is_flagged_and_one_that_lost_another_is_not() -> None:
    table = raw(start=["2024-03-01", "soon", None], points=[1, 2, "many"])
    assert coerce_table(table, COLUMNS, "games")["unreadable"].tolist() == [False, True, False]
    assert coerce_table(table, COLUMNS, "games", ["points"])["unreadable"].tolist() == [False, True, True]


def test_a_column_that_is_unreadable_in_every_row_is_rejected_with_its_first_value() -> None:
    with pytest.raises(
        UserError, match=r"games: start is unreadable in every row \(first value: '7:30 pm'\); write it as a day"
    ):
        coerce_table(raw(start="7:30 pm"), COLUMNS, "games")
    assert coerce_table(raw(points="many"), COLUMNS, "games")["points"].isna().all()


@pytest.mark.parametrize("table", [None, pd.DataFrame(), raw().head(0), raw(start="", other=1).head(0)])
def test_no_table_and_an_empty_one_are_one_without_rows(table: pd.DataFrame | None) -> None:
    found = coerce_optional_table(table, COLUMNS, "lines")
    assert found.empty
    assert found.dtypes.equals(coerce_table(raw(), COLUMNS, "lines").dtypes)


def test_an_empty_table_with_a_wrong_column_name_is_still_rejected() -> None:
    with pytest.raises(UserError, match="lines has no column 'player'; did you mean 'playr'"):
        coerce_optional_table(pd.DataFrame({"playr": []}), COLUMNS, "lines")


def test_values_beyond_their_limits_become_missing_and_are_counted_with_the_unreadable() -> None:
    table = pd.DataFrame({"player": list("abcde"), "points": [-1, 101, "many", None, 100]})
    rows, counts = mask_out_of_range(table, coerce_table(table, COLUMNS, "games").iloc[::-1], COLUMNS)
    assert counts == {"points": 3}
    assert rows["points"].dropna().to_dict() == {4: 100}
