"""Tag cells: the items in one raw cell of tags, whether it holds a list, an object, a number or a text."""

import ast
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

Items = list[Any]  # what a cell holds: texts and numbers, or other things, which are no tags
Splitter = Callable[[str], list[str]]

CURLY_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"'})
KIND_KEYS = ("genre", "category", "topic", "kind", "type")  # {"genre": "jazz"}, but not {"jazz": "no"}
NAME_KEYS = ("name", "label", "title", "tag", "display_name", "text", "value", "slug", "urlkey")  # of a tag's object
WIKI_LINK_PATTERN = re.compile(r"\[\[([^\[\],'\"]*[^\[\],'\"\d\s.][^\[\],'\"]*)\]\]")  # [[jazz]]
WIKI_PATTERN = re.compile(rf"(?:{WIKI_LINK_PATTERN.pattern}[\s,;|]*)+")
QUOTED = r"'(?:[^'\\]|\\.)*+'|\"(?:[^\"\\]|\\.)*+\""
CALL_PATTERN = re.compile(r"(?:\w+\.)?[A-Za-z]\w*\(([\[({].*[\])}])?(?:,\s*dtype=[^()]*)?\)", re.DOTALL)  # array([…])
NUMPY_TEXT_PATTERN = re.compile(rf"\b(?:np|numpy)\.str_\(({QUOTED})\)")
PARTLY_QUOTED_ITEM_PATTERN = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*+)"|([^",]*+))\s*(?:,|$)')
PRINTED_ITEM_PATTERN = re.compile(rf"({QUOTED})|([+-]?\d+(?:\.\d*)?)|None|nan|null")
UNQUOTED_LIST_PATTERN = re.compile(r"[\[{](?!\s*')(?:(?!\.\.\.)[^\[\]{}])*(?<!')[\]}]")


def read_items(cell: Any, split_text: Splitter) -> Items | None:
    """Return the items in a cell, none if it is missing or empty; None if it holds neither a list nor a text.

    A list, set, tuple, array or object may come as Python, NumPy, JSON or PostgreSQL print it; any other text is split
    by `split_text`. Of an object, its name is the item, or else the keys whose values are true.

    >>> [read_items(cell, str.split) for cell in ("['a' 'b']", "{b, c}", [{"id": 1, "name": "d"}], {"e": True}, True)]
    [['a', 'b'], ['b,', 'c'], ['d'], ['e'], None]
    """
    if isinstance(cell, str):
        cell = _read_text(cell.strip(), split_text)
    if isinstance(cell, Mapping):
        cell = _read_object(cell)
    if isinstance(cell, list | tuple | set | frozenset | np.ndarray):
        return [_read_name(item) for item in cell if not is_missing(item)]
    if is_missing(cell):
        return []
    return [cell] if is_number(cell) else None


def is_printed_list(text: str) -> bool:
    """Return whether a text looks like a list, set, array or object, if perhaps a broken one."""
    return text[:1] in ("[", "{") or CALL_PATTERN.fullmatch(text) is not None


def is_missing(value: Any) -> bool:
    """Return whether a raw cell is missing; a list, even an empty one, is not."""
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number; true and false are not."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and bool(np.isfinite(value))


def _read_text(text: str, split_text: Splitter) -> Any:
    """Return the list or object that a text prints, or else its parts; False if it is a broken list."""
    text = text.translate(CURLY_QUOTES)
    if text[:1] == text[-1:] == '"' and len(text) > 2:  # JSON that was written as a text into JSON
        try:
            content = json.loads(text)
        except ValueError:
            content = None
        if isinstance(content, str) and is_printed_list(content):
            return _read_text(content.strip(), split_text)
    if call := CALL_PATTERN.fullmatch(text):
        text = call[1] or "[]"  # set() is empty
    if WIKI_PATTERN.fullmatch(text):
        return WIKI_LINK_PATTERN.findall(text)
    if text[:1] + text[-1:] in ("[]", "{}", "()"):
        for parse in (json.loads, _parse_printed_items, ast.literal_eval):
            try:
                return parse(text)
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
        if UNQUOTED_LIST_PATTERN.fullmatch(text):
            return _parse_partly_quoted(text[1:-1]) if '"' in text else split_text(text[1:-1])
    return False if is_printed_list(text) else split_text(text)


def _parse_printed_items(text: str) -> Items:
    """Return the items of a printed list, set, tuple or array, whether commas separate them or not.

    Raises ValueError for anything but texts and numbers. Python itself would join texts that no comma separates.
    """
    body = NUMPY_TEXT_PATTERN.sub(r"\1", text[1:-1])
    if PRINTED_ITEM_PATTERN.sub("", body).strip(" \t\r\n,"):
        raise ValueError("no list of texts or numbers")
    matches = PRINTED_ITEM_PATTERN.finditer(body)
    return [ast.literal_eval(item[1]) if item[1] else float(item[2]) for item in matches if item[1] or item[2]]


def _parse_partly_quoted(body: str) -> Items | bool:
    """Return the items of a list in which only some have quotes, as PostgreSQL prints it; False if it is broken."""
    matches = list(PARTLY_QUOTED_ITEM_PATTERN.finditer(body))
    items = [item[2] if item[1] is None else re.sub(r"\\(.)", r"\1", item[1]) for item in matches]
    return items if "".join(item[0] for item in matches) == body else False


def _read_object(content: Mapping[Any, Any]) -> Any:
    """Return the name in an object, or else the keys whose values are true, as a list; False if there are neither."""
    if not isinstance(name := _read_name(content), Mapping):
        return [name]
    if len(content) == 1 and isinstance(items := next(iter(content.values())), list | tuple):
        return items
    are_flags = all(value is None or (isinstance(value, int | float) and value in (0, 1)) for value in content.values())
    return [key for key, value in content.items() if value] if are_flags else False


def _read_name(item: Any) -> Any:
    """Return an object's name, in the first of NAME_KEYS with a text, or the text of its kind; else as it came."""
    if isinstance(item, Mapping):
        texts = [item[key] for key in NAME_KEYS if isinstance(item.get(key), str)]
        if not texts and len(item) == 1 and next(iter(item)) in KIND_KEYS:
            texts = [value for value in item.values() if isinstance(value, str)]
        return next(iter(texts), item)
    return item
