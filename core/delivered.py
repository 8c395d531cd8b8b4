"""Delivered: a raw table in its declared types whatever form it came in, and what of it could not be read."""

from collections.abc import Collection, Sequence

import pandas as pd

from core.refusals import Refusal
from core.tables import Column, broken, typed

Flags = pd.Series
FLAGS = {"true": "1", "false": "0"}  # as sources without a type for them write them
FORMS = {
    "text": "text",
    "number": "a number",
    "whole": "a whole number",
    "time": "a day or time such as 2024-03-01 or 2024-03-01T19:30:00Z",
}


def delivered(raw: pd.DataFrame, columns: Sequence[Column], where: str, vital: Collection[str] = ()) -> pd.DataFrame:
    """Return the declared columns of a raw table, typed, and `unreadable`: True where a row lost what it needs.

    A row needs its required columns, its times and those that `vital` names. Numbers that stand for a name lose the
    ".0" that a gap among them brings; true and false are 1 and 0. Refuses what `typed` does, and a needed column that
    is unreadable from top to bottom: it is in another form, not broken here and there.
    """
    rows = typed(raw.assign(**_respelt(raw, columns)), columns, where)
    fault = pd.Series(False, index=rows.index)
    for column in columns:
        if column.required or column.kind == "time" or column.name in vital:
            lost = _lost(raw, rows, column.name)
            if lost.all():
                raise Refusal(
                    f"{where}: {column.name} is unreadable in every row, the first {str(raw[column.name].iloc[0])!r}; "
                    f"write it as {FORMS[column.kind]}."
                )
            fault |= lost
    return rows.assign(unreadable=fault)


def delivered_if_any(raw: pd.DataFrame | None, columns: Sequence[Column], where: str) -> pd.DataFrame:
    """Return what `delivered` does, with all columns and no row where the table is not there or holds none."""
    if raw is not None and len(raw):
        return delivered(raw, columns, where)
    names = [column.name for column in columns] if raw is None or raw.columns.empty else list(raw.columns)
    return delivered(pd.DataFrame(index=[0], columns=names, dtype=object), columns, where).iloc[:0]


def blank(raw: pd.DataFrame, rows: pd.DataFrame, columns: Sequence[Column]) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the rows with values beyond the limits of their column made missing, and how many values each column lost.

    Those that could not be read count as lost too. `raw` holds every row of `rows` under the same index.
    """
    cleaned, counts = rows.copy(), {}
    for column in columns:
        values = rows[column.name]
        odd = pd.Series(False, index=rows.index)
        if column.low is not None:
            odd |= values < column.low
        if column.high is not None:
            odd |= values > column.high
        cleaned[column.name] = values.mask(odd)
        if lost := int((odd | _lost(raw, rows, column.name)).sum()):
            counts[column.name] = lost
    return cleaned, counts


def _respelt(raw: pd.DataFrame, columns: Sequence[Column]) -> dict[str, pd.Series]:
    found = {}
    for column in columns:
        values = raw.get(column.name, pd.Series(dtype=float))
        if column.kind == "text" and pd.api.types.is_float_dtype(values):
            found[column.name] = values.astype("string").str.removesuffix(".0")
        if column.kind == "whole" and not pd.api.types.is_numeric_dtype(values):
            found[column.name] = values.astype("string").str.strip().str.lower().replace(FLAGS)
    return {name: values for name, values in found.items() if name in raw}


def _lost(raw: pd.DataFrame, rows: pd.DataFrame, name: str) -> Flags:
    """Return True for rows in which a column held something that is not of its type."""
    fault = pd.Series(False, index=rows.index)
    empty = rows.index[rows[name].isna()]  # few, and text is slow to look through
    if name in raw and len(empty):
        fault[empty] = broken(raw.loc[empty, [name]], rows.loc[empty, [name]], name)
    return fault
