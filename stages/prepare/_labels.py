"""The tags of an event as sources write them: a list, a list as text, or words between delimiters."""

import ast
import json
import re
from typing import Any

import numpy as np
import pandas as pd

from core.texts import clean

Tags = tuple[str, ...]


def labels(value: Any, delimiters: str) -> Tags | None:
    """Return the tags in a raw cell, sorted, each once, in lower case; None where the cell cannot be read.

    `delimiters` are the characters at which a text is cut. A missing cell and an empty one have no tags. A list that
    was written into a text, as JSON or by Python, is read as a list.
    """
    if isinstance(value, str):
        value = _listed(value) if value.strip().startswith("[") else re.split(f"[{re.escape(delimiters)}]", value)
    if isinstance(value, list | tuple | set | np.ndarray):
        words = [word for word in value if not missing(word)]
        readable = all(isinstance(word, str) for word in words)
        return tuple(sorted({spelling(word) for word in words} - {""})) if readable else None
    return () if missing(value) else None


def spelling(tag: str) -> str:
    """Return the one spelling of a tag: clean text in lower case."""
    return clean(tag).lower()


def missing(value: Any) -> bool:
    """Return whether a raw cell holds nothing; a list holds something, be it empty."""
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _listed(text: str) -> Any:
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return False  # what no list is
