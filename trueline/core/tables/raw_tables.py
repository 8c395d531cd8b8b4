"""Raw tables: a source's table under the declared names, its cells read in the forms in which they are written."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trueline.core.tables.column_mapping import Synonyms, list_pairs, map_columns, unify_files
from trueline.core.tables.date_parsing import describe_forms, read_times
from trueline.core.tables.garbled_text import REPLACEMENT
from trueline.core.tables.number_parsing import read_numbers
from trueline.core.tables.raw_sources import FILE_COLUMN, PART_COLUMN
from trueline.core.tables.source_settings import SourceSettings
from trueline.core.tables.table_schema import Column

LABELLED_NUMBER = r"^([a-z]{1,8})\.?\s*(\d{1,3})$"  # "R5", "Race 5", "Trap 5", where every cell has the same label
VALUE_KEYS = ("local", "dateTime", "date_time", "datetime", "date", "start", "utc", "iso", "value", "amount")
BOOLEAN_WORDS = {"true": "1", "yes": "1", "y": "1", "false": "0", "no": "0", "n": "0"}


@dataclass(frozen=True)
class RawTable:
    """The rows of a source under the declared names, and what the user should know of how they were read.

    Cells that can be read are typed, others are as they came. `notes` are sentences. `ignored` are names of columns,
    and `look_meant` gives those of them that are known names of a declared column, with it.
    """

    rows: pd.DataFrame
    ignored: list[str]
    look_meant: dict[str, str]
    notes: list[str]


def read_raw_table(
    raw: pd.DataFrame,
    columns: Sequence[Column],
    settings: SourceSettings,
    table_label: str,
    synonyms: Synonyms,
    day_columns: Collection[str] = (),
    key: Collection[str] = (),
) -> RawTable:
    """Return a table with its columns mapped and its numbers and times read; `day_columns` hold local days.

    `key` are the columns of what an added part corrects: its rows replace all earlier ones of their key. Raises
    UserError where `map_columns` or `read_times` does.
    """
    raw = raw.reset_index(drop=True)
    part_numbers, file_names = raw.get(PART_COLUMN), raw.get(FILE_COLUMN)
    raw = raw.drop(columns=[PART_COLUMN, FILE_COLUMN], errors="ignore")
    notes: list[str] = []
    if file_names is not None:
        raw, notes = unify_files(raw, file_names, columns, settings, table_label, synonyms)
    mapped = map_columns(raw, columns, settings, table_label, synonyms)
    if mapped.renamed:
        notes.append(f"{table_label}: columns read under our names: {list_pairs(mapped.renamed)}")
    if mapped.look_meant:
        notes.append(f"{table_label}: columns ignored, though they are usual names: {list_pairs(mapped.look_meant)}")
    cells = {}
    for column in columns:
        if column.name not in mapped.rows:
            continue
        values = _unwrap_cells(mapped.rows[column.name]) if column.kind != "text" else mapped.rows[column.name]
        if column.kind == "time":
            if len(forms := describe_forms(values)) > 1:
                notes.append(f"{table_label}: {column.name} is written in {len(forms)} forms: {', '.join(forms[:3])}")
            label = f"{table_label}: {column.name}"
            is_day, zone = column.name in day_columns, settings.find_timezone(column.name)
            cells[column.name] = read_times(values, label, settings.date_format, zone, is_day)
        elif column.kind == "text":
            cells[column.name] = _read_text(values)
            notes += _describe_lost_letters(cells[column.name], f"{table_label}: {column.name}")
        else:
            cells[column.name] = read_numbers(_read_booleans(values, column), column.unit, settings.decimal)
    rows = mapped.rows.assign(**cells)
    if part_numbers is not None and (is_corrected := _flag_corrected_rows(rows, part_numbers, key)).any():
        notes.append(f"{table_label}: rows that an added part corrects: {int(is_corrected.sum()):,}")
        rows = rows[~is_corrected]
    return RawTable(rows, mapped.ignored, mapped.look_meant, notes)


def _describe_lost_letters(values: pd.Series, label: str) -> list[str]:
    """Return a sentence if texts hold the sign for a lost letter: names may have changed by it."""
    texts = values.astype("string")
    with_lost_letters = texts[texts.str.contains(REPLACEMENT, regex=False, na=False)]
    if with_lost_letters.empty:
        return []
    lost = str(with_lost_letters.min())
    position = lost.index(REPLACEMENT)
    example = lost[max(position - 20, 0) : position + 20]
    return [
        f"{label} has letters that another program could not read, as in {example!r}; export the file anew as UTF-8"
    ]


def _flag_corrected_rows(rows: pd.DataFrame, part_numbers: pd.Series, key: Collection[str]) -> pd.Series:
    """Return True for rows of whose key a later part has rows; of no key if a value of it is missing."""
    key_values = [rows[name].astype("string") for name in key if name in rows]
    if not key_values:
        return pd.Series(False, rows.index)
    newest = part_numbers.groupby(key_values).transform("max")
    return newest > part_numbers


def _unwrap_cells(values: pd.Series) -> pd.Series:
    """Return cells of times or numbers without the objects around them; an object without a known part, as text."""
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_datetime64_any_dtype(values):
        return values
    is_container = values.map(lambda cell: isinstance(cell, dict | list | tuple | set | np.ndarray)).astype(bool)
    if not is_container.any():
        return values
    return values.astype(object).mask(is_container, values[is_container].map(_unwrap_cell).reindex(values.index))


def _unwrap_cell(cell: Any) -> str:
    known_parts = [cell[key] for key in VALUE_KEYS if key in cell] if isinstance(cell, dict) else []
    return str(next((value for value in known_parts if isinstance(value, str | int | float)), cell))


def _read_text(values: pd.Series) -> pd.Series:
    """Return names as text; whole numbers lose the ".0" that a gap among them causes."""
    if not pd.api.types.is_float_dtype(values):
        return _drop_decimals(values)
    is_whole = (values.dropna() % 1 == 0).all()
    text = values.astype("string")
    return text.str.removesuffix(".0") if is_whole else text


def _read_booleans(values: pd.Series, column: Column) -> pd.Series:
    if column.kind != "whole" or pd.api.types.is_numeric_dtype(values):
        return values
    cells = values.astype("string").str.strip().str.lower()
    if set(cells.dropna().unique()) == {"t", "f"}:  # alone they mean other things, such as a fall
        return cells.map({"t": "1", "f": "0"})
    if (labelled := cells.dropna().str.extract(LABELLED_NUMBER)).notna().all(axis=None) and labelled[0].nunique() == 1:
        return labelled[1].reindex(values.index)
    booleans = cells.map(BOOLEAN_WORDS)
    return values.where(booleans.isna(), booleans) if booleans.notna().any() else values


def _drop_decimals(values: pd.Series) -> pd.Series:
    """Return text without ".0" behind whole numbers, if the column has nothing else and only some have it."""
    if pd.api.types.is_numeric_dtype(values) or values.empty:
        return values
    names = values.dropna().astype(str)
    first_names = names.head(1)
    if not first_names.str.fullmatch(r"\s*\d+(?:\.0)?\s*").all() or not names.str.endswith(".0").any():
        return values
    is_whole = names.str.fullmatch(r"\s*\d+(?:\.0)?\s*").all()
    return values.astype("string").str.strip().str.removesuffix(".0").astype(object) if is_whole else values
