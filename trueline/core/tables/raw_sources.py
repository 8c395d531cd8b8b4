"""Raw sources: a table by name, from a folder of files or a SQLite database."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd

from trueline.core.errors import UserError, did_you_mean

TABLE_SUFFIXES = (".parquet", ".csv", ".json", ".jsonl")
DATABASE_SUFFIXES = (".db", ".sqlite", ".sqlite3")


def list_source_tables(source: str) -> list[str]:
    """Return the sorted names of the tables in a folder or a SQLite database."""
    path = _require_source(source)
    if path.suffix in DATABASE_SUFFIXES:
        return sorted(_query_database(path, "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")["name"])
    return sorted({file.stem for file in path.iterdir() if file.suffix in TABLE_SUFFIXES})


def read_source_table(source: str, name: str) -> pd.DataFrame:
    """Return a table by name from a folder (`name.parquet`, `.csv`, `.json` or `.jsonl`) or a SQLite database.

    Raises UserError if the source does not exist or lacks that name, if two files share it, or if one cannot be read.
    """
    path = _require_source(source)
    if name not in list_source_tables(source):
        raise UserError(
            f"{source} holds no table {name!r} ({', '.join(TABLE_SUFFIXES)}); "
            f"{did_you_mean(name, list_source_tables(source))}"
        )
    if path.suffix in DATABASE_SUFFIXES:
        quoted = name.replace('"', '""')
        return _query_database(path, f'SELECT * FROM "{quoted}"')
    files = [path / f"{name}{suffix}" for suffix in TABLE_SUFFIXES if (path / f"{name}{suffix}").exists()]
    if len(files) > 1:
        raise UserError(f"{source} holds {' and '.join(file.name for file in files)}; keep only one of them.")
    return read_table_file(files[0])


def read_table_file(file: Path) -> pd.DataFrame:
    """Return the table of one CSV (UTF-8), Parquet, JSON or JSON-lines file."""
    if file.stat().st_size == 0:
        raise UserError(f"{file} is empty; a table with a header and rows is needed.")
    try:
        if file.suffix == ".parquet":
            return pd.read_parquet(file)
        if file.suffix == ".csv":
            return pd.read_csv(file, encoding="utf-8-sig", low_memory=False)
        return _read_json_table(file)
    except UnicodeDecodeError:
        raise UserError(f"{file} is not UTF-8; convert it, e.g. `iconv -f latin1 -t utf-8 {file.name}`.") from None
    except (ValueError, OSError) as error:
        raise UserError(f"{file} cannot be read as {file.suffix[1:]}: {' '.join(str(error).split())[:200]}.") from None


def _read_json_table(file: Path) -> pd.DataFrame:
    text = file.read_text("utf-8-sig")
    is_json_lines = file.suffix == ".jsonl"
    records = [json.loads(line) for line in text.split("\n") if line.strip()] if is_json_lines else json.loads(text)
    is_object_list = isinstance(records, list) and all(isinstance(record, dict) for record in records)
    if not is_object_list and not isinstance(records, dict):
        raise ValueError("expected a list of objects, or an object of columns")
    return pd.DataFrame(records)


def _query_database(path: Path, sql: str) -> pd.DataFrame:
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            return pd.read_sql_query(sql, database)
    except (sqlite3.Error, pd.errors.DatabaseError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{path} cannot be read as a SQLite database: {reason}.") from None


def _require_source(source: str) -> Path:
    path = Path(source)
    if not path.exists():
        hint = "" if path.is_absolute() else " (a relative path is resolved from the folder that the stage runs in)"
        raise UserError(f"the source {source} does not exist{hint}; point tasks.<task>.source at a folder or database.")
    if path.is_file() and path.suffix not in DATABASE_SUFFIXES:
        raise UserError(
            f"the source {source} is a file; name its folder, or a database ({', '.join(DATABASE_SUFFIXES)})."
        )
    return path
