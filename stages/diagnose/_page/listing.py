"""Listing: any details of a finding as facts, intervals and tables, within bounds."""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.diagnose._page.markup import Html, table, tag
from stages.diagnose._page.words import DASH, ends, is_interval, number, plain, spoken, within

ITEMS = 24  # facts, words or rows shown of each level; how many were left out is said
DEEP = 3  # levels of facts within facts
COLUMNS = 10


def listing(details: Mapping[str, Any], deep: int = 0) -> Html:
    """Return details as facts in the order of their names; what is beyond the bounds is counted, not shown."""
    names = sorted(details, key=str)
    facts = []
    for name in names[:ITEMS]:
        facts += [tag("dt", spoken(str(name))), tag("dd", said(details[name], str(name), deep))]
    if len(names) > ITEMS:
        facts += [tag("dt", "…"), tag("dd", f"{len(names) - ITEMS} more")]
    return tag("dl", *facts, class_="facts")


def said(value: Any, name: str = "", deep: int = 0) -> str:
    """Return a value as words, as facts of its own, or as a table where it is a list of facts."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if is_interval(value):
        n = number(value.get("n"))
        return within(*ends(value)) + (f", n {n:,.0f}" if n is not None else "")
    if isinstance(value, Mapping):
        return listing(value, deep + 1) if value and deep < DEEP else _emptied(len(value))
    if isinstance(value, list | tuple):
        return _several(value, name, deep)
    return word(value)


def word(value: Any) -> str:
    """Return a single value as a word."""
    found = number(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return plain(found) if found is not None else DASH if value is None or value != value else str(value)


def _several(values: Sequence[Any], name: str, deep: int) -> str:
    if not values:
        return "none"
    if all(isinstance(one, Mapping) for one in values):
        return _rows(values, name) if deep < DEEP else _emptied(len(values))
    more = f" and {len(values) - ITEMS} more" if len(values) > ITEMS else ""
    return ", ".join(word(one) if not isinstance(one, Mapping | list) else "…" for one in values[:ITEMS]) + more


def _rows(values: Sequence[Mapping[str, Any]], name: str) -> Html:
    words = {str(key) for one in values for key in one if isinstance(one[key], str)}  # what names a row stands first
    heads = sorted({str(key) for one in values for key in one}, key=lambda key: (key not in words, key))[:COLUMNS]
    rows = [[_cell(one.get(head)) for head in heads] for one in values[:ITEMS]]
    more = f" (the first {ITEMS} of {len(values)})" if len(values) > ITEMS else ""
    return table(f"{spoken(name)}{more}", [spoken(head) for head in heads], rows)


def _cell(value: Any) -> str:
    if is_interval(value):
        return within(*ends(value))
    if isinstance(value, Mapping):
        return ", ".join(f"{spoken(str(key))} {word(one)}" for key, one in sorted(value.items())[:COLUMNS])
    return str(_several(value, "", DEEP)) if isinstance(value, list | tuple) else word(value)


def _emptied(how_many: int) -> str:
    return "none" if how_many == 0 else f"{how_many:,} entries"
