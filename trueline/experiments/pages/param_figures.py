"""Figures of parameters: the score against each of those in which runs differ, and all of them side by side."""

from collections.abc import Iterator, Sequence

from trueline.core.charts.html import Html, render_figure
from trueline.core.charts.number_format import format_interval, format_name
from trueline.experiments.pages.parallel_coordinates import draw_parallel_coordinates
from trueline.experiments.pages.scatter_chart import ScatterPoint, draw_scatter
from trueline.experiments.pages.task_runs import PageRun, TaskRuns
from trueline.experiments.pages.varied_params import AxisValue, VariedParam

MAX_SCATTERS = 6
MAX_AXES = 4  # parameters side by side that a phone has room for
MAX_LINES = 100  # runs side by side; more hide one another


def render_scatters(page_task: TaskRuns, varied: Sequence[VariedParam]) -> Iterator[Html]:
    """Yield for each parameter a figure of the score against it."""
    metric_name = format_name(page_task.metric.name)
    for param in varied[:MAX_SCATTERS]:
        points = list(_iterate_points(page_task, param))
        if points:
            title = f"{metric_name.capitalize()} by {param.name}"
            description = (
                f"{len(points)} runs with {len(set(param.values))} values; {page_task.runs[0].name} stands out."
            )
            yield render_figure(title, draw_scatter(title, description, points))


def render_side_by_side(page_task: TaskRuns, varied: Sequence[VariedParam]) -> Iterator[Html]:
    """Yield the figure of all parameters and the score in parallel coordinates, if there are two parameters."""
    metric = page_task.metric
    scored = [index for index, run in enumerate(page_task.runs) if run.get_value(metric) is not None][:MAX_LINES]
    if len(varied) < 2 or len(scored) < 2:
        return
    axes = [VariedParam(param.name, tuple(param.values[index] for index in scored)) for param in varied[:MAX_AXES]]
    runs = [page_task.runs[index] for index in scored]
    scores: list[AxisValue] = [run.figures[metric.name] * 1.0 for run in runs]
    axes.append(VariedParam(format_name(metric.name), tuple(scores)))
    tips = [
        f"{run.name}: {', '.join(f'{axis.name} {_format_value(axis.values[row])}' for axis in axes)}"
        for row, run in enumerate(runs)
    ]
    title = "Parameters and score side by side"
    left_out = len(page_task.runs) - len(runs)
    description = f"{len(runs)} runs" + (f", without {left_out} that are further down the table" if left_out else "")
    picture = draw_parallel_coordinates(title, f"{description}; {runs[0].name} stands out.", axes, tips)
    yield render_figure(title, picture, f"{description}; a line for each. {runs[0].name} stands out.")


def _iterate_points(page_task: TaskRuns, param: VariedParam) -> Iterator[ScatterPoint]:
    for index, (run, value) in enumerate(zip(page_task.runs, param.values, strict=True)):
        score = run.get_value(page_task.metric)
        if score is not None:
            yield ScatterPoint(
                _describe_point(run, param.name, value, page_task),
                value,
                score,
                *run.get_bounds(page_task.metric),
                strong=index == 0,
            )


def _describe_point(run: PageRun, param_name: str, value: AxisValue, page_task: TaskRuns) -> str:
    score = format_interval(run.get_value(page_task.metric), *run.get_bounds(page_task.metric), decimals=4)
    return f"{run.name}, {param_name} {_format_value(value)}: {format_name(page_task.metric.name)} {score}"


def _format_value(value: AxisValue) -> str:
    return value if isinstance(value, str) else f"{value:.6g}".replace("-", "−")
