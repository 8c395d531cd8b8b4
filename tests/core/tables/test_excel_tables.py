"""Excel tables: what a workbook shows is what is read, and a doubtful workbook is refused in one sentence."""

import io
import zipfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.errors import UserError
from trueline.core.tables.excel_tables import read_excel_table
from trueline.core.tables.raw_sources import list_source_tables, read_source_table, read_table_file

CELLS = st.one_of(
    st.none(),
    st.integers(-(10**9), 10**9),
    st.integers(-(10**6), 10**6).map(lambda number: number + 0.25),
    st.from_regex(r"[0-9]{1,9}", fullmatch=True),
    st.sampled_from(["Señor Ñ", "5/2", "1.260200010"]),
)


def save(**sheets: list[list[Any]]) -> bytes:
    """Return a workbook of the sheets, by their titles."""
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.worksheets[0])
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(row)
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def put(folder: Path, name: str, **sheets: list[list[Any]]) -> None:
    (folder / name).write_bytes(save(**sheets))


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8))
@settings(max_examples=12, deadline=None)
def test_every_cell_comes_back_as_it_was_written(rows: list[tuple[Any, Any]]) -> None:
    table = read_excel_table(save(Sheet1=[["id", "value", "last"], *([*row, "x"] for row in rows)]), "games")
    for name, position in (("id", 0), ("value", 1)):
        cells = [None if pd.isna(cell) else cell for cell in table[name]]
        assert cells == [row[position] for row in rows]
        assert [type(cell) for cell in cells] == [type(row[position]) for row in rows]


def test_ids_stay_text_and_whole_numbers_stay_whole(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["0012", 7, 1.5, None], ["0013", 8, 2, 9], ["0014", None, 3, 10]]
    put(tmp_path, "runners.xlsx", runners=[["id", "number", "price", "gap"], *rows])
    table = read_source_table(str(tmp_path), "runners")
    assert list_source_tables(str(tmp_path)) == ["runners"]
    assert table["id"].tolist() == ["0012", "0013", "0014"]
    assert table["number"].dropna().astype(str).tolist() == ["7", "8"]
    assert table["gap"].dropna().astype(str).tolist() == ["9", "10"]
    assert table["price"].tolist() == [1.5, 2.0, 3.0]


def test_a_number_that_is_shown_with_leading_zeros_is_an_id() -> None:
    workbook = openpyxl.load_workbook(io.BytesIO(save(games=[["id"], [7], [12]])))
    for cell in ("A2", "A3"):
        workbook["games"][cell].number_format = "00000000"
    workbook.save(stream := io.BytesIO())
    assert read_excel_table(stream.getvalue(), "games")["id"].tolist() == ["00000007", "00000012"]


def test_dates_are_times_and_dates_among_text_are_in_iso_form() -> None:
    moments = [datetime(2025, 3, 1), datetime(2025, 3, 2, 19, 30)]
    header = ["day", "moment", "mixed", "clock"]
    rows: list[list[Any]] = [
        [date(2025, 3, 1), moments[0], moments[0], time(12, 30)],
        [None, moments[1], "3 March 2025", "1:05"],
    ]
    table = read_excel_table(save(games=[header, *rows]), "games")
    assert table["day"].dropna().tolist() == [pd.Timestamp("2025-03-01")]
    assert table["moment"].tolist() == [pd.Timestamp(moment) for moment in moments]
    assert table["mixed"].tolist() == ["2025-03-01", "3 March 2025"]
    assert table["clock"].tolist() == ["12:30:00", "1:05"]


def test_blank_rows_and_columns_are_left_out_and_short_rows_filled() -> None:
    rows: list[list[Any]] = [[], [None, "id", "value"], [], [None, "a"], [None, "b", 2]]
    table = read_excel_table(save(Sheet1=rows, Notes=[["made by hand"]]), "games")
    assert list(table) == ["id", "value"]
    assert table["id"].tolist() == ["a", "b"]
    assert table["value"].dropna().tolist() == [2]


def test_a_name_that_occurs_twice_keeps_both_columns() -> None:
    table = read_excel_table(save(Sheet1=[["id", "id", "id"], [1, 2, 3]]), "games")
    assert table.iloc[0].to_dict() == {"id": 1, "id ": 2, "id  ": 3}


def test_of_several_sheets_the_one_with_the_name_of_the_table_is_read(tmp_path: Path) -> None:
    sheets: dict[str, list[list[Any]]] = {"Other": [["a"], [1]], "Games": [["b"], [2]]}
    put(tmp_path, "games_2024.xlsx", **sheets)
    assert read_source_table(str(tmp_path), "games")["b"].tolist() == [2]
    put(tmp_path, "season.xlsx", **sheets)
    sentence = (
        r"season.xlsx cannot be read as xlsx: 2 sheets hold tables \('Other', 'Games'\); name the one .* 'season'"
    )
    with pytest.raises(UserError, match=sentence):
        read_table_file(tmp_path / "season.xlsx")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty; a table with a header and rows is needed"),
        (b"no workbook", "cannot be read as xlsx: it is no .xlsx workbook, or protected by a password"),
        (save(Sheet1=[]), "cannot be read as xlsx: no sheet has a header and rows"),
        (save(Sheet1=[["id"]]), "cannot be read as xlsx: no sheet has a header and rows"),
        (save(Sheet1=[["id", "n"], [1, "=1+1"]]), "cannot be read as xlsx: cell B2 of sheet 'Sheet1' is a formula"),
    ],
)
def test_a_workbook_without_a_table_is_refused_in_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "games.xlsx").write_bytes(content)
    with pytest.raises(UserError, match=f"games.xlsx {sentence}") as error:
        read_source_table(str(tmp_path), "games")
    assert "\n" not in str(error.value)


def test_a_formula_with_a_saved_result_is_read_as_its_result() -> None:
    content = save(Sheet1=[["id", "n"], [1, "=1+1"]])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b"<f>1+1</f><v />", b"<f>1+1</f><v>2</v>")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    assert read_excel_table(stream.getvalue(), "games")["n"].tolist() == [2]


def test_the_old_format_is_refused_and_the_file_of_an_open_workbook_is_no_table(tmp_path: Path) -> None:
    put(tmp_path, "~$games.xlsx", games=[["a"], [1]])
    (tmp_path / "games.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    assert list_source_tables(str(tmp_path)) == []
    with pytest.raises(UserError, match=r"holds games.xls, which is not one of .*\.xlsx; save it as one of these"):
        read_source_table(str(tmp_path), "games")
