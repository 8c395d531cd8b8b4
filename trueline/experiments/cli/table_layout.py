"""Text layout: tables that fit a terminal of 120 columns, and Markdown tables for pull requests."""

import io
import textwrap
from collections.abc import Sequence
from typing import Any, Literal

TERMINAL_WIDTH = 120
COLUMN_GAP = 2  # characters between columns

Row = Sequence[Any]


def format_table(heads: Sequence[str], rows: Sequence[Row], width: int = TERMINAL_WIDTH) -> list[str]:
    """Return aligned lines; if they would be too long, the widest columns are cut."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, COLUMN_GAP, 0, 0), header_style="none")
    for index, head in enumerate(heads):
        justify: Literal["right", "left"] = "right" if _is_numeric([row[index] for row in rows]) else "left"
        table.add_column(Text(head, no_wrap=True, overflow="ellipsis"), justify=justify)
    for row in rows:
        # cells do not wrap, and columns may: of those that may not, rich would cut the narrow ones too
        table.add_row(*(Text(_format_value(value), no_wrap=True, overflow="ellipsis") for value in row))
    console = Console(width=width, file=io.StringIO(), color_system=None, emoji=False)
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().splitlines()]


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


def _is_numeric(values: Sequence[Any]) -> bool:
    return all(isinstance(value, int | float) or value is None for value in values)


def _format_value(value: Any) -> str:
    return format_number(value) if value is None or isinstance(value, int | float) else " ".join(str(value).split())
