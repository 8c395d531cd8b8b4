"""Figures of single runs side by side: their training curves in one chart, and a calibration plot each."""

from collections.abc import Iterator, Mapping, Sequence

from trueline.core.charts.calibration_figure import render_calibration_figure
from trueline.core.charts.curve_files import Curves
from trueline.core.charts.html import Html, join_html, render_figure
from trueline.core.charts.number_format import format_name, format_number
from trueline.core.charts.time_series import ChartLine, draw_line_chart, render_legend

LATER_LOSS = "loss/later"  # the curve of every learner: its loss on rows that it is not fitted on
RUN_STYLES = ("c1", "c2", "c3", "c4", "c5", "c6")
# colours that differ in light and dark mode, and dashes for those who do not see colours
RUN_STYLESHEET = """
:root { --c1: #0b5cad; --c2: #a8470a; --c3: #17683a; --c4: #7a2d9c; --c5: #855300; --c6: #59616b; }
@media (prefers-color-scheme: dark) { :root {
  --c1: #79b8ff; --c2: #f2a36b; --c3: #6fcf97; --c4: #d7a6ee; --c5: #f0c050; --c6: #a5adb6; } }
.s-c1 { stroke: var(--c1); } .s-c2 { stroke: var(--c2); stroke-dasharray: 7 3; }
.s-c3 { stroke: var(--c3); stroke-dasharray: 2 4; } .s-c4 { stroke: var(--c4); stroke-dasharray: 11 3 2 3; }
.s-c5 { stroke: var(--c5); stroke-dasharray: 4 4; } .s-c6 { stroke: var(--c6); stroke-dasharray: 1 6; }
"""


def render_curves(curves: Mapping[str, Curves]) -> Iterator[Html]:
    """Yield a figure for each learner: the loss on later rows by round, a line for each run that has the curve."""
    names = dict.fromkeys(name for run_curves in curves.values() for name in run_curves if name.endswith(LATER_LOSS))
    for curve_name in names:
        by_run = {run: run_curves[curve_name] for run, run_curves in curves.items() if run_curves.get(curve_name)}
        rounds = sorted({step for curve in by_run.values() for step in curve})
        if len(rounds) < 2:
            continue
        chart_lines = [
            ChartLine(run, [curve.get(step) for step in rounds], style)
            for (run, curve), style in zip(by_run.items(), RUN_STYLES, strict=False)
        ]
        owner = format_name(curve_name.removesuffix(LATER_LOSS).rstrip("/"))
        title = f"Loss on later rows by round{f', {owner}' if owner else ''}"
        lowest = ", ".join(f"{line.name} {format_number(_find_lowest(line), 4)}" for line in chart_lines)
        picture = draw_line_chart(title, f"Lowest: {lowest}.", [f"round {step}" for step in rounds], chart_lines)
        yield render_figure(title, join_html([picture, render_legend(chart_lines)]), f"Lowest: {lowest}.")


def render_calibration(cells: Mapping[str, Sequence[Mapping[str, str]]]) -> Iterator[Html]:
    """Yield the calibration plot of each run that has one."""
    for run, rows in cells.items():
        for figure in render_calibration_figure(rows):
            yield Html(figure.replace("<h3>", f"<h3>{join_html([run])}: ", 1))


def _find_lowest(line: ChartLine) -> float | None:
    return min((value for value in line.values if value is not None), default=None)
