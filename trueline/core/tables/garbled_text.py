"""Garbled text: letters that were written as UTF-8 and read as Windows-1252, such as "CafÃ©", as they were meant."""

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

REPLACEMENT = "\ufffd"  # what is written for a letter that was lost
MOST_PASSES = 3  # a text may have been garbled more than once
# the bytes of UTF-8 behind the first, as Windows-1252 shows them; it leaves five of them undefined
BYTES = {bytes([code]).decode("cp1252", errors="ignore") or chr(code): code for code in range(0x80, 0x100)}
BYTES |= {chr(code): code for code in range(0x80, 0x100)}
FURTHER = "[" + "".join(re.escape(letter) for letter, code in BYTES.items() if code < 0xC0) + "]"
# Latin letters and signs; quotation marks, dashes, the euro and trade mark; emoji; Greek and Cyrillic; other scripts
GARBLED = re.compile(
    rf"[ÂÃÄÅ]{FURTHER}|â(?:€|\x80|‚¬|\x82¬|„¢|\x84¢){FURTHER}?|ð[Ÿ\x9f]{FURTHER}{{2}}|(?:[ÎÏÐÑ]{FURTHER}){{2,}}"
    rf"|(?:[à-ï]{FURTHER}{{2}}){{2,}}"
)


def restore_text(text: str) -> str:
    """Return a text in which garbled letters are what they were; others stay.

    >>> restore_text("CafÃ© â€“ Ã‘andÃº"), restore_text("GARÇÃO VÝŠKA 5 £")
    ('Café – Ñandú', 'GARÇÃO VÝŠKA 5 £')
    """
    for _ in range(MOST_PASSES):
        repaired = GARBLED.sub(_decode, text)
        if repaired == text:
            break
        text = repaired
    return text


def restore_table(table: pd.DataFrame, file_name: str) -> pd.DataFrame:
    """Return a table with its texts and names repaired, also within lists and objects; what was done is printed."""
    repaired_columns: dict[str, pd.Series] = {}
    changed_cells: list[Any] = []
    for name, values in table.items():
        if not _has_texts(values):
            continue
        repaired = _restore_values(values)
        is_changed = repaired.map(str) != values.map(str)
        if is_changed.any():
            repaired_columns[str(name)] = repaired
            changed_cells += repaired[is_changed].tolist()
    if changed_cells:
        print(
            f"{file_name}: {len(changed_cells):,} cells are UTF-8 that was read as Windows-1252, and are repaired, for "
            f"example {str(changed_cells[0])[:60]!r}"
        )
        table = table.assign(**repaired_columns)
    return table.rename(columns=lambda name: restore_text(name) if isinstance(name, str) else name)


def _has_texts(values: pd.Series) -> bool:
    """Return whether a column may hold a garbled text: letters beyond ASCII, or lists and objects."""
    if values.dtype == object:
        return True
    return pd.api.types.is_string_dtype(values) and not bool(values.str.isascii().all())


def _restore_values(values: pd.Series) -> pd.Series:
    if values.dtype == object:
        return pd.Series([_restore_cell(cell) for cell in values], values.index, dtype=object)
    texts = values.dropna()
    foreign_texts = texts[~texts.str.isascii()].unique().tolist()
    return values.replace({text: restore_text(text) for text in foreign_texts if GARBLED.search(text)})


def _restore_cell(cell: Any) -> Any:
    if isinstance(cell, str):
        return cell if cell.isascii() else restore_text(cell)
    if isinstance(cell, list):
        return [_restore_cell(item) for item in cell]
    if isinstance(cell, Mapping):
        return {_restore_cell(key): _restore_cell(value) for key, value in cell.items()}
    return cell


def _decode(garbled: re.Match[str]) -> str:
    codes = [ord(letter) if letter not in BYTES else BYTES[letter] for letter in garbled.group()]
    try:
        return bytes(codes).decode("utf-8")
    except (UnicodeDecodeError, ValueError):
        return garbled.group()
