"""Table schema: columns declared once, with their unit and when they are known, and stored inside the file."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from trueline.core.errors import UserError, did_you_mean

Kind = Literal["text", "number", "whole", "time"]
Availability = Literal["before", "at_start", "after"]
METADATA_KEY = b"trueline.columns"
OWN_PREFIX = "own:"  # prefix of the prepared columns, and of the inputs, that a source has beyond the declared ones


@dataclass(frozen=True)
class Column:
    """A declared column: its type, unit, limits, and when its value is known relative to the decision.

    Columns with `evaluation_only` are for evaluation only: no feature, present or past, may be made of them.
    """

    name: str
    kind: Kind
    known: Availability
    meaning: str
    unit: str = ""
    required: bool = False  # the raw table must have it
    nullable: bool = True
    allowed: tuple[str, ...] | None = None
    low: float | None = None
    high: float | None = None
    evaluation_only: bool = False

    @property
    def is_own(self) -> bool:
        """Whether the column of prepared rows is one that the source has beyond the declared ones."""
        return self.name.startswith(OWN_PREFIX)


def coerce_types(raw: pd.DataFrame, columns: Sequence[Column], table_label: str) -> pd.DataFrame:
    """Return the declared columns of a raw table in their declared types, absent optional ones as missing.

    Raises UserError for an absent required column (naming the nearest present one) and for an empty table. A single
    value that cannot be read as its type becomes missing; `flag_unparseable` finds those.

    >>> raw = pd.DataFrame({"box": ["1", "2.5", "inside"]})
    >>> coerce_types(raw, [Column("box", "whole", "before", "starting box")], "races")["box"].tolist()
    [1.0, nan, nan]
    """
    for column in columns:
        if column.required and column.name not in raw.columns:
            raise UserError(
                f"{table_label} has no column {column.name!r}; {did_you_mean(column.name, map(str, raw.columns))}"
            )
    if raw.empty:
        raise UserError(f"{table_label} has no rows; at least one is needed.")
    missing_values = pd.Series(np.nan, index=raw.index, dtype=object)
    return pd.DataFrame(
        {c.name: _convert_values(raw.get(c.name, missing_values), c.kind) for c in columns}, index=raw.index
    )


def flag_unparseable(raw: pd.DataFrame, table: pd.DataFrame, column: str) -> pd.Series:
    """Return True for rows whose raw value was present but could not be read as the declared type.

    `raw` holds every row of `table` under the same index.
    """
    if column not in raw.columns:
        return pd.Series(False, index=table.index)
    values = raw[column] if raw.index.equals(table.index) else raw[column].reindex(table.index)
    unparseable = values.notna() & table[column].isna()
    if unparseable.any():  # of these few only: searching text is slow
        unparseable[unparseable] = values[unparseable].astype(str).str.strip() != ""
    return unparseable


def validate_table(table: pd.DataFrame, columns: Sequence[Column], table_label: str) -> None:
    """Raise UserError if a declared column has values that are missing, not allowed or out of range."""
    for column in columns:
        values = table[column.name]
        if not column.nullable and values.isna().any():
            raise UserError(
                f"{table_label}: {column.name} is missing in {values.isna().sum()} rows; give every row a value."
            )
        present = values.dropna()
        if column.allowed is not None and not present.isin(column.allowed).all():
            disallowed = present[~present.isin(column.allowed)].iloc[0]
            raise UserError(
                f"{table_label}: {column.name} is {disallowed!r}; {did_you_mean(str(disallowed), column.allowed)}"
            )
        low, high = column.low, column.high
        if (low is not None and (present < low).any()) or (high is not None and (present > high).any()):
            unit = f" {column.unit}" if column.unit else ""
            raise UserError(
                f"{table_label}: {column.name} ranges from {present.min()} to {present.max()}{unit}; "
                f"allowed is {low if low is not None else '-∞'} to {high if high is not None else '∞'}."
            )


def write_table(table: pd.DataFrame, path: Path, columns: Sequence[Column] = ()) -> None:
    """Write a table to Parquet with its column declarations in the metadata; equal tables give equal bytes."""
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    declarations = json.dumps([asdict(column) for column in columns]).encode()
    arrow = arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), METADATA_KEY: declarations})
    pq.write_table(arrow, path, compression="zstd")


def read_table(path: Path) -> pd.DataFrame:
    """Return the table of a Parquet file written by `write_table`."""
    table: pd.DataFrame = pq.read_table(path).to_pandas()
    return table


def read_declarations(path: Path) -> list[Column]:
    """Return the column declarations in a Parquet file's metadata; none if it has none."""
    metadata = pq.read_schema(path).metadata or {}
    columns = [Column(**fields) for fields in json.loads(metadata.get(METADATA_KEY, b"[]"))]
    return [replace(c, allowed=tuple(c.allowed)) if c.allowed is not None else c for c in columns]


def _convert_values(values: pd.Series, kind: Kind) -> pd.Series:
    if kind == "text":
        text = values.astype("string").str.strip()
        is_empty = text == ""
        return (text.mask(is_empty) if is_empty.any() else text).astype(object)
    if kind == "time":
        return _convert_times(values)
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(float, na_value=np.nan)
    is_sound = np.isfinite(numbers)
    if kind == "whole":
        is_sound &= numbers == np.round(numbers)
    return pd.Series(np.where(is_sound, numbers, np.nan), values.index)


def _convert_times(values: pd.Series) -> pd.Series:
    if not pd.api.types.is_datetime64_any_dtype(values):
        # a column may mix offsets (summer time) and times without one, which count as UTC
        values = pd.to_datetime(values.astype("string"), errors="coerce", format="ISO8601", utc=True)
    if values.dt.tz is not None:
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    return values.astype("datetime64[us]")
