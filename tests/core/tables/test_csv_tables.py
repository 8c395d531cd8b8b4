"""CSV tables as programs export them: encodings, separators, repeated headers, cells too many, and broken quotes."""

import gzip
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.errors import UserError
from trueline.core.tables.column_mapping import find_targets, unify_files
from trueline.core.tables.csv_tables import decode_text, read_csv_table
from trueline.core.tables.raw_sources import FILE_COLUMN, read_source_table, read_table_file
from trueline.core.tables.raw_tables import read_raw_table
from trueline.core.tables.source_settings import PLAIN_SOURCE
from trueline.core.tables.table_schema import Column

CELL = st.text("abcÉñ'’ 123,;|\t\n\"", max_size=8).map(str.strip)
ROWS = st.lists(st.tuples(CELL, CELL, st.integers(0, 9).map(str)), min_size=1, max_size=6)
COLUMNS = [
    Column("runner", "text", "before", "the runner", required=True),
    Column("bsp", "number", "at_start", "price", "decimal odds", required=True),
]


@settings(max_examples=60, deadline=None)
@given(ROWS, st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), st.booleans())
def test_a_table_is_the_same_in_every_encoding_and_with_every_separator(
    rows: list[tuple[str, str, str]], separator: str, encoding: str, has_separator_line: bool
) -> None:
    table = pd.DataFrame(rows, columns=["runner", "trainer", "box"])
    text = table.to_csv(index=False, sep=separator, quoting=1)
    text = f"sep={separator}\n{text}" if has_separator_line else text
    found = read_csv_table(decode_text(text.encode(encoding)), "a.csv", None if has_separator_line else separator)
    expected = table.map(lambda cell: cell.replace("\r", "\n"))
    assert found.fillna("").to_numpy().tolist() == expected.replace(list(NA_WORDS), "").to_numpy().tolist()


NA_WORDS = ("NA", "nan", "null")


@given(st.lists(st.integers(0, 5), max_size=4), st.integers(0, 2))
def test_repeated_headers_and_empty_cells_at_the_end_leave_no_trace(positions: list[int], empty_cells: int) -> None:
    lines = [f"r{number},{number}" for number in range(6)]
    for position in positions:
        lines.insert(position, "runner,box")
    text = "\n".join(["runner,box", *(line + "," * empty_cells for line in lines)])
    table = read_csv_table(text, "a.csv", None)
    assert table["runner"].tolist() == [f"r{number}" for number in range(6)]
    assert list(table.columns) == ["runner", "box"]


BROKEN = {
    "a cell too many": ("a,b,c\n1,2,3\n1,2,3,4\n", "line 3 has 4 cells, the header 3; put quotation marks"),
    "a title": (
        "Results\nrunner,box\nAnn,1\n",
        "its rows have 2 cells, .* or remove a title above",
    ),
    "rows of more cells": (
        "a,b\n1,2,3\n1,2,3\n",
        "its rows have 3 cells, and the header has 2; name the other",
    ),
    "an open quote": ('a,b\n"1,2\n3,4\n', "a quotation mark in row .* is never closed"),
    "two open quotes": (
        'a,b,c,d\n1,"x,3,4\n1,2,3,4\n1,2,3,4\n1,y",3,4\n',
        "b in row 1 holds the rest of its row and 3 more; close the quotation mark in it",
    ),
    "open quotes in neighbouring rows": (
        'a,b,c,d\n1,2,"x,4\n1,2,"y,4\n1,2,3,4\n',
        "c in row 1 holds the rest of its row and 1 more; close the quotation mark in it",
    ),
    "open quotes in other columns of neighbouring rows": (
        'a,b,c,d,e,f\n1,"x,3,4,5,6\n1,2,"y,4,5,6\n',
        "b in row 1 holds the rest of its row and 1 more; close the quotation mark in it",
    ),
    "blank lines": ("\n \n", "it is empty"),
    "NUL": ("a,b\n1,\x002\n", "it holds NUL characters"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_with_the_line_and_the_remedy(name: str, tmp_path: Path) -> None:
    text, sentence = BROKEN[name]
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(UserError, match=rf"a.csv cannot be read as csv: .*{sentence}"):
        read_table_file(tmp_path / "a.csv")


def test_prose_of_several_lines_is_a_cell() -> None:
    text = 'id,name,text,tags\n1,Jazz,"One, two, three.\nFour, five.\nSix, seven, eight, nine.",art\n'
    assert read_csv_table(text, "a.csv", None)["text"].str.count("\n").tolist() == [2]


def test_a_repeated_name_is_that_name_and_refused_where_it_contradicts() -> None:
    table = read_csv_table("runner,bsp,bsp\nAnn,2.5,2.5\nBen,3.0,3.1\n", "a.csv", None)
    with pytest.raises(UserError, match=r"which are all bsp and differ in 1 rows \(first row: 2\)"):
        read_raw_table(table, COLUMNS, PLAIN_SOURCE, "racing", {})
    agreeing = read_raw_table(table.iloc[:1], COLUMNS, PLAIN_SOURCE, "racing", {})
    assert agreeing.rows["bsp"].tolist() == [2.5]


def test_a_title_above_the_header_is_named() -> None:
    table = pd.DataFrame([["runner", "bsp", "x"]], columns=["Results", "Unnamed: 1", "Unnamed: 2"])
    with pytest.raises(UserError, match="its first line seems to be a title"):
        read_raw_table(table, COLUMNS, PLAIN_SOURCE, "racing", {})


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from(["runner", "Runner Name", "HORSE", "Pferd"]), min_size=2, max_size=4))
def test_every_file_of_a_table_may_call_its_columns_in_its_own_way(names: list[str]) -> None:
    synonyms = {"runner": ("runner_name", "horse"), "bsp": ("sp",)}
    configured = PLAIN_SOURCE.model_copy(update={"columns": {"Pferd": "runner"}})
    files = [pd.DataFrame({name: [f"n{at}"], "sp" if at else "bsp": [at + 2.0]}) for at, name in enumerate(names)]
    raw = pd.concat([table.assign(**{FILE_COLUMN: f"f{at}.csv"}) for at, table in enumerate(files)], ignore_index=True)
    table = read_raw_table(raw, COLUMNS, configured, "racing", synonyms)
    assert table.rows["runner"].tolist() == [f"n{at}" for at in range(len(names))]
    assert table.rows["bsp"].tolist() == [at + 2.0 for at in range(len(names))]
    assert any("columns of f1.csv read under our names" in note for note in table.notes)


def test_a_file_that_lacks_a_needed_column_is_named_and_its_rows_have_gaps() -> None:
    raw = pd.DataFrame({"runner": ["a", "b"], "bsp": [2.0, None]})
    unified, notes = unify_files(raw, pd.Series(["f0.csv", "f1.csv"]), COLUMNS, PLAIN_SOURCE, "racing", {})
    assert unified["bsp"].isna().tolist() == [False, True]
    assert notes == ["racing: f1.csv has no column bsp"]
    assert find_targets(["bsp"], COLUMNS, {}, {}) == {"bsp": "bsp"}


def test_files_of_one_table_with_other_columns_keep_their_names(tmp_path: Path) -> None:
    (tmp_path / "runners_1.csv").write_text("runner,bsp\nAnn,2.0\n")
    (tmp_path / "runners_2.csv.gz").write_bytes(gzip.compress(b"Horse;SP\nBen;3,0\n"))
    table = read_raw_table(
        read_source_table(str(tmp_path), "runners"),
        COLUMNS,
        PLAIN_SOURCE,
        "racing",
        {"runner": ["horse"], "bsp": ["sp"]},
    )
    assert table.rows[["runner", "bsp"]].to_numpy().tolist() == [["Ann", 2.0], ["Ben", 3.0]]


def test_wrapped_rows_of_json_are_its_rows_and_a_named_index_is_a_column(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"count": 2, "results": [{"id": "x"}, {"id": "y"}]}')
    assert read_table_file(tmp_path / "a.json")["id"].tolist() == ["x", "y"]
    pd.DataFrame({"id": ["x", "y"], "v": [1, 2]}).set_index("id").to_parquet(tmp_path / "b.parquet")
    assert read_table_file(tmp_path / "b.parquet")["id"].tolist() == ["x", "y"]
