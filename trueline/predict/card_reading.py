"""Card reading: the raw tables of a card, by the reader that reads the task's source."""

import tempfile
from pathlib import Path
from typing import Any

from trueline.core.errors import UserError
from trueline.core.runtime.plugins import load_plugin
from trueline.core.tables.raw_sources import DATABASE_SUFFIXES, GZIP_SUFFIX, TABLE_SUFFIXES
from trueline.core.tables.source_settings import SourceSettings


def read_raw_card(reader_name: str, card: Path, settings: SourceSettings) -> Any:
    """Return the raw table, or tables by name, of a folder, a SQLite database, or a file with one table.

    Raises UserError if the card does not exist or has a format that is not read, and as the reader does.
    """
    reader = load_plugin("prepare", reader_name, "read")
    if not card.exists():
        raise UserError(f"the card {card} does not exist; name a folder, a database or a file with a table.")
    if card.is_dir() or card.suffix in DATABASE_SUFFIXES:
        return reader.read(str(card), settings)
    suffixes = "".join(card.suffixes[-2:]) if card.suffix == GZIP_SUFFIX else card.suffix
    if suffixes.removesuffix(GZIP_SUFFIX) not in TABLE_SUFFIXES:
        allowed = ", ".join((*TABLE_SUFFIXES, *DATABASE_SUFFIXES))
        raise UserError(f"the card {card} is not one of {allowed}; save it as one of these.")
    with tempfile.TemporaryDirectory(prefix="trueline-") as folder:
        table_file = Path(folder) / f"{reader.MAIN_TABLE}{suffixes}"
        table_file.symlink_to(card.resolve())
        try:
            return reader.read(folder, settings)
        except UserError as error:
            raise UserError(str(error).replace(str(table_file), str(card)).replace(folder, str(card))) from None
