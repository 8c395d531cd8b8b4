"""Detail tables: any details of a finding as facts, intervals and tables, up to a maximum size."""

from collections.abc import Mapping, Sequence
from typing import Any

from trueline.core.charts.html import Html, html_tag, render_table
from trueline.core.charts.number_format import (
    DASH,
    format_interval,
    format_name,
    format_number,
    get_interval_values,
    is_interval,
    parse_number,
)

MAX_ITEMS = 24  # facts, words or rows shown per level; how many were left out is shown too
MAX_DEPTH = 3  # levels of nested facts
MAX_COLUMNS = 10


def render_listing(details: Mapping[str, Any], depth: int = 0) -> Html:
    """Return details as facts sorted by name; what exceeds the maximum size is counted, not shown."""
    names = sorted(details, key=str)
    facts = []
    for name in names[:MAX_ITEMS]:
        facts += [html_tag("dt", format_name(str(name))), html_tag("dd", format_value(details[name], str(name), depth))]
    if len(names) > MAX_ITEMS:
        facts += [html_tag("dt", "…"), html_tag("dd", f"{len(names) - MAX_ITEMS} more")]
    return html_tag("dl", *facts, class_="facts")


def format_value(value: Any, name: str = "", depth: int = 0) -> str:
    """Return a value as text, as nested facts, or as a table if it is a list of facts."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if is_interval(value):
        sample_size = parse_number(value.get("n"))
        return format_interval(*get_interval_values(value)) + (
            f", n {sample_size:,.0f}" if sample_size is not None else ""
        )
    if isinstance(value, Mapping):
        return render_listing(value, depth + 1) if value and depth < MAX_DEPTH else _describe_omitted(len(value))
    if isinstance(value, list | tuple):
        return _format_sequence(value, name, depth)
    return format_single_value(value)


def format_single_value(value: Any) -> str:
    """Return a single value as text; a dash for None and NaN."""
    parsed = parse_number(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return format_number(parsed) if parsed is not None else DASH if value is None or value != value else str(value)


def _format_sequence(values: Sequence[Any], name: str, depth: int) -> str:
    if not values:
        return "none"
    if all(isinstance(item, Mapping) for item in values):
        return _render_rows(values, name) if depth < MAX_DEPTH else _describe_omitted(len(values))
    more_note = f" and {len(values) - MAX_ITEMS} more" if len(values) > MAX_ITEMS else ""
    return (
        ", ".join(
            format_single_value(item) if not isinstance(item, Mapping | list) else "…" for item in values[:MAX_ITEMS]
        )
        + more_note
    )


def _render_rows(values: Sequence[Mapping[str, Any]], name: str) -> Html:
    # columns with texts name the rows, so they come first
    text_keys = {str(key) for row in values for key in row if isinstance(row[key], str)}
    heads = sorted({str(key) for row in values for key in row}, key=lambda key: (key not in text_keys, key))[
        :MAX_COLUMNS
    ]
    rows = [[_format_cell(row.get(head)) for head in heads] for row in values[:MAX_ITEMS]]
    more_note = f" (the first {MAX_ITEMS} of {len(values)})" if len(values) > MAX_ITEMS else ""
    return render_table(f"{format_name(name)}{more_note}", [format_name(head) for head in heads], rows)


def _format_cell(value: Any) -> str:
    if is_interval(value):
        return format_interval(*get_interval_values(value))
    if isinstance(value, Mapping):
        return ", ".join(
            f"{format_name(str(key))} {format_single_value(item)}" for key, item in sorted(value.items())[:MAX_COLUMNS]
        )
    return (
        str(_format_sequence(value, "", MAX_DEPTH)) if isinstance(value, list | tuple) else format_single_value(value)
    )


def _describe_omitted(count: int) -> str:
    return "none" if count == 0 else f"{count:,} entries"
