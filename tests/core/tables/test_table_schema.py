"""Table schema: columns get their declared types, whatever they came as, and equal tables give equal bytes."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.errors import UserError
from trueline.core.tables.table_schema import (
    Column,
    Kind,
    coerce_types,
    flag_unparseable,
    read_declarations,
    read_table,
    validate_table,
    write_table,
)

COLUMNS = [
    Column("runner", "text", "before", "who runs", required=True, nullable=False),
    Column("weight", "number", "before", "of the dog", "kg", low=20, high=45),
    Column("box", "whole", "before", "starting box", low=1, high=8),
    Column("time", "time", "before", "of the race"),
    Column("going", "text", "after", "of the track", allowed=("good", "soft")),
]
NOON = pd.Timestamp("2024-03-01 12:00")


def column(kind: Kind, values: list[Any]) -> list[Any]:
    """Return raw values typed as a kind, missing ones as None."""
    table = coerce_types(
        pd.DataFrame({"a": pd.Series(values, dtype=object)}), [Column("a", kind, "before", "")], "here"
    )
    return [None if pd.isna(value) else value for value in table["a"]]


@pytest.mark.parametrize(
    ("kind", "raw", "meant"),
    [
        ("text", [" Ann ", "", "  ", None, 7], ["Ann", None, None, None, "7"]),
        ("number", ["1.5", 2, "n/a", None, "inf", np.nan], [1.5, 2.0, None, None, None, None]),
        ("whole", ["3", 4.0, 4.5, "x"], [3.0, 4.0, None, None]),
        ("time", ["2024-03-01T12:00", "2024-03-01 12:00:00", NOON, "soon", None], [NOON, NOON, NOON, None, None]),
        ("time", ["2024-03-01T12:00Z", "2024-03-01T13:00+01:00"], [NOON, NOON]),
        ("time", ["2024-03-01T12:00", "2024-03-01T13:00+01:00"], [NOON, NOON]),
        ("time", ["2024-03-01"], [pd.Timestamp("2024-03-01")]),
    ],
)
def test_a_raw_value_becomes_what_it_means_or_missing(kind: Kind, raw: list[Any], meant: list[Any]) -> None:
    assert column(kind, raw) == meant


def test_times_of_every_precision_and_zone_become_the_same_moment() -> None:
    for values in (pd.Series([NOON]).astype("datetime64[ns]"), pd.Series([NOON]).dt.tz_localize("UTC")):
        table = coerce_types(pd.DataFrame({"a": values}), [Column("a", "time", "before", "")], "here")
        assert table["a"].tolist() == [NOON]
        assert table["a"].dtype == "datetime64[us]"


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1))
def test_numbers_survive_being_written_as_text(values: list[float]) -> None:
    assert column("number", [repr(value) for value in values]) == values


def test_the_table_holds_the_declared_columns_in_order_and_no_other() -> None:
    raw = pd.DataFrame({"weight": [30], "runner": ["ann"], "tip": ["win"]}, index=[5])
    table = coerce_types(raw, COLUMNS, "here")
    assert list(table) == [column.name for column in COLUMNS]
    assert table.index.tolist() == [5]
    assert table.drop(columns=["runner", "weight"]).isna().all().all()
    assert [table[name].dtype.kind for name in ("weight", "box", "time", "runner")] == ["f", "f", "M", "O"]


def test_an_absent_required_column_is_rejected_with_the_nearest_present() -> None:
    with pytest.raises(UserError, match=r"races\.csv has no column 'runner'; did you mean 'runners'\?"):
        coerce_types(pd.DataFrame({"runners": ["ann"]}), COLUMNS, "races.csv")


def test_a_table_without_rows_is_rejected() -> None:
    with pytest.raises(UserError, match="here has no rows"):
        coerce_types(pd.DataFrame({"runner": []}), COLUMNS, "here")


def test_values_that_could_not_be_read_are_distinguished_from_missing_ones() -> None:
    raw = pd.DataFrame({"runner": "ann", "weight": ["30", "heavy", None, " ", "inf"], "box": [1, 2.5, None, 3, 4]})
    table = coerce_types(raw, COLUMNS, "here")
    assert flag_unparseable(raw, table, "weight").tolist() == [False, True, False, False, True]
    assert flag_unparseable(raw, table, "box").tolist() == [False, True, False, False, False]
    assert not flag_unparseable(raw, table, "going").any()


def good() -> pd.DataFrame:
    raw = {"runner": ["ann", "bob"], "weight": [30, None], "box": [1, 8], "time": [NOON, NOON], "going": ["good", None]}
    return coerce_types(pd.DataFrame(raw), COLUMNS, "here")


def test_a_table_within_its_limits_passes() -> None:
    validate_table(good(), COLUMNS, "here")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("runner", None, "here: runner is missing in 1 rows; give every row a value"),
        ("weight", 300.0, "here: weight ranges from 30.0 to 300.0 kg; allowed is 20 to 45"),
        ("box", 0.0, "here: box ranges from 0.0 to 1.0; allowed is 1 to 8"),
        ("going", "god", r"here: going is 'god'; did you mean 'good'\? Allowed: good, soft"),
    ],
)
def test_a_value_outside_its_limits_is_rejected(name: str, value: Any, sentence: str) -> None:
    table = good()
    table.loc[1, name] = value
    with pytest.raises(UserError, match=sentence):
        validate_table(table, COLUMNS, "here")


def test_a_limit_on_one_side_leaves_the_other_open() -> None:
    with pytest.raises(UserError, match="allowed is 0 to ∞"):
        validate_table(pd.DataFrame({"a": [-1.0]}), [Column("a", "number", "before", "", low=0)], "here")
    validate_table(pd.DataFrame({"a": [1e9]}), [Column("a", "number", "before", "", low=0)], "here")


def test_a_table_is_read_back_as_it_was_with_its_declarations(tmp_path: Path) -> None:
    table = good().assign(trainer=pd.Categorical(["x", None]), fit=pd.Series(["fit", None], dtype=object))
    write_table(table, tmp_path / "a.parquet", COLUMNS)
    again = read_table(tmp_path / "a.parquet")
    assert again.drop(columns="trainer").equals(
        table.drop(columns="trainer").astype(again.drop(columns="trainer").dtypes)
    )
    assert again["trainer"].dtype == table["trainer"].dtype
    assert read_declarations(tmp_path / "a.parquet") == COLUMNS


def test_a_table_without_declarations_has_none(tmp_path: Path) -> None:
    write_table(good(), tmp_path / "ours.parquet")
    good().to_parquet(tmp_path / "theirs.parquet")
    assert read_declarations(tmp_path / "ours.parquet") == read_declarations(tmp_path / "theirs.parquet") == []


def test_equal_tables_are_equal_bytes(tmp_path: Path) -> None:
    for name, table in (("a", good()), ("b", pd.concat([good(), good()])[2:])):
        write_table(table.reset_index(drop=True), tmp_path / name, COLUMNS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
