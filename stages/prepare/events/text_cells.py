"""Text cells: the text in a raw cell, also where a source wraps it into an object or a list."""

import ast
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from stages.prepare.events.tag_cells import is_missing

# Of an object's parts, the first of these that it has is its text: what it says, how it is called, where it is.
TEXT_KEYS = ("text", "plain", "plain_text", "name", "title", "label", "value", "content", "body")
PLACE_KEYS = ("localized_address_display", "display", "address", "address_1", "venue", "city")
MARKUP_KEYS = ("html",)


def read_text(value: Any) -> str | None:
    """Return the text in a raw cell, empty if it is missing; None for an object that has none of the known parts.

    A list of texts is one text. An object or list of objects may also be printed as JSON or as Python prints it.

    >>> [read_text(cell) for cell in ({"text": "Jazz", "html": "<b>Jazz</b>"}, ["a", "b"], 7, None, {"lat": 1})]
    ['Jazz', 'a b', '7', '', None]
    """
    if isinstance(value, str):
        value = _parse_printed_object(value)
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        known_texts = [read_text(value[key]) for key in (*TEXT_KEYS, *PLACE_KEYS, *MARKUP_KEYS) if key in value]
        return next(filter(None, known_texts), None if value and None in (known_texts or [None]) else "")
    if isinstance(value, list | tuple | np.ndarray):
        texts = [read_text(item) for item in value]
        return None if None in texts else " ".join(filter(None, texts))
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return "" if is_missing(value) else str(value)


def _parse_printed_object(text: str) -> Any:
    """Return the object, or the list of objects and texts, that a text prints; or else the text."""
    stripped = text.strip()
    if stripped[:1] + stripped[-1:] in ("{}", "[]"):
        for parse in (json.loads, ast.literal_eval):
            try:
                content = parse(stripped)
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
            is_list = isinstance(content, list) and content
            if isinstance(content, Mapping) or (is_list and all(isinstance(item, str | Mapping) for item in content)):
                return content
    return text
