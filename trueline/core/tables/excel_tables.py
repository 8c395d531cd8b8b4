"""Excel tables: the table of an .xlsx workbook; ids stay as they are written, and days and numbers keep their type."""

import io
import re
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import pandas as pd

ROW_LIMIT_OF_LISTS = 5  # sheets named in an error
PADDED_FORMAT = re.compile(r"0{2,}")  # shows 7 as 007: an id
FORMULA_IN_SHEET = re.compile(rb"<f[ >/]")
Cells = list[list[Any]]


def read_excel_table(content: bytes, table_name: str) -> pd.DataFrame:
    """Return the table of a workbook: the sheet of the table's name, else the only one that holds a table.

    The first row that is not blank is the header; blank rows and columns are left out. Whole numbers are whole, numbers
    shown with leading zeros are text, and a column of dates has times. Raises ValueError if the workbook is broken, if
    no sheet or several hold a table, and for formulas whose result is not saved.
    """
    # imported here, because the service's image reads no workbooks
    import openpyxl

    try:
        workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheets = {sheet.title: _read_cells(sheet) for sheet in workbook.worksheets}
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise ValueError(
            f"it is no .xlsx workbook, or protected by a password ({' '.join(str(error).split())})"
        ) from None
    title = _choose_sheet(sheets, table_name)
    if _has_formulas(content):
        _require_results(openpyxl.load_workbook(io.BytesIO(content))[title], sheets[title])
    return _build_table(sheets[title])


def _read_cells(sheet: Any) -> Cells:
    sheet.reset_dimensions()  # some writers state wrong ones
    return [[_read_cell(cell) for cell in row] for row in sheet.iter_rows()]


def _read_cell(cell: Any) -> Any:
    value = cell.value
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a workbook has no whole numbers
    if type(value) is int and PADDED_FORMAT.fullmatch(cell.number_format or ""):
        return str(value).zfill(len(cell.number_format))
    return value


def _choose_sheet(sheets: dict[str, Cells], table_name: str) -> str:
    titles = [title for title, cells in sheets.items() if sum(map(_has_value, cells)) > 1]
    named = [title for title in titles if title.strip().lower() == table_name.lower()]
    if len(named or titles) == 1:
        return (named or titles)[0]
    if not titles:
        raise ValueError("no sheet has a header and rows")
    listed = ", ".join(map(repr, titles[:ROW_LIMIT_OF_LISTS]))
    raise ValueError(f"{len(titles)} sheets hold tables ({listed}); name the one that is meant {table_name!r}")


def _has_value(row: Sequence[Any]) -> bool:
    return any(value is not None for value in row)


def _has_formulas(content: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheet_names = [name for name in archive.namelist() if "worksheets/" in name]
        return any(FORMULA_IN_SHEET.search(archive.read(name)) for name in sheet_names)


def _require_results(sheet: Any, cells: Cells) -> None:
    """Raise ValueError for the first formula of a sheet that has no saved result, which `cells` hold."""
    for row, values in zip(sheet.iter_rows(), cells, strict=False):
        for cell, value in zip(row, values, strict=False):
            if cell.data_type == "f" and value is None:
                raise ValueError(
                    f"cell {cell.coordinate} of sheet {sheet.title!r} is a formula whose result is not saved; save the "
                    "workbook in a spreadsheet program, or write values"
                )


def _build_table(cells: Cells) -> pd.DataFrame:
    header, *rows = [row for row in cells if _has_value(row)]
    width = max(map(len, (header, *rows)))
    padded = [[*row, *[None] * (width - len(row))] for row in (header, *rows)]
    columns: dict[str, pd.Series] = {}
    for position, title in enumerate(padded[0]):
        values = pd.Series([row[position] for row in padded[1:]], dtype=object)
        if title is None and values.isna().all():
            continue
        name = f"Unnamed: {position}" if title is None else str(title).strip()
        while name in columns:
            name += " "  # which stays that name for who looks for it
        columns[name] = _convert_dates(values)
    return pd.DataFrame(columns)


def _convert_dates(values: pd.Series) -> pd.Series:
    """Return a column of dates as times; dates among other cells, and times of day, as text in ISO 8601."""
    is_date = values.map(lambda value: isinstance(value, date))
    if is_date.any() and (is_date | values.isna()).all():
        return pd.to_datetime(values).astype("datetime64[us]")
    return pd.Series([_format_time(value) for value in values], values.index, dtype=object)


def _format_time(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, timedelta):
        minutes, seconds = divmod(int(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return value.isoformat() if isinstance(value, date | time) else value
