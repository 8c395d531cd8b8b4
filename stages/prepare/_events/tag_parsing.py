"""The tags of an event as sources write them: a list, a list as text, or words between delimiters."""

import ast
import json
import re
from typing import Any

import numpy as np
import pandas as pd

from trueline.core.text.cleaning import clean_text

Tags = tuple[str, ...]


def parse_tags(value: Any, delimiters: str) -> Tags | None:
    """Return the tags in a raw cell, sorted, each once, in lower case; None where the cell cannot be read.

    `delimiters` are the characters at which a text is cut. A missing cell and an empty one have no tags. A list that
    was written into a text, as JSON or by Python, is read as a list.
    """
    if isinstance(value, str):
        value = _parse_list(value) if value.strip().startswith("[") else re.split(f"[{re.escape(delimiters)}]", value)
    if isinstance(value, list | tuple | set | np.ndarray):
        items = [item for item in value if not is_missing(item)]
        readable = all(isinstance(item, str) for item in items)
        return tuple(sorted({normalize_tag(item) for item in items} - {""})) if readable else None
    return () if is_missing(value) else None


def normalize_tag(tag: str) -> str:
    """Return the one spelling of a tag: clean text in lower case."""
    return clean_text(tag).lower()


def is_missing(value: Any) -> bool:
    """Return whether a raw cell holds nothing; a list holds something, be it empty."""
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _parse_list(text: str) -> Any:
    for parser in (json.loads, ast.literal_eval):
        try:
            return parser(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return False  # what no list is
