"""Dot-and-whisker chart: estimates one below the other, with intervals as whiskers or as steps between levels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from trueline.core.charts.axes import WIDTH, Axis, compute_range, compute_ticks, format_coordinate
from trueline.core.charts.chart import draw_circle, draw_line, draw_mark, draw_text, format_tick, render_chart
from trueline.core.charts.html import Html, html_tag

ROW_HEIGHT = 38  # units: the text above, the whisker below it
FOOT_HEIGHT = 22
EDGE_MARGIN = 10
MAX_ROW_LETTERS = 52  # letters that fit into a row, name and value together


@dataclass(frozen=True)
class DotEstimate:
    """An estimate as text and on the axis; `start` is the level that a step starts from."""

    name: str
    text: str
    value: float | None
    low: float | None = None
    high: float | None = None
    start: float | None = None
    strong: bool = False


def draw_dot_whiskers(
    title: str, description: str, estimates: Sequence[DotEstimate], marks: Sequence[float] = ()
) -> Html:
    """Return a chart of estimates, one below the other; marks are dashed lines across all of them."""
    values = [
        value for estimate in estimates for value in (estimate.value, estimate.low, estimate.high, estimate.start)
    ]
    x = Axis(*compute_range([*values, *marks]), EDGE_MARGIN, WIDTH - EDGE_MARGIN)
    bottom = ROW_HEIGHT * len(estimates) + 2
    elements = [*_draw_gridlines(x, bottom), *(draw_line(x(mark), x(mark), 0, bottom, "mark") for mark in marks)]
    elements += [
        draw_mark(f"{estimate.name}: {estimate.text}", *_draw_row(estimate, ROW_HEIGHT * index, x))
        for index, estimate in enumerate(estimates)
    ]
    return render_chart(title, description, bottom + FOOT_HEIGHT, elements)


def _draw_row(estimate: DotEstimate, top: int, x: Axis) -> Iterator[Html]:
    style, text_style = ("model", "strong") if estimate.strong else ("other", "said")
    name = _truncate_name(estimate.name, MAX_ROW_LETTERS - len(estimate.text))
    yield draw_text(name, 0, top + 13, style=text_style)
    yield draw_text(estimate.text, WIDTH, top + 13, "end", text_style)
    middle = top + 26
    if estimate.value is None:
        return
    if estimate.start is not None:
        yield _draw_step(estimate.start, estimate.value, middle, x)
    if estimate.low is not None and estimate.high is not None:
        yield draw_line(x(estimate.low), x(estimate.high), middle, middle, f"whisker w-{style}")
    yield draw_circle(x(estimate.value), middle, 5 if estimate.strong else 4, style)


def _draw_step(start: float, value: float, middle: int, x: Axis) -> Html:
    left, right = sorted((x(start), x(value)))
    width, style = format_coordinate(max(right - left, 1.0)), "up" if value >= start else "down"
    return html_tag("rect", x=format_coordinate(left), y=middle - 6, width=width, height=12, class_=style)


def _draw_gridlines(x: Axis, bottom: int) -> Iterator[Html]:
    values, decimals = compute_ticks(x.low, x.high)
    for value in values:
        yield draw_line(x(value), x(value), 0, bottom, "grid")
        yield draw_text(format_tick(value, decimals), x(value), bottom + 16, "middle")


def _truncate_name(name: str, max_letters: int) -> str:
    return name if len(name) <= max_letters else f"{name[: max(max_letters - 1, 3)]}…"
