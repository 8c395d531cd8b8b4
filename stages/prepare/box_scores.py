"""box_scores: reads a table `games` and, if there are any, the `lines` of books and the predictions in `production`."""

from pathlib import Path

import pandas as pd

from trueline.core.errors import UserError
from trueline.core.tables import raw_sources
from trueline.core.tables.source_settings import PLAIN_SOURCE, SourceSettings

REQUIRED_TABLE = "games"
OPTIONAL_TABLES = ("lines", "production")


def read(source: str, settings: SourceSettings = PLAIN_SOURCE) -> dict[str, pd.DataFrame]:
    """Return the raw tables of a folder (.parquet, .csv, .json, .jsonl) or a SQLite database, by name.

    Raises UserError if there is no table `games`, or a folder has a table only in a format that cannot be read.
    """
    table_names = raw_sources.list_source_tables(source)
    for name in (REQUIRED_TABLE, *OPTIONAL_TABLES):
        if name not in table_names:
            _reject_other_formats(Path(source), name)
    return {
        name: raw_sources.read_source_table(source, name, settings.separator)
        for name in (REQUIRED_TABLE, *OPTIONAL_TABLES)
        if name in table_names or name == REQUIRED_TABLE
    }


def _reject_other_formats(folder: Path, name: str) -> None:
    other_files = sorted(file.name for file in folder.glob(f"{name}.*"))  # a database has none
    if other_files:
        formats = ", ".join(raw_sources.TABLE_SUFFIXES)
        raise UserError(
            f"{folder} holds {other_files[0]}, which is not one of {formats}; convert it, or remove it from the folder."
        )
