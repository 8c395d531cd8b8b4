"""Raw sources: a table by name, from a folder of files or a SQLite database; ids come as they are written."""

import gzip
import json
import re
import sqlite3
import zlib
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pandas as pd

from trueline.core.errors import UserError, did_you_mean
from trueline.core.tables.csv_tables import decode_text, drop_repeated_headers, read_csv_table
from trueline.core.tables.excel_tables import read_excel_table
from trueline.core.tables.garbled_text import restore_table
from trueline.core.tables.parquet_folders import add_partition_columns, is_parquet_folder, list_part_files

TABLE_SUFFIXES = (".parquet", ".csv", ".json", ".jsonl", ".xlsx")
OPEN_WORKBOOK_PREFIX = "~$"  # of the file that a spreadsheet program keeps beside an open workbook
GZIP_SUFFIX = ".gz"
NUMBER_AT_END = re.compile(r"[ _.\-]*\d[\d _.\-]*$")
PART_COLUMN = "added part"  # in a table with added parts: the number of the part of each row, 0 for none
FILE_COLUMN = "name of the file"  # in a table of files whose columns differ: the file of each row
PART_AT_END = re.compile(r"\.part\d+$")  # of a file that `python -m trueline daily` has taken in
DATABASE_SUFFIXES = (".db", ".sqlite", ".sqlite3")


def list_source_tables(source: str) -> list[str]:
    """Return the sorted names of the tables in a folder or a SQLite database.

    Files that differ only in a number at the end of their name, such as a year, are one table: `games_2022.csv` and
    `games_2023.csv.gz` are `games`. So are the parts that were added to a table: `games.part000001.csv`. A subfolder of
    nothing but Parquet files is a table as well.
    """
    path = _require_source(source)
    if path.suffix in DATABASE_SUFFIXES:
        return sorted(_query_database(path, "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")["name"])
    return sorted({get_table_name(file) for file in _list_table_files(path)})


def read_source_table(source: str, name: str, separator: str | None = None) -> pd.DataFrame:
    """Return a table by name from a folder (one or more files, or a subfolder of Parquet files) or a SQLite database.

    Numbers of a CSV are typed only if text and number are the same ("007" and "1.50" stay text). If there are added
    parts, a further column says which part each row is from. Raises UserError if
    the source does not exist or lacks that name, if two files share it, or if one cannot be read.
    """
    path = _require_source(source)
    if path.suffix in DATABASE_SUFFIXES and name in list_source_tables(source):
        quoted = name.replace('"', '""')
        return restore_table(_query_database(path, f'SELECT * FROM "{quoted}"'), name)
    files = [] if path.suffix in DATABASE_SUFFIXES else list_table_files(source, name)
    if not files:
        reject_other_formats(source, name)
        _reject_missing_table(source, name)
    return join_parts([(file, read_table_file(file, separator)) for file in files])


def _reject_missing_table(source: str, name: str) -> NoReturn:
    """Raise UserError: the source lacks a table; a database in the folder may be meant."""
    databases = sorted(file for file in Path(source).glob("*") if file.suffix in DATABASE_SUFFIXES)
    names = list_source_tables(source)
    remedy = f"put {name}{TABLE_SUFFIXES[1]} there." if not names else did_you_mean(name, names)
    if databases and not names:
        remedy = f"it holds {databases[0].name}; if that is meant, set tasks.<task>.source: {databases[0]}."
    raise UserError(f"{source} holds no table {name!r} ({', '.join(TABLE_SUFFIXES)}); {remedy}")


def join_parts(tables: Sequence[tuple[Path, pd.DataFrame]]) -> pd.DataFrame:
    """Return the tables of several files as one.

    If any is an added part, a column says which part each row is from; if their columns differ, another one names the
    file, because files of one table may call their columns differently.
    """
    part_numbers = [get_part_number(file) or 0 for file, _ in tables]
    part_tables = [table for _, table in tables]
    if any(part_numbers):
        part_tables = [
            table.assign(**{PART_COLUMN: number}) for table, number in zip(part_tables, part_numbers, strict=True)
        ]
    if len({frozenset(map(str, table.columns)) for table in part_tables}) > 1:
        part_tables = [
            table.assign(**{FILE_COLUMN: file.name}) for table, (file, _) in zip(part_tables, tables, strict=True)
        ]
    return part_tables[0] if len(part_tables) == 1 else pd.concat(part_tables, ignore_index=True)


def list_table_files(source: str, name: str) -> list[Path]:
    """Return the files of a folder that make up a table, sorted by name, and after them its added parts.

    Raises UserError if two of them differ only in their format, or a whole table stands beside its pieces.
    """
    files = {
        file: stem
        for file in _list_table_files(_require_source(source))
        if name in (stem := _split_name(file)[0], PART_AT_END.sub("", stem), get_table_name(file))
    }
    for file, stem in files.items():
        rivals = [
            rival
            for rival, rival_stem in files.items()
            if rival_stem == stem or (stem == name != rival_stem and not PART_AT_END.search(rival_stem))
        ]
        if len(rivals) > 1 or (rivals and rivals != [file]):
            names = sorted({file, *rivals}, key=lambda rival: (rival.is_dir(), _rank_suffix(rival), rival))
            raise UserError(f"{source} holds {names[0].name} and {names[1].name}; keep only one of them.")
    return sorted(files, key=lambda file: (get_part_number(file) or 0, file))


def is_table_file(file: Path) -> bool:
    """Say whether a file has the name of a table in a format that is read, or is a folder of Parquet files."""
    if file.is_dir():
        return is_parquet_folder(file)
    return _split_name(file)[1] in TABLE_SUFFIXES and not file.name.startswith((".", OPEN_WORKBOOK_PREFIX))


def get_table_name(file: Path) -> str:
    """Return the name of the table that a file holds, alone or with others that differ in a number at the end."""
    return NUMBER_AT_END.sub("", PART_AT_END.sub("", _split_name(file)[0]))


def get_part_number(file: Path) -> int | None:
    """Return the number of an added part of a table, and None for any other file."""
    ending = PART_AT_END.search(_split_name(file)[0])
    return int(ending.group().removeprefix(".part")) if ending else None


def reject_other_formats(source: str, name: str) -> None:
    """Raise UserError if a folder has a file of a table's name in a format that is not read, such as .xls."""
    other_files = sorted(file.name for file in Path(source).glob(f"{name}.*"))  # a database has none
    other_files = [file for file in other_files if Path(file).suffix != GZIP_SUFFIX]
    if other_files:
        raise UserError(
            f"{source} holds {other_files[0]}, which is not one of {', '.join(TABLE_SUFFIXES)}; save it as one of "
            "these, or remove it from the folder."
        )


def find_download_shape(table: pd.DataFrame, shapes: Iterable[ModuleType]) -> ModuleType | None:
    """Return the first shape of public downloads that recognises a table by its columns, or None."""
    return next((shape for shape in shapes if shape.recognize(table)), None)


def read_table_file(file: Path, separator: str | None = None) -> pd.DataFrame:
    """Return the table of one CSV (UTF-8 or -16), Parquet, JSON, JSON-lines or Excel file, each perhaps in gzip.

    A folder of Parquet files is read as one table; `key=value` in the names of its folders is a column.

    Without `separator` the separator of a CSV is found in its header, and printed if it is no comma. Texts that were
    garbled by another encoding are repaired.
    """
    return restore_table(_read_folder(file) if file.is_dir() else _read_table(file, separator), file.name)


def _read_folder(folder: Path) -> pd.DataFrame:
    files = list_part_files(folder)
    return join_parts([(file, add_partition_columns(_read_table(file, None), file, folder)) for file in files])


def _read_table(file: Path, separator: str | None) -> pd.DataFrame:
    if file.stat().st_size == 0:
        raise UserError(f"{file} is empty; a table with a header and rows is needed.")
    suffix = _split_name(file)[1]
    try:
        if suffix == ".parquet":
            return _restore_index(pd.read_parquet(file, partitioning=None))  # columns of `key=value` folders: not here
        content = gzip.decompress(file.read_bytes()) if file.suffix == GZIP_SUFFIX else file.read_bytes()
        if suffix == ".xlsx":
            table = read_excel_table(content, get_table_name(file))
            return drop_repeated_headers(table, file.name).apply(_convert_to_own_type)
        text = decode_text(content)
        if suffix == ".csv":
            return read_csv_table(text, file.name, separator).apply(_convert_whole_numbers)
        return _read_json_table(text, suffix)
    except UnicodeDecodeError:
        raise UserError(
            f"{file} is not UTF-8; convert it from what it is, e.g. `iconv -f windows-1252 -t utf-8 {file.name}`."
        ) from None
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise UserError(f"{file} cannot be read as {suffix[1:]}: {' '.join(str(error).split())[:200]}.") from None


def _list_table_files(folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if is_table_file(file)]


def _rank_suffix(file: Path) -> int:
    suffix = _split_name(file)[1]
    return TABLE_SUFFIXES.index(suffix) if suffix in TABLE_SUFFIXES else len(TABLE_SUFFIXES)


def _split_name(file: Path) -> tuple[str, str]:
    """Return the name and the format of a file, without the suffix of its compression."""
    inner = file.with_suffix("") if file.suffix == GZIP_SUFFIX else file
    return inner.stem, inner.suffix


def _convert_whole_numbers(values: pd.Series) -> pd.Series:
    """Return a column of whole numbers as such, if each is written as its text; other columns as text.

    If every cell ends in ".0", a gap once made floats of whole numbers, and it is removed.
    """
    first_cells = values.dropna().head(1).tolist()
    if not first_cells or not first_cells[0].lstrip("-").removesuffix(".0").isdecimal():
        return values
    if first_cells[0].endswith(".0") and values.dropna().str.fullmatch(r"-?\d+\.0").all():
        return values.str.removesuffix(".0")
    numbers = pd.to_numeric(values, errors="coerce")
    if not pd.api.types.is_integer_dtype(numbers) or not (numbers.astype(str) == values).all():
        return values
    return numbers.astype("int64")


def _read_json_table(text: str, suffix: str) -> pd.DataFrame:
    is_json_lines = suffix == ".jsonl"
    records = [json.loads(line) for line in text.split("\n") if line.strip()] if is_json_lines else json.loads(text)
    if isinstance(records, dict):
        records = _unwrap_records(records)
    is_object_list = isinstance(records, list) and all(isinstance(record, dict) for record in records)
    is_column_object = isinstance(records, dict) and all(isinstance(cells, list | dict) for cells in records.values())
    if not is_object_list and not is_column_object:
        raise ValueError("expected a list of objects, or an object of columns")
    return pd.DataFrame(records, dtype=object).apply(_convert_to_own_type) if len(records) else pd.DataFrame(records)


def _unwrap_records(content: dict[str, Any]) -> Any:
    """Return the only list of objects in an object, which are its rows; else the object, which is one of columns."""
    lists = [value for value in content.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
    is_column_object = len(content) > 1 and all(isinstance(value, list) for value in content.values())
    return lists[0] if len(lists) == 1 and not is_column_object else content


def _restore_index(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the columns that were its index; positions are no column."""
    names = [name for name in table.index.names if name is not None]
    return table.reset_index(level=names) if names else table


def _convert_to_own_type(values: pd.Series) -> pd.Series:
    """Return a column with the type of its values; whole numbers with gaps among them do not become floats."""
    present = values.dropna()
    if len(present) < len(values) and len(present) and all(type(value) is int for value in present):
        return values
    return values.infer_objects()


def _query_database(path: Path, sql: str) -> pd.DataFrame:
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            cursor = database.execute(sql)
            names = [name for name, *_ in cursor.description]
            # pandas would make floats of whole numbers with gaps, and large ids would lose digits
            return pd.DataFrame(cursor.fetchall(), columns=names, dtype=object).apply(_convert_to_own_type)
    except sqlite3.Error as error:
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
