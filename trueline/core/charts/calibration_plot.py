"""Calibration plot: predicted against observed frequency; on the diagonal the two agree."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from trueline.core.charts.axes import WIDTH, Axis, compute_ticks
from trueline.core.charts.chart import draw_circle, draw_line, draw_mark, draw_text, render_chart
from trueline.core.charts.html import Html, html_tag
from trueline.core.charts.number_format import format_interval

LEFT, RIGHT, TOP, BOTTOM = 46, 16, 10, 46


@dataclass(frozen=True)
class CalibrationCell:
    """Predictions of about the same probability, and the share of them that came true."""

    predicted: float
    observed: float
    low: float | None
    high: float | None
    count: float | None = None  # predictions


def draw_calibration_plot(title: str, description: str, cells: Sequence[CalibrationCell]) -> Html:
    """Return a square chart of probabilities in per cent; both axes show the same range."""
    low, high = _compute_percent_range(cells)
    x, y = Axis(low, high, LEFT, WIDTH - RIGHT), Axis(low, high, WIDTH - BOTTOM, TOP)
    elements = [
        *_draw_gridlines(x, y),
        *_draw_axis_names(x),
        draw_line(x(low), x(high), y(low), y(high), "mark"),
        *(_draw_cell(cell, x, y) for cell in cells),
    ]
    return render_chart(title, description, WIDTH, elements)


def _compute_percent_range(cells: Sequence[CalibrationCell]) -> tuple[float, float]:
    """Return the range in per cent that holds all cells, widened to multiples of five."""
    values = [
        value for cell in cells for value in (cell.predicted, cell.observed, cell.low, cell.high) if value is not None
    ]
    low, high = 100 * min(values), 100 * max(values)
    return max(0.0, 5 * (low // 5)), min(100.0, 5 * (high // 5 + 1))


def _draw_gridlines(x: Axis, y: Axis) -> Iterator[Html]:
    for value in compute_ticks(x.low, x.high)[0]:
        yield draw_line(x.begin, x.end, y(value), y(value), "grid")
        yield draw_line(x(value), x(value), y.end, y.begin, "grid")
        yield draw_text(f"{value:.0f}", LEFT - 5, y(value) + 4, "end")
        yield draw_text(f"{value:.0f}", x(value), y.begin + 15, "middle")


def _draw_axis_names(x: Axis) -> Iterator[Html]:
    yield draw_text("predicted, %", (x.begin + x.end) / 2, WIDTH - 6, "middle", "said")
    rotation = f"rotate(-90 12 {WIDTH / 2:.0f})"
    yield html_tag("text", "happened, %", x=12, y=WIDTH // 2, transform=rotation, text_anchor="middle", class_="said")


def _draw_cell(cell: CalibrationCell, x: Axis, y: Axis) -> Html:
    column, elements = x(100 * cell.predicted), []
    if cell.low is not None and cell.high is not None:
        elements.append(draw_line(column, column, y(100 * cell.low), y(100 * cell.high), "whisker w-model"))
    elements.append(draw_circle(column, y(100 * cell.observed), 4, "model"))
    low, high = (None if end is None else 100 * end for end in (cell.low, cell.high))
    happened = format_interval(100 * cell.observed, low, high, " %", decimals=1)
    count_text = "" if cell.count is None else f", {cell.count:,.0f} predictions"
    return draw_mark(f"predicted {100 * cell.predicted:.1f} %, happened {happened}{count_text}", *elements)
