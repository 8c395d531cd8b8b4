"""Cards: one card per task, its state at a glance."""

from trueline.core.charts.html import Html, html_tag, render_section
from trueline.core.charts.number_format import (
    DASH,
    count_interval_decimals,
    format_interval,
    format_name,
    format_number,
)
from trueline.service.page.badges import render_badge, render_facts
from trueline.service.status.diagnostics import Diagnostics
from trueline.service.status.headline_metrics import Figure, Interval
from trueline.service.status.status_schema import TaskStatus


def render_cards(tasks: list[TaskStatus], diagnoses: dict[str, Diagnostics]) -> Html:
    """Return a card for each task: its headline figure beside what it must beat, and its latest alert and training."""
    articles = [_render_card(status, diagnoses[status.task]) for status in tasks]
    return render_section("Models", html_tag("div", *articles, class_="cards"), name="models")


def get_headline_figure(status: TaskStatus) -> tuple[str, Figure | None]:
    """Return the name of a task's headline figure and the figure, None if it is missing."""
    figure = dict(status).get(status.headline) or status.figures.get(status.headline)
    return status.headline, figure if isinstance(figure, Figure) else None


def format_figure(figure: Interval, reference: Figure, with_interval: bool = True) -> str:
    """Return a figure with its interval; shares in per cent, with as many digits as the reference's interval bears."""
    factor = 100.0 if is_percent(reference) else 1.0
    value, low, high = (None if end is None else end * factor for end in (figure.value, figure.low, figure.high))
    ends = (None if end is None else end * factor for end in (reference.low, reference.high))
    decimals = count_interval_decimals(*ends)
    unit = " %" if is_percent(reference) else ""
    if not with_interval:
        low, high = None, None
    return format_interval(value, low, high, unit, decimals=decimals)


def is_percent(figure: Figure) -> bool:
    """Return whether a figure is shown in per cent."""
    return figure.metric.startswith(("hit rate", "share"))


def format_day(stamp: str | None) -> str:
    """Return the day of a timestamp, a dash without one."""
    return stamp[:10] if stamp else DASH


def _render_card(status: TaskStatus, diagnostics: Diagnostics) -> Html:
    name = html_tag("a", format_name(status.task).capitalize(), href=f"#{status.task}")
    heading = html_tag(
        "h3",
        html_tag("span", name),
        render_badge(diagnostics.believable or "declined", f"believable: {diagnostics.believable or 'unknown'}"),
        render_badge(diagnostics.verdict or "declined", f"diagnosis {diagnostics.verdict or 'none'}"),
    )
    content = [heading, *_render_headline(status), render_facts(_list_facts(status, diagnostics))]
    return html_tag("article", *content, class_="card")


def _render_headline(status: TaskStatus) -> list[Html]:
    name, figure = get_headline_figure(status)
    if figure is None:
        return [html_tag("p", status.reasons.get(name, "There is no headline figure."), class_="what soft")]
    text = format_figure(figure, figure)
    value, _, interval_text = text.partition(" (")
    ends = html_tag("small", f" ({interval_text}") if interval_text else ""
    return [html_tag("p", value, ends, class_="large"), html_tag("p", figure.metric, class_="what soft")]


def _list_facts(status: TaskStatus, diagnostics: Diagnostics) -> list[tuple[str, str]]:
    figure, newest = get_headline_figure(status)[1], diagnostics.newest
    comparisons = (
        [(name, format_figure(comparison, figure, False)) for name, comparison in figure.beside.items()]
        if figure
        else []
    )
    alert = render_badge(newest.alert) if newest and newest.alert else DASH
    entries: list[tuple[str, str]] = [("alert", Html(f"{alert} {newest.day}"))] if newest else []
    entries += [("learner", format_name(status.model_type or DASH)), ("trained", _describe_training(status))]
    return [*comparisons, *entries, ("version", f"{status.version.name} {(status.version.commit or '')[:7]}")]


def _describe_training(status: TaskStatus) -> str:
    rows = f" on {format_number(float(status.samples.fit))} rows" if status.samples.fit else ""
    return f"{format_day(status.last_trained)}{rows}"
