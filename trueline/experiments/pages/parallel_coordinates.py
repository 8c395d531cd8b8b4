"""Parallel coordinates: an axis for each parameter and for the score, and a line for each run across all of them."""

from collections.abc import Iterator, Sequence

from trueline.core.charts.axes import WIDTH, format_coordinate
from trueline.core.charts.chart import draw_circle, draw_line, draw_mark, draw_text, render_chart
from trueline.core.charts.html import Html, html_tag
from trueline.experiments.pages.value_scale import ValueScale, make_scale
from trueline.experiments.pages.varied_params import VariedParam

HEIGHT = 230
LEFT, RIGHT, TOP, BOTTOM = 30, 44, 36, 10
DOT_ROOM = 8  # units between the last axis, where the dots are, and its numbers
HEAD_HEIGHT = 14  # units between the two lines on which axes are named in turn
MAX_HEAD_LETTERS = 18
MAX_STRONG_SHARE = 0.9  # opacity of the strong line; the others share a fainter one


def draw_parallel_coordinates(
    title: str, description: str, axes: Sequence[VariedParam], tips: Sequence[str], strong: int = 0
) -> Html:
    """Return a chart of runs; `axes` have a value for each run, the score is the last, and `strong` is a run's index.

    The exact figures of a run are shown at its dot on the last axis.
    """
    gap = (WIDTH - LEFT - RIGHT) / (len(axes) - 1)
    columns = [LEFT + gap * index for index in range(len(axes))]
    scales = [make_scale(axis.values, HEIGHT - BOTTOM, TOP) for axis in axes]
    order = sorted(range(len(tips)), key=lambda run: run == strong)
    elements = [
        *_draw_axes(axes, columns, scales),
        *(_draw_path(run, axes, columns, scales, run == strong) for run in order),
        *_draw_ticks(columns, scales),
        *(_draw_end(run, tips[run], axes, columns, scales, run == strong) for run in order),
    ]
    return render_chart(title, description, HEIGHT, elements)


def _draw_axes(axes: Sequence[VariedParam], columns: Sequence[float], scales: Sequence[ValueScale]) -> Iterator[Html]:
    for index, (axis, column, scale) in enumerate(zip(axes, columns, scales, strict=True)):
        anchor = "start" if not index else "end" if index == len(axes) - 1 else "middle"
        edge = 0 if not index else WIDTH if index == len(axes) - 1 else column
        name = axis.name if len(axis.name) <= MAX_HEAD_LETTERS else f"…{axis.name[1 - MAX_HEAD_LETTERS :]}"
        yield draw_line(column, column, scale.axis.begin, scale.axis.end, "grid")
        yield draw_text(name, edge, 10 + HEAD_HEIGHT * (index % 2), anchor, "said")


def _draw_ticks(columns: Sequence[float], scales: Sequence[ValueScale]) -> Iterator[Html]:
    for column, scale in zip(columns, scales, strict=True):
        is_last = column == columns[-1]
        for text, position in scale.list_ticks():
            yield draw_text(text, column + DOT_ROOM * is_last, position + 4, "start" if is_last else "middle")


def _draw_path(
    run: int, axes: Sequence[VariedParam], columns: Sequence[float], scales: Sequence[ValueScale], is_strong: bool
) -> Html:
    points = " ".join(
        f"{format_coordinate(column)},{format_coordinate(scale(axis.values[run]))}"
        for axis, column, scale in zip(axes, columns, scales, strict=True)
    )
    style = "line w-model" if is_strong else "line w-other"
    return html_tag("polyline", points=points, class_=style, stroke_opacity=MAX_STRONG_SHARE if is_strong else 0.3)


def _draw_end(
    run: int,
    tip: str,
    axes: Sequence[VariedParam],
    columns: Sequence[float],
    scales: Sequence[ValueScale],
    is_strong: bool,
) -> Html:
    position = scales[-1](axes[-1].values[run])
    return draw_mark(tip, draw_circle(columns[-1], position, 5 if is_strong else 3, "model" if is_strong else "other"))
