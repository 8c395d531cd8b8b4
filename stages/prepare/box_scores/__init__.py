"""box_scores: reads a table `games` and, if there are any, the `lines` of books and the predictions in `production`."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pandas as pd

from stages.prepare.box_scores import nba_api, nfl_weekly, odds_api, pickem
from trueline.core.errors import UserError
from trueline.core.tables import raw_sources
from trueline.core.tables.own_columns import find_own_columns
from trueline.core.tables.source_settings import PLAIN_SOURCE, SourceSettings

MAIN_TABLE = "games"
OPTIONAL_TABLES = ("lines", "production")
DOWNLOADS: tuple[ModuleType, ...] = (
    nba_api,
    nfl_weekly,
    odds_api,
    pickem,
)  # shapes known by their columns


def read(source: str, settings: SourceSettings = PLAIN_SOURCE) -> dict[str, pd.DataFrame]:
    """Return the raw tables of a folder (.parquet, .csv, .json, .jsonl, .xlsx) or a SQLite database, by name.

    A table in the shape of one of DOWNLOADS is converted, and one that is missing is taken from files of any name that
    have such a shape. Raises UserError if there is no table `games`, or a folder has a table only in a format that
    cannot be read.
    """
    table_names = raw_sources.list_source_tables(source)
    for name in (MAIN_TABLE, *OPTIONAL_TABLES):
        if name not in table_names:
            raw_sources.reject_other_formats(source, name)
    downloads = [] if {MAIN_TABLE, "lines"} <= {*table_names} else list(_read_downloads(source, settings))
    tables = {}
    for name in (MAIN_TABLE, *OPTIONAL_TABLES):
        shaped_tables = [(file, table) for kind, file, table in downloads if kind == name]
        if name in table_names or (name == MAIN_TABLE and not shaped_tables):
            tables[name] = _convert(raw_sources.read_source_table(source, name, settings.separator), settings)[1]
        elif shaped_tables:
            tables[name] = raw_sources.join_parts(shaped_tables)
    tables |= _read_further_tables(source, settings, tables)
    if "lines" in tables:
        tables["lines"] = nfl_weekly.move_to_weeks(tables["lines"], tables[MAIN_TABLE], settings)
    return tables


def _read_further_tables(
    source: str, settings: SourceSettings, tables: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Return the tables of players, teams or games that have an own column which no other table has."""
    missing = set(settings.own_columns) - {
        name for table in tables.values() for name in find_own_columns(table, settings)
    }
    further: dict[str, pd.DataFrame] = {}
    if not missing:
        return further
    for name in sorted({*raw_sources.list_source_tables(source)} - {MAIN_TABLE, *OPTIONAL_TABLES}):
        try:
            table = raw_sources.read_source_table(source, name, settings.separator)
        except UserError:
            continue  # nobody asked for this table
        is_download = raw_sources.find_download_shape(table, DOWNLOADS) is not None
        if not is_download and missing & {*find_own_columns(table, settings)}:
            further[name] = table
    return further


def _read_downloads(source: str, settings: SourceSettings) -> Iterator[tuple[str, Path, pd.DataFrame]]:
    """Yield the tables of all files of a folder that have a known shape, with the name that they take here."""
    own_names = {MAIN_TABLE, *OPTIONAL_TABLES}
    for name in [] if Path(source).is_file() else sorted({*raw_sources.list_source_tables(source)} - own_names):
        for file in raw_sources.list_table_files(source, name):
            kind, table = _convert(_read_file(file, settings), settings)
            if kind:
                print(f"{file.name} is read as {kind}")
                yield kind, file, table


def _read_file(file: Path, settings: SourceSettings) -> pd.DataFrame:
    """Return the table of a file; no columns if it has none, because nobody asked for this file."""
    table = _flatten_json(file) if file.suffix == ".json" else None
    try:
        return raw_sources.read_table_file(file, settings.separator) if table is None else table
    except UserError:
        return pd.DataFrame()


def _flatten_json(file: Path) -> pd.DataFrame | None:
    try:
        content = json.loads(file.read_text("utf-8-sig"))
    except ValueError:
        return None  # which the reader of tables reports
    flattened = [table for shape in (odds_api, pickem) if (table := shape.flatten(content)) is not None]
    return flattened[0] if flattened else None


def _convert(table: pd.DataFrame, settings: SourceSettings) -> tuple[str, pd.DataFrame]:
    """Return what kind of table a known shape is, and the table under our names; "" and the table itself otherwise."""
    shape = raw_sources.find_download_shape(table, DOWNLOADS)
    return (str(shape.TABLE), shape.convert(table, settings)) if shape else ("", table)
