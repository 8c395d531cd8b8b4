"""Status charts: the headline figure, calibration, training curves, daily figures and the most important inputs."""

from collections.abc import Iterator

from trueline.core.charts.calibration_figure import render_calibration_figure
from trueline.core.charts.dot_whisker import DotEstimate, draw_dot_whiskers
from trueline.core.charts.html import Html, join_html, render_figure, render_figure_grid
from trueline.core.charts.number_format import (
    close_sentence,
    format_count,
    format_interval,
    format_name,
    format_number,
)
from trueline.core.charts.time_range import render_timed_grid
from trueline.core.charts.time_series import ChartLine, draw_line_chart, render_legend
from trueline.core.charts.training_figure import render_training_figures
from trueline.service.page.cards import format_figure, get_headline_figure, is_percent
from trueline.service.status.daily_rows import DailyRows
from trueline.service.status.headline_metrics import Figure, Interval, find_description
from trueline.service.status.stage_outputs import TaskOutputs
from trueline.service.status.status_schema import TaskStatus

BREAK_EVEN_PERCENT = 100 * 110 / 210  # of bets at −110 that must be won to break even
BREAK_EVEN_NOTE = f"The dashes mark {BREAK_EVEN_PERCENT:.1f} %, which breaks even at −110."
MAX_INPUTS = 5  # inputs that are drawn


def render_charts(outputs: TaskOutputs, status: TaskStatus) -> Html:
    """Return a task's charts, as far as its outputs have the data; those over days have a choice of how many."""
    charts = [
        *_render_comparison(status, _has_bets(outputs)),
        *_render_reliability(outputs, status),
        *render_training_figures(outputs.curves),
        *_render_inputs(status),
    ]
    days = DailyRows.from_rows(outputs.days)
    daily = [chart for draw in (_render_hit_rate, _render_losses) for chart in (draw(days, outputs) if days else ())]
    grids = [render_figure_grid(charts)] if charts else []
    return join_html(
        [*grids, *([render_timed_grid(status.task, len(days.day_names), daily)] if days and daily else [])]
    )


def _has_bets(outputs: TaskOutputs) -> bool:
    description = find_description(outputs)
    return description is not None and description.has_bets


def _render_comparison(status: TaskStatus, has_bets: bool) -> Iterator[Html]:
    """Draw the headline figure beside what it must beat, or another figure if the headline has no comparison."""
    task_figures = [*status.figures.values()]
    shown = next((item for item in (get_headline_figure(status)[1], *task_figures) if item and item.beside), None)
    if shown is None:
        return
    rival_dots = (_build_dot(name, item, shown) for name, item in shown.beside.items())
    dot_list = [_build_dot("the model", shown, shown, True), *rival_dots]
    description = "; ".join(f"{item.name} {item.text}" for item in dot_list)
    title = f"{shown.metric[0].upper()}{shown.metric[1:]}"
    is_bet_share = has_bets and is_percent(shown)
    marks = (BREAK_EVEN_PERCENT,) if is_bet_share else ()
    caption = f"Whiskers are 95 % intervals; {format_count(shown.n, 'group', 'groups')}." if shown.n else ""
    caption += f" {BREAK_EVEN_NOTE}" if is_bet_share else ""
    yield render_figure(
        "Beside what it must beat",
        draw_dot_whiskers(title, f"{description}.", dot_list, marks),
        close_sentence(title),
        caption,
    )


def _build_dot(name: str, estimate: Interval, reference: Figure, strong: bool = False) -> DotEstimate:
    factor = 100.0 if is_percent(reference) else 1.0
    value, low, high = (None if end is None else end * factor for end in (estimate.value, estimate.low, estimate.high))
    return DotEstimate(name, format_figure(estimate, reference), value, low, high, strong=strong)


def _render_reliability(outputs: TaskOutputs, status: TaskStatus) -> list[Html]:
    calibration = status.calibration
    error = (
        ""
        if calibration is None or calibration.error is None
        else f"Calibration error {format_number(calibration.error, 3)}. "
    )
    calibrated = f"{error}Calibrated by {format_name(calibration.calibrator)}." if calibration else ""
    return render_calibration_figure(outputs.reliability, calibrated)


def _render_inputs(status: TaskStatus) -> Iterator[Html]:
    """Draw the most important inputs."""
    top_inputs = [item for item in status.features.top[:MAX_INPUTS] if item.importance > 0]
    percents = [(item.name, 100 * item.importance) for item in top_inputs]
    dot_list = [DotEstimate(name, f"{percent:.1f} %", percent, start=0.0) for name, percent in percents]
    if len(dot_list) > 1:
        description = "; ".join(f"{item.name} {item.text}" for item in dot_list)
        count = status.features.count
        caption = f"The first of {format_count(count, 'input', 'inputs')}." if count else ""
        yield render_figure(
            "Inputs by importance", draw_dot_whiskers("Inputs by importance", f"{description}.", dot_list), caption
        )


def _render_hit_rate(days: DailyRows, outputs: TaskOutputs) -> Iterator[Html]:
    rate = ChartLine("last 30 days", days.read_numbers("hit_rate_30d"), "model", *_read_interval(days, "hit_rate_30d"))
    baseline = ChartLine("baseline", days.read_numbers("hit_rate_baseline"), "other")
    has_bets = _has_bets(outputs)
    if any(value is not None for value in rate.values):
        caption = BREAK_EVEN_NOTE if has_bets else ""
        yield _render_daily_lines(
            "Hit rate, 30 days, %", days, [rate, baseline], (BREAK_EVEN_PERCENT,) if has_bets else (), " %", caption
        )


def _render_losses(days: DailyRows, outputs: TaskOutputs) -> Iterator[Html]:
    model = ChartLine("model", days.read_numbers("model_mae"))
    market = ChartLine("market", days.read_numbers("line_mae"), "market")
    counts = days.read_numbers("model_n"), days.read_numbers("line_n")
    if not any(value is not None for value in model.values):
        return
    is_same_units = counts[0] == counts[1]  # otherwise the two cannot be compared
    caption = (
        "Lower is better." if is_same_units else "The market is scored on other rows: the two are not drawn together."
    )
    lines = [model, market] if is_same_units else [model]
    yield _render_daily_lines("Mean loss, day by day", days, lines, (), "", caption)


def _render_daily_lines(
    title: str, days: DailyRows, series: list[ChartLine], marks: tuple[float, ...], unit: str, caption: str
) -> Html:
    drawn_lines = [line for line in series if any(value is not None for value in line.values)]
    newest = _describe_newest(days, drawn_lines[0], unit)
    picture = draw_line_chart(title, newest, days.day_names, drawn_lines, (), marks, unit)
    legend = render_legend(drawn_lines) if len(drawn_lines) > 1 else ""
    return render_figure(title, Html(picture + legend), newest, caption)


def _describe_newest(days: DailyRows, line: ChartLine, unit: str) -> str:
    index = max(position for position, value in enumerate(line.values) if value is not None)
    low, high = (None if end is None else end[index] for end in (line.low, line.high))
    return f"Newest ({days.day_names[index]}): {format_interval(line.values[index], low, high, unit)}."


def _read_interval(days: DailyRows, name: str) -> tuple[list[float | None], list[float | None]]:
    return days.read_numbers(f"{name}_low"), days.read_numbers(f"{name}_high")
