"""Own columns: what a source has beyond our columns, declared in params, read like these and prepared beside them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from trueline.core.errors import UserError
from trueline.core.tables.coercion import mask_out_of_range
from trueline.core.tables.column_mapping import find_targets, normalize_name
from trueline.core.tables.intake_report import describe_example, make_example
from trueline.core.tables.name_forms import normalize_entity
from trueline.core.tables.source_settings import OwnColumn, SourceSettings
from trueline.core.tables.table_schema import OWN_PREFIX, Column, Kind, coerce_types, flag_unparseable

Normalize = Callable[[pd.Series], pd.Series]
KINDS: dict[str, Kind] = {"number": "number", "category": "text", "flag": "whole"}
VALUE_DESCRIPTIONS = {"number": "a number", "text": "a category", "whole": "a flag, which is yes or no, or 1 or 0"}


@dataclass(frozen=True)
class OwnValues:
    """The values of own columns under their prepared names, how many of each could not be read, and notes on these."""

    rows: pd.DataFrame
    lost: dict[str, int]
    notes: list[str]


def list_source_columns(settings: SourceSettings, our_columns: Sequence[Column], task: str) -> list[Column]:
    """Return the declarations of the own columns under their names in the source, which must have them.

    Raises UserError for a name of ours.
    """
    our_names = {normalize_name(column.name): column.name for column in our_columns}
    for name in settings.own_columns:
        if our_name := our_names.get(normalize_name(name)):
            raise UserError(
                f"prepare.{task}.own_columns names {name!r}, but {our_name} is a column of ours, which is read anyway; "
                f"leave it out, or, if yours is another quantity, give it another name by prepare.{task}.columns."
            )
    return [_build_declaration(name, own_column) for name, own_column in settings.own_columns.items()]


def find_own_columns(table: pd.DataFrame, settings: SourceSettings) -> list[str]:
    """Return the names of the own columns that a raw table has."""
    declared = [_build_declaration(name, own_column) for name, own_column in settings.own_columns.items()]
    return sorted(find_targets(list(map(str, table.columns)), declared, settings.columns, {}).values())


def list_own_columns(settings: SourceSettings) -> list[Column]:
    """Return the declarations of the own columns among the prepared columns."""
    declared = [_build_declaration(name, own_column) for name, own_column in settings.own_columns.items()]
    return [replace(column, name=OWN_PREFIX + column.name, required=False) for column in declared]


def read_own_columns(
    raw: pd.DataFrame,
    rows: pd.DataFrame,
    own_columns: Sequence[Column],
    table_label: str,
    normalize: Normalize = normalize_entity,
) -> OwnValues:
    """Return the own columns of `rows`, typed; categories in a form without differences that are only form.

    `raw` holds every row of `rows` under the same index, and own columns under their names in the source. Raises
    UserError for a column without any value that can be read.
    """
    if not own_columns or rows.empty:
        return OwnValues(convert_own_columns(raw.iloc[:0], (), normalize), {}, [])
    cells = raw.loc[rows.index]
    values, lost = mask_out_of_range(cells, coerce_types(cells, own_columns, table_label), own_columns)
    notes = []
    for column in own_columns:
        name, description = column.name, VALUE_DESCRIPTIONS[column.kind]
        example = ""
        if name in lost:
            is_lost = flag_unparseable(cells, values, name)
            example = describe_example(make_example(cells, int(is_lost.index[is_lost][0]), name))
            notes.append(f"{table_label}: values of {name} that are not {description}: {lost[name]:,}{example}")
        if values[name].isna().all():
            raise UserError(
                f"{table_label}: {name} has no value that is {description}{example}; correct "
                f"prepare.<task>.own_columns.{name}, or leave it out."
            )
    return OwnValues(convert_own_columns(values, own_columns, normalize), lost, notes)


def convert_own_columns(
    raw: pd.DataFrame, own_columns: Sequence[Column], normalize: Normalize = normalize_entity
) -> pd.DataFrame:
    """Return own columns, typed, under their prepared names; those that `raw` lacks, as missing."""
    if not own_columns:
        return pd.DataFrame(index=raw.index)
    optional = [replace(column, required=False) for column in own_columns]
    values = coerce_types(raw, optional, "own columns")
    names = [column.name for column in own_columns if column.kind == "text"]
    return values.assign(**{name: normalize(values[name]) for name in names}).add_prefix(OWN_PREFIX)


def _build_declaration(name: str, own_column: OwnColumn) -> Column:
    meaning = f"a {own_column.kind} of the source's own"
    column = Column(name, KINDS[own_column.kind], own_column.known, meaning, own_column.unit, required=True)
    return replace(column, low=0, high=1) if own_column.kind == "flag" else column
