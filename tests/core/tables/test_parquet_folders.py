"""Parquet folders: a table of many Parquet files reads like one file that holds all their rows."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.core.errors import UserError
from trueline.core.tables.raw_sources import list_source_tables, read_source_table

TABLE = pd.DataFrame(
    {"runner": ["Ann", "Bo", "Cy", "Di"], "box": [1, 2, 3, 4], "year": [2023, 2023, 2024, 2024], "venue": list("ABAB")}
)


def write_part(folder: Path, rows: pd.DataFrame, name: str = "part-0.parquet") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows.to_parquet(folder / name, index=False)


@given(st.lists(st.integers(0, 4), min_size=4, max_size=4))
def test_rows_split_over_any_number_of_parts_read_like_one_file(parts: list[int]) -> None:
    with TemporaryDirectory() as source:
        for number in set(parts):
            rows = TABLE[[part == number for part in parts]]
            write_part(Path(source) / "runners", rows, f"{number:05d}.parquet")
        table = read_source_table(source, "runners")
    order = sorted(range(4), key=lambda row: (parts[row], row))
    pd.testing.assert_frame_equal(table, TABLE.iloc[order].reset_index(drop=True))


def test_folders_named_by_key_and_value_are_columns_in_the_order_of_the_path(tmp_path: Path) -> None:
    for (year, venue), rows in TABLE.groupby(["year", "venue"]):
        write_part(tmp_path / f"runners/year={year}/venue={venue}", rows[["runner", "box"]])
    (tmp_path / "runners/_SUCCESS").touch()
    (tmp_path / "runners/_metadata").write_bytes(b"no table")
    assert list_source_tables(str(tmp_path)) == ["runners"]
    pd.testing.assert_frame_equal(read_source_table(str(tmp_path), "runners"), TABLE)


def test_a_value_that_is_escaped_or_missing_or_has_leading_zeros_is_read_as_it_was(tmp_path: Path) -> None:
    for value in ("Rose%20Hill", "__HIVE_DEFAULT_PARTITION__", "007"):
        write_part(tmp_path / f"runners/venue={value}", TABLE[["runner"]].head(1))
    assert set(read_source_table(str(tmp_path), "runners")["venue"].fillna("none")) == {"Rose Hill", "none", "007"}


def test_a_column_of_the_files_wins_over_the_name_of_their_folder(tmp_path: Path) -> None:
    write_part(tmp_path / "year=1999/runners/year=2030", TABLE)
    pd.testing.assert_frame_equal(read_source_table(str(tmp_path / "year=1999"), "runners"), TABLE)


def test_a_folder_around_the_source_gives_no_column(tmp_path: Path) -> None:
    write_part(tmp_path / "run=5", TABLE, "runners.parquet")
    pd.testing.assert_frame_equal(read_source_table(str(tmp_path / "run=5"), "runners"), TABLE)


def test_a_folder_may_have_the_suffix_that_spark_gives_it(tmp_path: Path) -> None:
    write_part(tmp_path / "runners.parquet", TABLE, "part-00000-c000.snappy.parquet")
    pd.testing.assert_frame_equal(read_source_table(str(tmp_path), "runners"), TABLE)


def test_a_file_and_a_folder_of_one_table_are_refused_by_name(tmp_path: Path) -> None:
    write_part(tmp_path / "runners", TABLE)
    TABLE.to_csv(tmp_path / "runners.csv", index=False)
    with pytest.raises(UserError, match=r"holds runners\.csv and runners; keep only one of them"):
        read_source_table(str(tmp_path), "runners")


def test_a_folder_with_other_files_is_no_table(tmp_path: Path) -> None:
    write_part(tmp_path / "archive", TABLE)
    (tmp_path / "archive/readme.txt").write_text("old")
    write_part(tmp_path / "runners", TABLE)
    assert list_source_tables(str(tmp_path)) == ["runners"]


def test_a_broken_part_is_named_in_the_sentence(tmp_path: Path) -> None:
    write_part(tmp_path / "runners", TABLE)
    (tmp_path / "runners/part-1.parquet").write_bytes(b"PAR1 broken")
    with pytest.raises(UserError, match=r"runners/part-1\.parquet cannot be read as parquet"):
        read_source_table(str(tmp_path), "runners")


def test_added_parts_follow_the_rows_of_the_folder(tmp_path: Path) -> None:
    write_part(tmp_path / "runners", TABLE)
    TABLE.head(1).assign(runner="Ed").to_parquet(tmp_path / "runners.part000001.parquet")
    assert read_source_table(str(tmp_path), "runners")["runner"].tolist() == ["Ann", "Bo", "Cy", "Di", "Ed"]
