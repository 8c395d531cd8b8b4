"""Scatter chart: a score against a parameter, a dot for each run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from trueline.core.charts.axes import WIDTH
from trueline.core.charts.chart import draw_circle, draw_line, draw_mark, draw_text, render_chart
from trueline.core.charts.html import Html
from trueline.experiments.pages.value_scale import ValueScale, make_scale
from trueline.experiments.pages.varied_params import AxisValue

HEIGHT = 200
LEFT, RIGHT, TOP, BOTTOM = 46, 16, 8, 26
MAX_WHISKERS = 20  # runs up to which intervals are drawn; those of more would hide the dots


@dataclass(frozen=True)
class ScatterPoint:
    """A run: its exact figures as text, its value on both axes, and its interval."""

    tip: str
    x: AxisValue
    y: float
    low: float | None = None
    high: float | None = None
    strong: bool = False


def draw_scatter(title: str, description: str, points: Sequence[ScatterPoint]) -> Html:
    """Return a chart of points; those that are strong are drawn last, in another colour."""
    has_whiskers = len(points) <= MAX_WHISKERS
    ends = [end for point in points for end in (point.low, point.high) if has_whiskers and end is not None]
    x = make_scale([point.x for point in points], LEFT, WIDTH - RIGHT)
    y = make_scale([*(point.y for point in points), *ends], HEIGHT - BOTTOM, TOP)
    ordered = sorted(points, key=lambda point: point.strong)
    marks = [_draw_point(point, x, y, has_whiskers) for point in ordered]
    return render_chart(title, description, HEIGHT, [*_draw_gridlines(x, y), *marks])


def _draw_gridlines(x: ValueScale, y: ValueScale) -> Iterator[Html]:
    for text, position in y.list_ticks():
        yield draw_line(LEFT, WIDTH - RIGHT, position, position, "grid")
        yield draw_text(text, LEFT - 5, position + 4, "end")
    for text, position in x.list_ticks():
        yield draw_line(position, position, TOP, HEIGHT - BOTTOM, "grid")
        yield draw_text(text, position, HEIGHT - 8, "middle")


def _draw_point(point: ScatterPoint, x: ValueScale, y: ValueScale, has_whisker: bool) -> Html:
    style, column, elements = "model" if point.strong else "other", x(point.x), []
    if has_whisker and point.low is not None and point.high is not None:
        elements.append(draw_line(column, column, y(point.low), y(point.high), f"whisker w-{style}"))
    elements.append(draw_circle(column, y(point.y), 5 if point.strong else 3, style))
    return draw_mark(point.tip, *elements)
