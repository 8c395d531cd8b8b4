"""Dot-and-whisker chart: estimates one below the other, with intervals as whiskers or as steps between levels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from trueline.core.charts.axes import WIDTH, Axis, compute_range, compute_ticks, format_coordinate
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
    elements = [*_draw_gridlines(x, bottom), *(_draw_vertical(x(mark), bottom, "mark") for mark in marks)]
    elements += [
        element for index, estimate in enumerate(estimates) for element in _draw_row(estimate, ROW_HEIGHT * index, x)
    ]
    view_box = f"0 0 {WIDTH} {bottom + FOOT_HEIGHT}"
    captions = [html_tag("title", title), html_tag("desc", description)]
    return html_tag("svg", *captions, *elements, viewBox=view_box, role="img", aria_label=f"{title}. {description}")


def _draw_row(estimate: DotEstimate, top: int, x: Axis) -> Iterator[Html]:
    style = "model" if estimate.strong else "other"
    name = _truncate_name(estimate.name, MAX_ROW_LETTERS - len(estimate.text))
    yield html_tag("text", name, x=0, y=top + 13, class_="strong" if estimate.strong else "said")
    yield html_tag(
        "text", estimate.text, x=WIDTH, y=top + 13, text_anchor="end", class_="strong" if estimate.strong else "said"
    )
    middle = top + 26
    if estimate.value is None:
        return
    if estimate.start is not None:
        yield _draw_step(estimate.start, estimate.value, middle, x)
    if estimate.low is not None and estimate.high is not None:
        whisker = {"x1": format_coordinate(x(estimate.low)), "x2": format_coordinate(x(estimate.high))}
        yield html_tag("line", **whisker, y1=middle, y2=middle, class_=f"whisker w-{style}")
    yield html_tag(
        "circle", cx=format_coordinate(x(estimate.value)), cy=middle, r=5 if estimate.strong else 4, class_=f"f-{style}"
    )


def _draw_step(start: float, value: float, middle: int, x: Axis) -> Html:
    left, right = sorted((x(start), x(value)))
    width, style = format_coordinate(max(right - left, 1.0)), "up" if value >= start else "down"
    return html_tag("rect", x=format_coordinate(left), y=middle - 6, width=width, height=12, class_=style)


def _draw_gridlines(x: Axis, bottom: int) -> Iterator[Html]:
    values, decimals = compute_ticks(x.low, x.high)
    for value in values:
        yield _draw_vertical(x(value), bottom, "grid")
        label = f"{value:.{decimals}f}".replace("-", "−")
        yield html_tag("text", label, x=format_coordinate(x(value)), y=bottom + 16, text_anchor="middle")


def _draw_vertical(position: float, bottom: int, style: str) -> Html:
    return html_tag(
        "line", x1=format_coordinate(position), x2=format_coordinate(position), y1=0, y2=bottom, class_=style
    )


def _truncate_name(name: str, max_letters: int) -> str:
    return name if len(name) <= max_letters else f"{name[: max(max_letters - 1, 3)]}…"
