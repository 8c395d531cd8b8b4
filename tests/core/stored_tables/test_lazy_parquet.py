"""Lazy Parquet: a table reads its columns one by one, and caches no more of them than its limit allows."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal, assert_series_equal

from trueline.core.stored_tables import lazy_parquet
from trueline.core.stored_tables.lazy_parquet import LazyTable, is_number_column, iter_columns, make_frame
from trueline.core.tables import table_schema

TABLE = pd.DataFrame({
    "row_id": ["c", "a", "b", "d"],
    "team": ["York", None, "Ayr", "York"],
    "breed": pd.Categorical(["x", "y", "x", None], categories=["y", "x"]),
    "points": [1.5, np.nan, 3.0, -0.0],
    "games": [4, 3, 2, 1],
    "at": pd.to_datetime(["2024-01-02", "NaT", "2024-01-04", "2024-01-05"]).astype("datetime64[us]"),
})  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    table_schema.write_table(TABLE, tmp_path / "table.parquet")
    return tmp_path / "table.parquet"


def test_columns_are_those_of_read_table_except_that_texts_are_sorted_categories(path: Path) -> None:
    found, read = LazyTable(path), table_schema.read_table(path)
    assert list(found.columns) == list(read)
    assert len(found) == len(read)
    for name in ("breed", "points", "games", "at"):
        assert_series_equal(found[name], read[name])
    for name in ("row_id", "team"):
        assert found[name].cat.categories.tolist() == sorted(read[name].dropna().unique())
        assert_series_equal(found[name].astype("str"), read[name])


def test_a_table_of_several_row_groups_is_whole(path: Path) -> None:
    pq.write_table(pa.Table.from_pandas(TABLE, preserve_index=False), path, row_group_size=1)
    found = LazyTable(path)
    assert_series_equal(found["team"].astype("str"), TABLE["team"].astype("str"))
    assert_series_equal(found["points"], TABLE["points"])


def test_columns_are_cached_up_to_the_limit(path: Path) -> None:
    size = TABLE["points"].memory_usage(index=False)
    roomy, tight = LazyTable(path), LazyTable(path, cache_bytes=size)
    assert roomy["points"] is roomy["points"]
    assert roomy["games"] is roomy["games"]
    assert tight["points"] is tight["points"]
    assert tight["games"] is not tight["games"]


def test_replacements_override_the_columns_of_the_file(path: Path) -> None:
    replacement = pd.Series([7, 8, 9, 10], name="row_id")
    assert LazyTable(path, {"row_id": replacement})["row_id"] is replacement


def test_a_column_that_is_not_there_is_an_error_as_in_a_data_frame(path: Path) -> None:
    found = LazyTable(path)
    assert "points" in found
    assert "no such" not in found
    with pytest.raises(KeyError):
        found["no such"]


def test_number_columns_are_recognised_without_reading_them(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = LazyTable(path)
    monkeypatch.setattr(lazy_parquet.LazyTable, "_read_column", lambda *_: pytest.fail("a column was read"))
    assert [name for name in found.columns if is_number_column(found, name)] == ["points", "games"]
    assert [name for name in TABLE if is_number_column(TABLE, str(name))] == ["points", "games"]


def test_frames_and_iterated_columns_are_the_same_for_both_kinds_of_table(path: Path) -> None:
    found, names, rows = LazyTable(path), ["games", "points"], np.array([3, 0])
    expected = TABLE[names].iloc[rows].reset_index(drop=True)
    assert_frame_equal(make_frame(found, names, rows), expected)
    assert_frame_equal(make_frame(TABLE, names, rows), expected)
    assert_frame_equal(pd.DataFrame(dict(iter_columns(found, names))), pd.DataFrame(dict(iter_columns(TABLE, names))))
    assert list(iter_columns(found, [])) == []
