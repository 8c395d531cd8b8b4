"""box_scores: a table `games`, and where there are any, `lines` of books and a log of `production`."""

from pathlib import Path

import pandas as pd

from trueline.core.errors import UserError
from trueline.core.tables import raw_sources

REQUIRED_TABLE = "games"
OPTIONAL_TABLES = ("lines", "production")


def read(source: str) -> dict[str, pd.DataFrame]:
    """Return the raw tables of a folder (.parquet, .csv, .json, .jsonl) or a SQLite database, by name.

    Refuses a source without `games`, and a folder that holds a table only in a form that cannot be read.
    """
    table_names = raw_sources.list_source_tables(source)
    for name in (REQUIRED_TABLE, *OPTIONAL_TABLES):
        if name not in table_names:
            _refuse_other_forms(Path(source), name)
    return {
        name: raw_sources.read_source_table(source, name)
        for name in (REQUIRED_TABLE, *OPTIONAL_TABLES)
        if name in table_names or name == REQUIRED_TABLE
    }


def _refuse_other_forms(folder: Path, name: str) -> None:
    other_files = sorted(file.name for file in folder.glob(f"{name}.*"))  # a database has none
    if other_files:
        forms = ", ".join(raw_sources.TABLE_SUFFIXES)
        raise UserError(
            f"{folder} holds {other_files[0]}, which is none of {forms}; convert it, or take it out of the folder."
        )
