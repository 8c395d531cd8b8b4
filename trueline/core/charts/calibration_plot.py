"""Calibration plot: predicted against observed frequency; on the diagonal the two agree."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from trueline.core.charts.axes import WIDTH, Axis, compute_ticks, format_coordinate
from trueline.core.charts.html import Html, html_tag

LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 40


@dataclass(frozen=True)
class CalibrationCell:
    """Predictions of about the same probability, and the share of them that came true."""

    predicted: float
    observed: float
    low: float | None
    high: float | None


def draw_calibration_plot(title: str, description: str, cells: Sequence[CalibrationCell]) -> Html:
    """Return a square chart of probabilities in per cent; both axes show the same range."""
    low, high = _compute_percent_range(cells)
    x, y = Axis(low, high, LEFT, WIDTH - RIGHT), Axis(low, high, WIDTH - BOTTOM, TOP)
    diagonal_line = html_tag(
        "line",
        x1=format_coordinate(x(low)),
        y1=format_coordinate(y(low)),
        x2=format_coordinate(x(high)),
        y2=format_coordinate(y(high)),
        class_="mark",
    )
    elements = [
        *_draw_gridlines(x, y),
        *_draw_axis_names(x),
        diagonal_line,
        *(element for cell in cells for element in _draw_cell(cell, x, y)),
    ]
    captions = [html_tag("title", title), html_tag("desc", description)]
    return html_tag(
        "svg", *captions, *elements, viewBox=f"0 0 {WIDTH} {WIDTH}", role="img", aria_label=f"{title}. {description}"
    )


def _compute_percent_range(cells: Sequence[CalibrationCell]) -> tuple[float, float]:
    """Return the range in per cent that holds all cells, widened to multiples of five."""
    values = [
        value for cell in cells for value in (cell.predicted, cell.observed, cell.low, cell.high) if value is not None
    ]
    low, high = 100 * min(values), 100 * max(values)
    return max(0.0, 5 * (low // 5)), min(100.0, 5 * (high // 5 + 1))


def _draw_gridlines(x: Axis, y: Axis) -> Iterator[Html]:
    for value in compute_ticks(x.low, x.high)[0]:
        across, down = format_coordinate(x(value)), format_coordinate(y(value))
        yield html_tag(
            "line", x1=format_coordinate(x.begin), x2=format_coordinate(x.end), y1=down, y2=down, class_="grid"
        )
        yield html_tag(
            "line", x1=across, x2=across, y1=format_coordinate(y.end), y2=format_coordinate(y.begin), class_="grid"
        )
        yield html_tag("text", f"{value:.0f}", x=LEFT - 5, y=format_coordinate(y(value) + 4), text_anchor="end")
        yield html_tag("text", f"{value:.0f}", x=across, y=format_coordinate(y.begin + 15), text_anchor="middle")


def _draw_axis_names(x: Axis) -> Iterator[Html]:
    middle = format_coordinate((x.begin + x.end) / 2)
    yield html_tag("text", "predicted, %", x=middle, y=WIDTH - 6, text_anchor="middle", class_="said")
    rotation = f"rotate(-90 12 {WIDTH / 2:.0f})"
    yield html_tag("text", "happened, %", x=12, y=WIDTH // 2, transform=rotation, text_anchor="middle", class_="said")


def _draw_cell(cell: CalibrationCell, x: Axis, y: Axis) -> Iterator[Html]:
    column = format_coordinate(x(100 * cell.predicted))
    if cell.low is not None and cell.high is not None:
        whisker = {"y1": format_coordinate(y(100 * cell.low)), "y2": format_coordinate(y(100 * cell.high))}
        yield html_tag("line", x1=column, x2=column, **whisker, class_="whisker w-model")
    yield html_tag("circle", cx=column, cy=format_coordinate(y(100 * cell.observed)), r=4, class_="f-model")
