"""Time series chart: lines over days or rounds, with bands around them and zones behind them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from trueline.core.charts.axes import WIDTH, Axis, compute_range, compute_ticks, format_coordinate
from trueline.core.charts.chart import draw_line, draw_text, format_tick, render_chart
from trueline.core.charts.html import Html, html_tag
from trueline.core.charts.number_format import format_interval

HEIGHT = 190
LEFT, RIGHT, TOP, BOTTOM = 38, 8, 8, 24
ZONE_NAME_WIDTH = 76  # units right of the plot for the names of zones
LETTER_WIDTH = 6  # units per letter
EDGE = 4  # units around the plot in which dots at its edge are whole
MANY_LINES = 4  # lines from which the newest values are no longer marked by dots

Values = Sequence[float | None]
Zone = tuple[str, float, float]  # name, from, to


@dataclass(frozen=True)
class ChartLine:
    """A value per day; `style` is model, market, other or c1 to c6, and decides how the line is drawn."""

    name: str
    values: Values
    style: str = "model"
    low: Values | None = None
    high: Values | None = None


def draw_line_chart(
    title: str,
    description: str,
    days: Sequence[str],
    chart_lines: Sequence[ChartLine],
    zones: Sequence[Zone] = (),
    marks: Sequence[float] = (),
    unit: str = "",
) -> Html:
    """Return a chart of lines over days or rounds; one without a value breaks its line, and marks are dashed.

    With zones the chart shows exactly their range; otherwise as much as lines, bands and marks need.
    """
    value_range = (zones[0][1], zones[-1][2]) if zones else compute_range(_iterate_values(chart_lines, marks))
    y = Axis(*value_range, HEIGHT - BOTTOM, TOP)
    x = Axis(0, max(len(days) - 1, 1), LEFT, WIDTH - (ZONE_NAME_WIDTH if zones else RIGHT))
    elements = [
        *_draw_zones(zones, x, y),
        *_draw_gridlines(x, y),
        *_draw_day_names(days, x),
        *(draw_line(x.begin, x.end, y(mark), y(mark), "mark") for mark in marks),
        _draw_plot(chart_lines, x, y),
    ]
    tips = [_format_tip(day, chart_lines, unit) for day in range(len(days))]
    return render_chart(
        title, description, HEIGHT, elements, class_="lines", data_steps=_join_lines(days), data_tips=_join_lines(tips)
    )


def render_legend(chart_lines: Sequence[ChartLine]) -> Html:
    """Return the names of the lines, each beside a sample of it."""
    return html_tag("ul", *(html_tag("li", _draw_legend_sample(line), line.name) for line in chart_lines), class_="key")


def _draw_legend_sample(line: ChartLine) -> Html:
    sample = html_tag("line", x1=1, x2=27, y1=4, y2=4, class_=f"line s-{line.style}")
    return html_tag("svg", sample, viewBox="0 0 28 8", aria_hidden="true")


def _format_tip(day: int, chart_lines: Sequence[ChartLine], unit: str) -> str:
    """Return the exact figures of a day: "model 4.91 (4.70 to 5.12), market 4.76"."""
    return ", ".join(
        f"{line.name} {format_interval(line.values[day], _get_end(line.low, day), _get_end(line.high, day), unit)}"
        for line in chart_lines
    )


def _get_end(ends: Values | None, day: int) -> float | None:
    return None if ends is None else ends[day]


def _join_lines(texts: Sequence[str]) -> str:
    return "\n".join(" ".join(text.split()) for text in texts)


def _iterate_values(chart_lines: Sequence[ChartLine], marks: Sequence[float]) -> Iterator[float | None]:
    yield from marks
    for line in chart_lines:
        for values in (line.values, line.low, line.high):
            yield from values or ()


def _draw_plot(chart_lines: Sequence[ChartLine], x: Axis, y: Axis) -> Html:
    """Return bands and lines in an SVG element of their own, which can be stretched to show fewer days."""
    elements = [element for line in chart_lines for element in _draw_band(line, x, y)]
    has_newest_dots = len(chart_lines) < MANY_LINES
    elements += [element for line in chart_lines for element in _draw_path(line, x, y, has_newest_dots)]
    left, width = format_coordinate(x.begin - EDGE), format_coordinate(x.end - x.begin + 2 * EDGE)
    box = {"x": left, "y": "0", "width": width, "height": str(HEIGHT)}
    return html_tag(
        "svg", *elements, **box, viewBox=f"{left} 0 {width} {HEIGHT}", preserveAspectRatio="none", class_="plot"
    )


def _draw_zones(zones: Sequence[Zone], x: Axis, y: Axis) -> Iterator[Html]:
    for rank, (name, low, high) in enumerate(zones):
        top, height = y(high), y(low) - y(high)
        box = {
            "x": format_coordinate(x.begin),
            "y": format_coordinate(top),
            "width": format_coordinate(x.end - x.begin),
            "height": format_coordinate(height),
        }
        yield html_tag("rect", **box, class_="zone", fill_opacity=f"{0.05 * rank:.2f}")
        yield draw_text(name, x.end + 9, top + height / 2 + 4)


def _draw_gridlines(x: Axis, y: Axis) -> Iterator[Html]:
    values, decimals = compute_ticks(y.low, y.high)
    for value in values:
        yield draw_line(x.begin, x.end, y(value), y(value), "grid")
        yield draw_text(format_tick(value, decimals), LEFT - 5, y(value) + 4, "end")


def _draw_day_names(days: Sequence[str], x: Axis) -> Iterator[Html]:
    """Draw the first and the last day, and the middle one if there is room."""
    last_day = len(days) - 1
    anchors = {0: "start", last_day: "end"} if last_day > 0 else {0: "start"}
    has_room = x.end - x.begin > 3.4 * LETTER_WIDTH * max(map(len, days), default=0)
    anchors |= {last_day // 2: "middle"} if last_day >= 4 and has_room else {}
    for day, anchor in sorted(anchors.items()):
        if day < len(days):
            yield draw_text(days[day], x(day), HEIGHT - 6, anchor, "step")


def _draw_band(line: ChartLine, x: Axis, y: Axis) -> Iterator[Html]:
    if line.low is None or line.high is None:
        return
    for run in _find_runs(line.low, line.high):
        upper_points = [f"{format_coordinate(x(day))},{format_coordinate(y(line.high[day] or 0.0))}" for day in run]
        lower_points = [
            f"{format_coordinate(x(day))},{format_coordinate(y(line.low[day] or 0.0))}" for day in reversed(run)
        ]
        yield html_tag("polygon", points=" ".join(upper_points + lower_points), class_="band")


def _draw_path(line: ChartLine, x: Axis, y: Axis, has_newest_dot: bool) -> Iterator[Html]:
    for run in _find_runs(line.values):
        points = [(format_coordinate(x(day)), format_coordinate(y(line.values[day] or 0.0))) for day in run]
        if len(run) > 1:
            yield html_tag("polyline", points=" ".join(map(",".join, points)), class_=f"line s-{line.style}")
        else:
            yield _draw_dot(points[0], line.style, "dot")
    newest = len(line.values) - 1
    is_marked = has_newest_dot and line.style != "other" and newest > 0
    if is_marked and (value := line.values[newest]) is not None:
        yield _draw_dot((format_coordinate(x(newest)), format_coordinate(y(value))), line.style, "dot newest")


def _draw_dot(point: tuple[str, str], style: str, dot_class: str) -> Html:
    """Return a dot that stays round when the plot is stretched: a line without length, with round ends."""
    return html_tag("path", d=f"M{point[0]} {point[1]}h0", class_=f"line s-{style} {dot_class}")


def _find_runs(*columns: Values) -> list[list[int]]:
    """Return the runs of days on which all columns have a value."""
    has_values = [all(column[day] is not None for column in columns) for day in range(len(columns[0]))]
    day_runs = groupby(range(len(has_values)), key=lambda day: has_values[day])
    return [list(run) for is_present, run in day_runs if is_present]
