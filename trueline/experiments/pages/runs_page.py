"""The page of runs: one self-contained HTML file with a section for each task."""

from collections.abc import Sequence

from trueline.core.charts.document import render_document
from trueline.core.charts.html import (
    Html,
    html_tag,
    render_collapsible,
    render_figure_grid,
    render_section,
    render_table,
)
from trueline.core.charts.number_format import DASH, format_interval, format_name
from trueline.experiments.pages.param_figures import MAX_SCATTERS, render_scatters, render_side_by_side
from trueline.experiments.pages.score_figures import render_evaluations, render_paired_differences, render_scores
from trueline.experiments.pages.task_runs import TaskRuns
from trueline.experiments.pages.training_figures import RUN_STYLESHEET, render_calibration, render_curves
from trueline.experiments.pages.varied_params import VariedParam, find_varied_params

MAX_OPEN_ROWS = 20  # a longer table is folded


def render_runs_page(title: str, description: str, page_tasks: Sequence[TaskRuns]) -> str:
    """Return the page as HTML, with a section for each task. It opens offline; equal input gives equal bytes."""
    links = [
        html_tag("li", html_tag("a", format_name(page_task.task).capitalize(), href=f"#{page_task.task}"))
        for page_task in page_tasks
    ]
    contents = html_tag("nav", html_tag("ul", *links), aria_label="Tasks")
    header = html_tag("header", html_tag("h1", title), html_tag("p", description, class_="verdict"), contents)
    main = html_tag("main", *map(_render_task, page_tasks))
    footer = html_tag("footer", "Intervals are of 95 %. What is judged in pairs is in docs/experiments.md.")
    page = render_document(title, description, header, main, footer)
    return page.replace("</style>", f"{RUN_STYLESHEET}</style>", 1)


def _render_task(page_task: TaskRuns) -> Html:
    varied = find_varied_params([run.params for run in page_task.runs], page_task.task, MAX_SCATTERS)
    figures = [
        *render_scores(page_task),
        *render_paired_differences(page_task),
        *render_scatters(page_task, varied),
        *render_side_by_side(page_task, varied),
        *render_curves(page_task.curves),
        *render_calibration(page_task.cells),
        *render_evaluations(page_task),
    ]
    sentences = [html_tag("p", sentence) for sentence in page_task.summary]
    content = (*sentences, render_figure_grid(figures), _render_runs_table(page_task, varied))
    return render_section(format_name(page_task.task).capitalize(), *content, name=page_task.task)


def _render_runs_table(page_task: TaskRuns, varied: Sequence[VariedParam]) -> Html:
    metric = page_task.metric
    heads = ("Run", format_name(metric.name), "Believable", *(param.name for param in varied), "What was learned")
    rows = [
        (
            run.name,
            format_interval(run.get_value(metric), *run.get_bounds(metric), decimals=4),
            run.believable,
            *(
                f"{param.values[index]:.6g}" if isinstance(value := param.values[index], float) else value
                for param in varied
            ),
            run.note or DASH,
        )
        for index, run in enumerate(page_task.runs)
    ]
    table = render_table(f"The runs of {format_name(page_task.task)}", heads, rows, stacked=True)
    return table if len(rows) <= MAX_OPEN_ROWS else render_collapsible(f"All {len(rows)} runs in figures", table)
