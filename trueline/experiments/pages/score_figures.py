"""Figures of scores: all runs with their intervals, paired differences, and the best score after each evaluation."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trueline.core.charts.dot_whisker import DotEstimate, draw_dot_whiskers
from trueline.core.charts.html import Html, join_html, render_figure
from trueline.core.charts.number_format import format_count, format_interval, format_name, format_number
from trueline.core.charts.time_series import ChartLine, draw_line_chart, render_legend
from trueline.core.scorer_description import Metric
from trueline.experiments.pages.task_runs import PairedResult, TaskRuns
from trueline.experiments.store.metric_definitions import get_finite_number

MAX_RUNS_DRAWN = 20
MAX_PAIRED_METRICS = 3


def render_scores(page_task: TaskRuns) -> Iterator[Html]:
    """Yield the figure of the first runs' scores with their intervals."""
    metric = page_task.metric
    scored = [run for run in page_task.runs if run.get_value(metric) is not None]
    if not scored:
        return
    estimates = [
        DotEstimate(
            run.name,
            format_number(run.get_value(metric), 4),
            run.get_value(metric),
            *run.get_bounds(metric),
            strong=run is page_task.runs[0],
        )
        for run in scored[:MAX_RUNS_DRAWN]
    ]
    hidden_count = len(scored) - len(estimates)
    hidden = f"{format_count(hidden_count, 'further run is', 'further runs are')} in the table." if hidden_count else ""
    title = f"{format_name(metric.name).capitalize()}, {'more' if metric.more_is_better else 'less'} is better"
    caption = "Whiskers are intervals of each run alone. Whether two runs differ is judged in pairs, on the same rows."
    description = f"{estimates[0].name} has {estimates[0].text}."
    yield render_figure(title, draw_dot_whiskers(title, description, estimates), caption, hidden)


def render_paired_differences(page_task: TaskRuns) -> Iterator[Html]:
    """Yield a figure for each metric that is judged in pairs: the first run less each of the others."""
    first_name = page_task.runs[0].name
    metrics = dict.fromkeys(difference["of"] for pair in page_task.paired for difference in pair.differences)
    problems = [f"{pair.other}: {pair.problem}" for pair in page_task.paired if pair.problem]
    for metric_name in list(metrics)[:MAX_PAIRED_METRICS]:
        estimates = list(_iterate_estimates(metric_name, page_task.paired))
        title = f"{format_name(metric_name).capitalize()}: {first_name} less each other"
        description = "; ".join(f"{estimate.name} {estimate.text}" for estimate in estimates) + "."
        caption = f"Better and worse are said of {first_name}. An interval that contains zero leaves it undecided."
        yield render_figure(title, draw_dot_whiskers(title, description, estimates, (0.0,)), caption, *problems)
        problems = []
    if problems:
        yield render_figure("Not compared", join_html(problems, " "))


def render_evaluations(page_task: TaskRuns) -> Iterator[Html]:
    """Yield the figure of all evaluations of the test rows, and the best score after each."""
    metric = page_task.metric
    lines = [line for line in page_task.evaluations if get_finite_number(line["metrics"].get(metric.name)) is not None]
    if len(lines) < 2:
        return
    scores = [float(line["metrics"][metric.name]) for line in lines]
    chart_lines = [ChartLine("evaluation", scores, "other"), ChartLine("best so far", _list_bests(scores, metric))]
    steps = [f"{count}: {line['experiment'] or line['rev'][:7]}" for count, line in enumerate(lines, 1)]
    title = f"{format_name(metric.name).capitalize()} of every evaluation of these rows"
    description = f"{len(scores)} evaluations; the best has {format_number(chart_lines[1].values[-1], 4)}."
    picture = draw_line_chart(title, description, steps, chart_lines)
    caption = (
        "The best of many equally good attempts looks better than any of them is; the deflated score allows for it."
    )
    yield render_figure(title, join_html([picture, render_legend(chart_lines)]), description, caption)


def _iterate_estimates(metric_name: str, paired: Sequence[PairedResult]) -> Iterator[DotEstimate]:
    for pair in paired:
        for difference in pair.differences:
            if difference["of"] == metric_name:
                is_decided = difference["verdict"] != "undecided"
                ends = _get_ends(difference)
                yield DotEstimate(pair.other, _format_difference(difference), *ends, strong=is_decided)


def _get_ends(difference: Mapping[str, Any]) -> tuple[float | None, float | None, float | None]:
    return difference["difference"], difference["low"], difference["high"]


def _format_difference(difference: Mapping[str, Any]) -> str:
    return f"{difference['verdict']}, {format_interval(*_get_ends(difference), signed=True)}"


def _list_bests(scores: Sequence[float], metric: Metric) -> list[float]:
    pick = max if metric.more_is_better else min
    return [pick(scores[:count]) for count in range(1, len(scores) + 1)]
