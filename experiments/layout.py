"""Layout: tables that fit a terminal of 120 columns, or a pull request."""

import textwrap
from collections.abc import Sequence
from typing import Any

WIDTH = 120
GAP = "  "
NARROWEST = 8  # letters below which a column is not cut

Row = Sequence[Any]


def table(heads: Sequence[str], rows: Sequence[Row], width: int = WIDTH) -> list[str]:
    """Return aligned lines; where they would be too long, the widest columns of text are cut."""
    cells = [[_said(value) for value in row] for row in rows]
    widths = _fitted([max(len(each) for each in column) for column in zip(heads, *cells, strict=True)], width)
    numeric = [_numeric([row[place] for row in rows]) for place in range(len(heads))]
    lines = [list(heads), *cells]
    return [
        GAP.join(_cell(*each) for each in zip(line, widths, numeric, strict=True)).rstrip()[:width] for line in lines
    ]


def markdown(heads: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """Return a table in GitHub's Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(_said(value).replace("|", "\\|") for value in line) + " |" for line in lines]


def number(value: Any) -> str:
    """Return a score as it is read: four digits, or a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}" if isinstance(value, float) else str(value)


def cut(text: str, width: int = WIDTH) -> str:
    """Return a text that is no longer than a width."""
    return text if len(text) <= width else text[: width - 1] + "…"


def wrapped(text: str, width: int = WIDTH) -> list[str]:
    """Return a sentence in lines that are no longer than a width."""
    return textwrap.wrap(text, width, subsequent_indent="  ", break_long_words=False) or [""]


def _fitted(widths: list[int], whole: int) -> list[int]:
    widths = list(widths)
    while sum(widths) + len(GAP) * (len(widths) - 1) > whole and max(widths) > NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _cell(text: str, width: int, right: bool) -> str:
    return cut(text, width).rjust(width) if right else cut(text, width).ljust(width)


def _numeric(values: Sequence[Any]) -> bool:
    return all(isinstance(value, int | float) or value is None for value in values)


def _said(value: Any) -> str:
    return number(value) if value is None or isinstance(value, int | float) else " ".join(str(value).split())
