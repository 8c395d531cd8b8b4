"""Incoming files: new raw files of a drop folder become added parts of the source, each exactly once."""

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from trueline.core.errors import UserError, did_you_mean
from trueline.core.tables import raw_sources

DRAFT_PATTERN = ".*.draft"  # of a copy that was not finished
CARD_STEM = "card"  # the file or folder in the drop folder that is to be predicted


@dataclass(frozen=True)
class TakenFile:
    """A file of the drop folder, the part that holds its bytes, and whether the source had them before."""

    name: str
    part_path: Path
    is_new: bool


def take_in_files(drop_folder: Path, source: Path, own_tables: Collection[str] = ()) -> list[TakenFile]:
    """Move the raw files of a folder into a source, in order of their names; return what became of each.

    `runners_2024-05-01.csv` becomes `runners.part000001.csv`, with the next number of the source: a table's parts are
    read after it, in order, and no file of the source is ever written to. The bytes are copied and forced to disk under
    a hidden name first, and the name of the part appears at once, so a kill at any moment loses and doubles nothing:
    a file whose bytes the source has is only removed. `own_tables` are the names that the task's reader asks for.
    Raises UserError, and takes in nothing, if the source is a database, a file cannot be read, or nobody would read it.
    """
    files = list_incoming_files(drop_folder)
    if not files:
        return []
    if not source.is_dir():
        raise UserError(f"{source} is no folder, so no files can be added to it; add the rows to it by its own means.")
    table_names = [_require_table(file, source, own_tables) for file in files]
    for draft in source.glob(DRAFT_PATTERN):
        draft.unlink()
    return [_take_in(file, name, source) for file, name in zip(files, table_names, strict=True)]


def list_incoming_files(drop_folder: Path) -> list[Path]:
    """Return the files with tables in a folder, sorted by name, without the card and hidden ones."""
    files = drop_folder.iterdir() if drop_folder.is_dir() else ()
    return sorted(
        file
        for file in files
        if file.is_file() and raw_sources.is_table_file(file) and raw_sources.get_table_name(file) != CARD_STEM
    )


def find_card(drop_folder: Path) -> Path | None:
    """Return the card of a drop folder: a folder or a file called `card`. Raises UserError if there are several."""
    entries = drop_folder.iterdir() if drop_folder.is_dir() else ()
    cards = sorted(entry for entry in entries if entry.name.split(".")[0] == CARD_STEM)
    if len(cards) > 1:
        raise UserError(f"{drop_folder} holds {cards[0].name} and {cards[1].name}; keep only one card.")
    return cards[0] if cards else None


def add_part(content: bytes, table: str, suffixes: str, source: Path) -> Path:
    """Write bytes as the next part of a table and return its path; the part appears whole or not at all."""
    draft = source / f".{table}.{os.getpid()}.draft"
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    while True:
        numbers = [raw_sources.get_part_number(file) or 0 for file in source.iterdir()]
        part_path = source / f"{table}.part{max(numbers, default=0) + 1:06d}{suffixes}"
        try:  # a link never replaces a file, unlike a rename
            os.link(draft, part_path)
        except FileExistsError:
            continue
        draft.unlink()
        _force_to_disk(source)
        return part_path


def _take_in(file: Path, table: str, source: Path) -> TakenFile:
    content = file.read_bytes()
    equal_file = next(_iterate_equal_files(content, source), None)
    part_path = equal_file or add_part(content, table, _get_suffixes(file), source)
    file.unlink()
    return TakenFile(file.name, part_path, equal_file is None)


def _iterate_equal_files(content: bytes, source: Path) -> Iterator[Path]:
    for file in sorted(source.iterdir()):
        is_candidate = file.is_file() and raw_sources.is_table_file(file) and file.stat().st_size == len(content)
        if is_candidate and file.read_bytes() == content:
            yield file


def _require_table(file: Path, source: Path, own_tables: Collection[str]) -> str:
    """Return the table that a file belongs to. Raises UserError if it cannot be read or no reader would ask for it."""
    raw_sources.read_table_file(file)
    name, present = raw_sources.get_table_name(file), raw_sources.list_source_tables(str(source))
    if not any(table in own_tables for table in present):
        return name  # of a download, which is known by its columns
    allowed = sorted({*present, *own_tables}, key=len, reverse=True)
    table = next((table for table in allowed if re.match(rf"{re.escape(table)}(?![^\W_])", name)), None)
    if table is None:
        raise UserError(
            f"{file} would be a table {name!r}, which nobody reads; begin its name with the table's: "
            f"{did_you_mean(name, allowed)}"
        )
    return table


def _get_suffixes(file: Path) -> str:
    return "".join(file.suffixes[-2:]) if file.suffix == raw_sources.GZIP_SUFFIX else file.suffix


def _force_to_disk(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
