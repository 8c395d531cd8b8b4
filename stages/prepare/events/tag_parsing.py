"""Tag parsing: the tags of an event as sources write them, a list, a list as text, or text with delimiters."""

import ast
import json
import re
from typing import Any

import numpy as np
import pandas as pd

from trueline.core.text.cleaning import clean_text

Tags = tuple[str, ...]


def parse_tags(value: Any, delimiters: str) -> Tags | None:
    """Return the tags in a raw cell, sorted, in lower case and without duplicates; None if the cell cannot be read.

    A text is split at each of the characters in `delimiters`. A missing or empty cell has no tags. A list that was
    written as text, in JSON or in Python, is read as a list.
    """
    if isinstance(value, str):
        value = _parse_list(value) if value.strip().startswith("[") else re.split(f"[{re.escape(delimiters)}]", value)
    if isinstance(value, list | tuple | set | np.ndarray):
        items = [item for item in value if not is_missing(item)]
        readable = all(isinstance(item, str) for item in items)
        return tuple(sorted({normalize_tag(item) for item in items} - {""})) if readable else None
    return () if is_missing(value) else None


def normalize_tag(tag: str) -> str:
    """Return the canonical spelling of a tag: clean text in lower case."""
    return clean_text(tag).lower()


def is_missing(value: Any) -> bool:
    """Return whether a raw cell is missing; a list, even an empty one, is not."""
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _parse_list(text: str) -> Any:
    for parser in (json.loads, ast.literal_eval):
        try:
            return parser(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return False  # neither a list nor missing: unreadable
