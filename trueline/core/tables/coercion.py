"""Coercion: bring a raw table to its declared types, whatever form it came in, and flag what could not be read."""

from collections.abc import Collection, Sequence

import pandas as pd

from trueline.core.errors import UserError
from trueline.core.tables.date_parsing import EARLIEST, suggest_time_setting
from trueline.core.tables.table_schema import Column, coerce_types, flag_unparseable

BOOLEAN_CODES = {"true": "1", "false": "0"}  # how sources without a boolean type write them
KIND_DESCRIPTIONS = {
    "text": "text",
    "number": "a number",
    "whole": "a whole number",
    "time": "a day or time such as 2024-03-01 or 2024-03-01T19:30:00Z",
}


def coerce_table(
    raw: pd.DataFrame, columns: Sequence[Column], table_label: str, needed_columns: Collection[str] = ()
) -> pd.DataFrame:
    """Return the declared columns of a raw table, typed, and `unreadable`: True where a needed value could not be read.

    A row needs its required columns, its times and those in `needed_columns`. Numbers that serve as names lose the ".0"
    that a gap among them causes; true and false become 1 and 0. Raises UserError where `coerce_types` does, and for a
    needed column that is unreadable in every row: it is in another format, not broken here and there.

    >>> raw = pd.DataFrame({"home": ["true", "False", "?"]})
    >>> coerce_table(raw, [Column("home", "whole", "before", "1 at home")], "games", ["home"])["unreadable"].tolist()
    [False, False, True]
    """
    rows = coerce_types(raw.assign(**_normalize_spelling(raw, columns)), columns, table_label)
    times = [column.name for column in columns if column.kind == "time"]
    rows = rows.assign(**{name: rows[name].mask(rows[name] < EARLIEST) for name in times})
    row_unreadable = pd.Series(False, index=rows.index)
    for column in columns:
        if column.required or column.kind == "time" or column.name in needed_columns:
            column_unreadable = flag_unparseable(raw, rows, column.name)
            if column_unreadable.all():
                first_value = str(raw[column.name].iloc[0])
                remedy = ""
                if column.kind == "time":
                    remedy = f", or set prepare.<task>.{suggest_time_setting(first_value)}"
                if column.kind == "whole":
                    remedy = f", or say what it means by prepare.<task>.values: {{{column.name}: {{{first_value}: 1}}}}"
                raise UserError(
                    f"{table_label}: {column.name} is unreadable in every row (first value: {first_value!r}); "
                    f"write it as {KIND_DESCRIPTIONS[column.kind]}{remedy}."
                )
            row_unreadable |= column_unreadable
    return rows.assign(unreadable=row_unreadable)


def coerce_optional_table(raw: pd.DataFrame | None, columns: Sequence[Column], table_label: str) -> pd.DataFrame:
    """Return what `coerce_table` does; all columns and no rows if the table is absent or empty."""
    if raw is not None and len(raw):
        return coerce_table(raw, columns, table_label)
    names = [column.name for column in columns] if raw is None or raw.columns.empty else list(raw.columns)
    return coerce_table(pd.DataFrame(index=[0], columns=names, dtype=object), columns, table_label).iloc[:0]


def mask_out_of_range(
    raw: pd.DataFrame, rows: pd.DataFrame, columns: Sequence[Column]
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the rows with out-of-range values made missing, and how many values each column lost.

    Values that could not be read count as lost too. `raw` holds every row of `rows` under the same index.
    """
    cleaned, counts = rows.copy(), {}
    for column in columns:
        values = rows[column.name]
        out_of_range = pd.Series(False, index=rows.index)
        if column.low is not None:
            out_of_range |= values < column.low
        if column.high is not None:
            out_of_range |= values > column.high
        cleaned[column.name] = values.mask(out_of_range)
        if lost_count := int((out_of_range | flag_unparseable(raw, rows, column.name)).sum()):
            counts[column.name] = lost_count
    return cleaned, counts


def _normalize_spelling(raw: pd.DataFrame, columns: Sequence[Column]) -> dict[str, pd.Series]:
    normalized = {}
    for column in columns:
        values = raw.get(column.name, pd.Series(dtype=float))
        if column.kind == "text" and pd.api.types.is_float_dtype(values):
            normalized[column.name] = values.astype("string").str.removesuffix(".0")
        if column.kind == "whole" and not pd.api.types.is_numeric_dtype(values):
            normalized[column.name] = values.astype("string").str.strip().str.lower().replace(BOOLEAN_CODES)
    return {name: values for name, values in normalized.items() if name in raw}
