"""Dashboard: one page that shows which models answer, their state and the experiments, and lets people query them."""

from collections.abc import Mapping

from trueline.core.charts.html import Html, html_tag, render_section
from trueline.core.charts.number_format import format_count, format_name, join_names
from trueline.service.artifacts.experiments_client import Experiments
from trueline.service.page.cards import render_cards
from trueline.service.page.csp import render_page
from trueline.service.page.prediction_form import render_forms
from trueline.service.page.runs_card import render_experiments
from trueline.service.page.task_page import render_task
from trueline.service.status.diagnostics import Diagnostics
from trueline.service.status.stage_outputs import TaskOutputs
from trueline.service.status.status_schema import ModelStatus


def render_dashboard(
    status: ModelStatus,
    diagnoses: Mapping[str, Diagnostics],
    outputs: Mapping[str, TaskOutputs],
    experiments: Experiments,
    forms: Mapping[str, Html],
) -> str:
    """Return the page as HTML. It reads without its script, which only sends the forms, and loads nothing else."""
    names = [task_status.task for task_status in status.tasks]
    summary = summarise_tasks(diagnoses)
    verdict = html_tag("p", summary, class_="verdict")
    header = html_tag("header", html_tag("h1", "Trueline"), verdict, _render_contents(names))
    tasks = [render_task(state, diagnoses[state.task], outputs[state.task]) for state in status.tasks]
    headlines = {period.task: period.metric for period in experiments.test_periods}
    form_section = render_section("Ask a model", render_forms(forms), name="ask")
    cards = render_cards(status.tasks, dict(diagnoses))
    sections = [cards, form_section, *tasks, render_experiments(experiments, headlines)]
    footer = html_tag(
        "footer", "Intervals are 95 % intervals. The same content for other programs:", *_render_addresses(names)
    )
    return render_page("Trueline", summary, header, html_tag("main", *sections), footer)


def summarise_tasks(diagnoses: Mapping[str, Diagnostics]) -> str:
    """Return a sentence: which models answer, and which of them need attention."""
    names = [format_name(name) for name in diagnoses]
    answering = f"{format_count(len(names), 'model answers', 'models answer')}: {join_names(names)}."
    raised = [
        f"{format_name(name)} ({diagnosis.newest.alert})"
        for name, diagnosis in diagnoses.items()
        if diagnosis.newest and diagnosis.newest.alert not in (None, "none", "ok")
    ]
    failed = [format_name(name) for name, diagnosis in diagnoses.items() if diagnosis.verdict == "failed"]
    alerts = f"alert on the newest day: {join_names(raised)}" if raised else "no alert on the newest day"
    return f"{answering} {alerts.capitalize()}; " + (
        f"the diagnosis of {join_names(failed)} failed." if failed else "no diagnosis failed."
    )


def _render_contents(names: list[str]) -> Html:
    task_sections = ((name, format_name(name).capitalize()) for name in names)
    sections = [("models", "Models"), ("ask", "Ask a model"), *task_sections]
    links = [
        html_tag("li", html_tag("a", title, href=f"#{name}"))
        for name, title in [*sections, ("experiments", "Experiments")]
    ]
    return html_tag("nav", html_tag("ul", *links), aria_label="Sections")


def _render_addresses(names: list[str]) -> list[Html]:
    diagnoses = (f"/api/diagnostics/{name}" for name in names)
    addresses = ["/api/model_status", "/api/experiments", *diagnoses, "/openapi.json"]
    links = (html_tag("li", html_tag("a", address, href=f".{address}")) for address in addresses)
    return [html_tag("ul", *links, class_="addresses")]
