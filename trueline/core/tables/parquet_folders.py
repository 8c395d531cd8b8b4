"""Parquet folders: a table in many Parquet files of one folder, plain or partitioned by `key=value` folders."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pandas as pd

PARQUET_SUFFIX = ".parquet"
SIDE_FILE_PREFIXES = (".", "_")  # of what the writer leaves beside the parts, such as _SUCCESS and _metadata
MISSING_VALUE = "__HIVE_DEFAULT_PARTITION__"


def is_parquet_folder(folder: Path) -> bool:
    """Say whether a folder holds Parquet files, at any depth, and no others; the first other file ends the search."""
    has_files = False
    for file in _walk_files(folder):
        has_files = True
        if file.suffix != PARQUET_SUFFIX:
            return False
    return has_files


def list_part_files(folder: Path) -> list[Path]:
    """Return the files of a folder, at any depth, sorted by path, without those that the writer leaves beside them."""
    return sorted(_walk_files(folder))


def read_partition_values(file: Path, folder: Path) -> dict[str, str | int | None]:
    """Return what the names of the folders between a table's folder and one of its files say, as `key=value`.

    A value is a number if it is written like one, without leading zeros, and None where the writer had none.

    >>> read_partition_values(Path("runners/year=2024/venue=Rose%20Hill/0.parquet"), Path("runners"))
    {'year': 2024, 'venue': 'Rose Hill'}
    """
    pairs = [name.partition("=") for name in file.relative_to(folder).parts[:-1]]
    return {unquote(key): _parse_value(unquote(value)) for key, sign, value in pairs if key and sign}


def add_partition_columns(table: pd.DataFrame, file: Path, folder: Path) -> pd.DataFrame:
    """Return the rows of a file with a column for each partition value, unless the file has that column itself."""
    values = read_partition_values(file, folder)
    return table.assign(**{key: value for key, value in values.items() if key not in table})


def _parse_value(text: str) -> str | int | None:
    if text == MISSING_VALUE:
        return None
    return int(text) if text.isdecimal() and str(int(text)) == text else text


def _walk_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder, at any depth, apart from those that a writer of Parquet leaves beside its parts."""
    if folder.name.startswith(SIDE_FILE_PREFIXES):
        return
    for parent, folder_names, file_names in os.walk(folder):
        folder_names[:] = [name for name in folder_names if not name.startswith(SIDE_FILE_PREFIXES)]
        yield from (Path(parent, name) for name in file_names if not name.startswith(SIDE_FILE_PREFIXES))
