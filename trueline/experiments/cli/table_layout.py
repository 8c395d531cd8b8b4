"""Text layout: tables that fit a terminal of 120 columns, and Markdown tables for pull requests."""

import textwrap
from collections.abc import Sequence
from typing import Any

TERMINAL_WIDTH = 120
COLUMN_GAP = "  "
MIN_COLUMN_WIDTH = 8  # characters; a narrower column is not cut

Row = Sequence[Any]


def format_table(heads: Sequence[str], rows: Sequence[Row], width: int = TERMINAL_WIDTH) -> list[str]:
    """Return aligned lines; if they would be too long, the widest columns are cut."""
    cells = [[_format_value(value) for value in row] for row in rows]
    widths = _shrink_widths([max(len(cell) for cell in column) for column in zip(heads, *cells, strict=True)], width)
    numeric = [_is_numeric([row[index] for row in rows]) for index in range(len(heads))]
    lines = [list(heads), *cells]
    rendered = ([_format_cell(*cell) for cell in zip(line, widths, numeric, strict=True)] for line in lines)
    return [COLUMN_GAP.join(texts).rstrip()[:width] for texts in rendered]


def drop_empty_columns(heads: Sequence[str], rows: Sequence[Row]) -> tuple[list[str], list[Row]]:
    """Return heads and rows without the columns in which every row is empty."""
    filled = [index for index in range(len(heads)) if any(row[index] not in (None, "") for row in rows)]
    return [heads[index] for index in filled], [[row[index] for index in filled] for row in rows]


def format_markdown_table(heads: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """Return a table in GitHub's Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(_format_value(value).replace("|", "\\|") for value in line) + " |" for line in lines]


def format_number(value: Any) -> str:
    """Return a number for people: four decimals, thousands separated, a dash for None."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}" if isinstance(value, float) else str(value)


def truncate_text(text: str, width: int = TERMINAL_WIDTH) -> str:
    """Return a text cut to a width."""
    return text if len(text) <= width else text[: width - 1] + "…"


def wrap_text(text: str, width: int = TERMINAL_WIDTH) -> list[str]:
    """Return a sentence as lines no longer than a width, except where a single word is."""
    return textwrap.wrap(text, width, subsequent_indent="  ", break_long_words=False) or [""]


def _shrink_widths(widths: list[int], total_width: int) -> list[int]:
    widths = list(widths)
    while sum(widths) + len(COLUMN_GAP) * (len(widths) - 1) > total_width and max(widths) > MIN_COLUMN_WIDTH:
        widths[widths.index(max(widths))] -= 1
    return widths


def _format_cell(text: str, width: int, right: bool) -> str:
    return truncate_text(text, width).rjust(width) if right else truncate_text(text, width).ljust(width)


def _is_numeric(values: Sequence[Any]) -> bool:
    return all(isinstance(value, int | float) or value is None for value in values)


def _format_value(value: Any) -> str:
    return format_number(value) if value is None or isinstance(value, int | float) else " ".join(str(value).split())
