"""CSV tables: the text of a CSV as a table, also where the export has a line or a cell too many; and what is broken."""

import csv
import io
import re
from collections.abc import Sequence

import pandas as pd

SEPARATORS = (",", ";", "\t", "|")
SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)  # with which a spreadsheet program is told the separator
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
RAGGED_ROW = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")
OPEN_QUOTE = re.compile(r"EOF inside string starting at row (\d+)")
LEAST_SEPARATORS = 3  # with fewer in a row, lines of prose look like rows


def decode_text(content: bytes) -> str:
    """Return a file's text in UTF-8, or in UTF-16 if a byte-order mark says so.

    Raises UnicodeDecodeError for another encoding, and ValueError for NUL characters, which are in no table.
    """
    text = content.decode("utf-16" if content.startswith(UTF_16_MARKS) else "utf-8-sig")
    if "\x00" in text:
        raise ValueError("it holds NUL characters, as a damaged file does, or UTF-16 without a mark; save it as UTF-8")
    return text


def read_csv_table(text: str, file_name: str, separator: str | None) -> pd.DataFrame:
    """Return the table of a CSV, all cells as text; without `separator` the header tells it, and it is printed.

    A line `sep=;` is heeded, rows that repeat the header are left out, and so is an empty cell at the end of every
    row. Of two columns of one name the second has a blank behind its name. Raises ValueError for rows with more cells
    than the header, and for a quotation mark that is not closed.
    """
    if separator_line := SEPARATOR_LINE.match(text):
        text, separator = text[separator_line.end() :], separator or separator_line[1]
    if not text.strip():
        raise ValueError("it is empty; a header and rows are needed")
    separator = separator or _find_separator(text, file_name)
    try:
        table = pd.read_csv(io.StringIO(text), sep=separator, dtype=str)
    except pd.errors.ParserError as error:
        raise ValueError(_explain_error(str(error))) from None
    table = _require_even_rows(table)
    if '"' in text:
        _reject_open_quotes(table, separator)
    return name_repeated_columns(drop_repeated_headers(table, file_name), _read_header(text, separator))


def drop_repeated_headers(table: pd.DataFrame, file_name: str) -> pd.DataFrame:
    """Return a table without rows that repeat the header, as joined files have them; how many these are is printed."""
    if table.shape[1] < 2:
        return table
    names = list(map(str, table.columns))
    is_header = table.iloc[:, 0].astype(str).str.strip() == names[0].strip()
    candidates = table[is_header]
    repeats = [index for index, *cells in candidates.itertuples(name=None) if _is_header(cells, names)]
    if not repeats:
        return table
    print(f"{file_name}: rows that repeat the header, left out: {len(repeats)}")
    return table.drop(index=repeats).reset_index(drop=True)


def name_repeated_columns(table: pd.DataFrame, header: Sequence[str]) -> pd.DataFrame:
    """Return a table under the names of its header; a repeated one has blanks behind it, so that it stays that name."""
    if len(header) != table.shape[1]:
        return table
    names = [name + " " * list(header[:position]).count(name) for position, name in enumerate(header)]
    is_repeated = [name in header[:position] for position, name in enumerate(header)]
    return table.set_axis(
        [new if repeated else old for new, old, repeated in zip(names, table.columns, is_repeated, strict=True)], axis=1
    )


def _find_separator(text: str, file_name: str) -> str:
    header = next(line for line in text.splitlines() if line.strip())
    separator = max(SEPARATORS, key=header.count)
    if separator != ",":
        print(f"{file_name} is separated by {separator!r}")
    return separator


def _read_header(text: str, separator: str) -> list[str]:
    lines = csv.reader(io.StringIO(text), delimiter=separator)
    try:
        return next((cells for cells in lines if any(cell.strip() for cell in cells)), [])
    except csv.Error:  # a name of more than 128 kB
        return []


def _explain_error(message: str) -> str:
    if ragged := RAGGED_ROW.search(message):
        expected, line, count = ragged.groups()
        return (
            f"line {line} has {count} cells, the header {expected}; put quotation marks around a cell that contains "
            "the separator"
        )
    if quote := OPEN_QUOTE.search(message):
        return f"a quotation mark in row {quote[1]} is never closed; close it, or remove it"
    return message


def _require_even_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose rows have as many cells as the header; pandas makes an index of what they have before."""
    if isinstance(table.index, pd.RangeIndex):
        return table
    extra = table.index.nlevels
    widened = table.reset_index()
    if not widened.iloc[:, -extra:].isna().all(axis=None):
        raise ValueError(
            f"its rows have {widened.shape[1]} cells, and the header has {table.shape[1]}; name the other columns, or "
            "remove a title above the header"
        )
    return widened.iloc[:, :-extra].set_axis(table.columns, axis=1)


def _reject_open_quotes(table: pd.DataFrame, separator: str) -> None:
    """Raise ValueError for a cell that holds rows: a quotation mark further down has closed one that was open."""
    row_separators = table.shape[1] - 1
    if row_separators < LEAST_SEPARATORS:
        return
    for position, (name, values) in enumerate(table.items()):
        for row, cell in values[values.str.contains("\n", regex=False, na=False)].items():
            counts = [line.count(separator) for line in str(cell).split("\n")]
            if _has_rows(counts, position, row_separators):
                raise ValueError(
                    f"{name} in row {int(str(row)) + 1} holds the rest of its row and {len(counts) - 1} more; close "
                    "the quotation mark in it, or remove it"
                )


def _has_rows(counts: Sequence[int], position: int, row_separators: int) -> bool:
    """Return whether the lines of a cell have the separators of the rest of a row, of whole rows, and of a beginning.

    `counts` are the separators of each line, and `position` is the cell's column. A text of several lines is no rows:
    it would need exactly as many separators.
    """
    start_count, *row_counts, end_count = counts
    if any(count != row_separators for count in row_counts):
        return False
    following_count = row_separators - position
    is_cut = start_count == following_count and (
        end_count == position or (following_count >= LEAST_SEPARATORS and end_count > 0)
    )
    return bool(row_counts) or is_cut


def _is_header(cells: Sequence[object], names: Sequence[str]) -> bool:
    return all(str(cell).strip() in (name.strip(), "nan") for cell, name in zip(cells, names, strict=True))
