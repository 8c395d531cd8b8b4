"""Task section: a task's newest day, its charts, its checks and everything known about its model."""

from collections.abc import Iterator

from trueline.core.charts.html import (
    Html,
    html_tag,
    join_html,
    render_collapsible,
    render_section,
    render_table,
)
from trueline.core.charts.number_format import DASH, close_sentence, format_count, format_name, format_number
from trueline.core.charts.tag_view import render_tag_view
from trueline.service.page.badges import render_badge, render_facts
from trueline.service.page.cards import format_day, format_figure
from trueline.service.page.status_charts import render_charts
from trueline.service.status.diagnostics import Check, Diagnostics
from trueline.service.status.headline_metrics import HEADLINE_FIELDS, Figure
from trueline.service.status.stage_outputs import TaskOutputs
from trueline.service.status.status_schema import TaskStatus

GRAVE_STATUSES = ("failed", "warning")
HASH_LETTERS = 10  # characters of a hash that are shown
CAUSE_SENTENCES = {
    "none": "No cause stands out",
    "undecided": "The cause is undecided",
    "no_data": "There is no data to find a cause in",
}
MAX_CLASSES = 8  # classes that are listed


def render_task(status: TaskStatus, diagnostics: Diagnostics, outputs: TaskOutputs) -> Html:
    """Return a task's section."""
    pairs = [(row.get("actual", ""), row.get("predicted", "")) for row in outputs.confusions]
    tags = render_tag_view(outputs.report, pairs)
    today = render_today(diagnostics) if _is_watched_daily(outputs) else ""
    sections = [today, render_charts(outputs, status), *tags, _render_checks(diagnostics), _render_details(status)]
    return render_section(format_name(status.task).capitalize(), *sections, name=status.task)


def _is_watched_daily(outputs: TaskOutputs) -> bool:
    """Return whether the task has days, or should have and cannot be read; a task without a clock has none."""
    return bool(outputs.days) or f"metrics/{outputs.task}/daily.csv" in outputs.missing_reasons


def render_today(diagnostics: Diagnostics) -> Html:
    """Return the newest day: its alert, message and likeliest cause, and the last earlier alert."""
    newest = diagnostics.newest
    if newest is None:
        return html_tag("p", f"There is no newest day: {diagnostics.reasons.get('newest', '')}", class_="soft")
    cause_text = f" {_describe_cause(newest.primary_cause, newest.cause_confidence)}" if newest.primary_cause else ""
    alert = (
        render_badge(newest.alert, f"alert {format_name(newest.alert)}")
        if newest.alert
        else render_badge("declined", "alert unknown")
    )
    heading = html_tag(
        "p", html_tag("strong", newest.day), " ", alert, f" {_format_message(newest.message or '')}{cause_text}"
    )
    earlier = [item for item in diagnostics.alerts if item.last != newest.day][:1]
    sentences = [
        f"The last alert before it, {format_name(item.level)}, was on {item.last}: {_format_message(item.message)}"
        for item in earlier
    ]
    return join_html([heading, *(html_tag("p", item, class_="soft") for item in sentences)])


def _describe_cause(cause: str, confidence: float | None) -> str:
    text = CAUSE_SENTENCES.get(cause, f"Primary cause: {format_name(cause)}")
    return text + ("." if confidence is None else f" (in {100 * confidence:.0f} % of resamples).")


def _format_message(text: str) -> str:
    """Return an alert's message without its level in front."""
    return close_sentence(text.partition("] ")[2] if text.startswith("[") else text)


def _render_checks(diagnostics: Diagnostics) -> Html:
    grave_checks = [check for check in diagnostics.checks if check.status in GRAVE_STATUSES]
    quiet_checks = [check for check in diagnostics.checks if check.status not in GRAVE_STATUSES]
    grave_list = [html_tag("ul", *map(_render_check, grave_checks), class_="checks")] if grave_checks else []
    summary = f"{format_count(len(quiet_checks), 'check', 'checks')} in order or declined"
    quiet_list = (
        [render_collapsible(summary, html_tag("ul", *map(_render_check, quiet_checks), class_="checks"))]
        if quiet_checks
        else []
    )
    empty_note = [] if diagnostics.checks else [html_tag("p", diagnostics.reasons.get("verdict", "No check was run."))]
    return html_tag(
        "div",
        html_tag(
            "h3",
            "Diagnosis ",
            render_badge(diagnostics.verdict or "declined"),
            render_badge(diagnostics.believable or "declined", f"believable: {diagnostics.believable or 'unknown'}"),
        ),
        *(html_tag("p", close_sentence(reason)) for reason in diagnostics.believable_reasons),
        *grave_list,
        *quiet_list,
        *empty_note,
        class_="after",
    )


def _render_check(check: Check) -> Html:
    return html_tag(
        "li",
        html_tag(
            "p",
            render_badge(check.status),
            html_tag("strong", f" {format_name(check.name)}. "),
            close_sentence(check.summary),
        ),
    )


def _render_details(status: TaskStatus) -> Html:
    heads = ("Figure", "Value", "Beside", "Rows", "What it is")
    content = [render_table("Figures", heads, list(_list_figures(status)), stacked=True)]
    content += [render_facts(list(_list_facts(status))), *_render_inputs(status), _render_hashes(status)]
    return render_collapsible("Everything known about the model", *content)


def _list_figures(status: TaskStatus) -> Iterator[tuple[str, ...]]:
    all_figures = {name: getattr(status, name) for name in HEADLINE_FIELDS} | status.figures
    for name, entry in all_figures.items():
        if isinstance(entry, Figure):
            beside = ", ".join(
                f"{comparison_name} {format_figure(comparison, entry, False)}"
                for comparison_name, comparison in entry.beside.items()
            )
            rows = format_number(None if entry.rows is None else float(entry.rows))
            yield format_name(name), format_figure(entry, entry), beside or DASH, rows, close_sentence(entry.metric)
        else:
            yield format_name(name), DASH, DASH, DASH, status.reasons.get(name, "")


def _list_facts(status: TaskStatus) -> Iterator[tuple[str, str]]:
    yield "learner", format_name(status.model_type or DASH)
    yield "last trained", status.last_trained or _explain_missing(status, "last_trained")
    window = status.training_window
    if window:
        yield "fitted on", f"{window.fit_from} to {window.fit_to}, {_format_rows(status.samples.fit)}"
        rows = _format_rows(status.samples.calibrate)
        yield "calibrated on", f"{window.calibrate_from} to {window.calibrate_to}, {rows}"
    else:
        yield "training window", _explain_missing(status, "training_window")
        yield "rows", f"{_format_rows(status.samples.fit)} fitted, {_format_rows(status.samples.calibrate)} calibrated"
    scored_from, scored_to = status.samples.scored_from, status.samples.scored_to
    tested = f"{format_day(scored_from)} to {format_day(scored_to)}, " if scored_from else ""
    yield "scored on", f"{tested}{_format_rows(status.samples.scored)}"
    if status.class_balance:
        yield f"share of {status.class_balance.of}", _describe_classes(status)
    if status.calibration:
        sentence = close_sentence(status.calibration.said or "")
        yield "calibration", f"{format_name(status.calibration.calibrator)}. {sentence}"
    yield from _list_search_facts(status)
    yield "inputs", format_number(None if status.features.count is None else float(status.features.count))
    yield "version", f"{status.version.name}, {status.version.commit or _explain_missing(status, 'version.commit')}"


def _list_search_facts(status: TaskStatus) -> Iterator[tuple[str, str]]:
    optimization = status.optimization
    if optimization is None:
        yield "search", _explain_missing(status, "optimization")
        return
    trials = f"{format_count(optimization.trials, 'trial', 'trials')}, {optimization.complete} complete"
    losses = f"{format_number(optimization.tuned)} against {format_number(optimization.default)} by default"
    yield "search", f"{trials}; {format_name(optimization.loss)} {losses}"
    params = sorted(optimization.params.items())
    yield "parameters", ", ".join(f"{format_name(name)} {_format_value(value)}" for name, value in params)


def _render_inputs(status: TaskStatus) -> list[Html]:
    used = (item for item in status.features.top if item.importance > 0)
    rows = [(item.name, f"{100 * item.importance:.1f} %") for item in used]
    return [render_table("The most important inputs", ("Input", "Share of importance"), rows)] if rows else []


def _render_hashes(status: TaskStatus) -> Html:
    rows = [(path, html_tag("code", md5[:HASH_LETTERS])) for path, md5 in status.version.hashes.items()]
    return render_table("Outputs and the beginning of their MD5", ("Output", "MD5"), rows)


def _describe_classes(status: TaskStatus) -> str:
    shares = status.class_balance.classes if status.class_balance else []
    text = ", ".join(f"{share.name} {100 * share.share:.1f} %" for share in shares[:MAX_CLASSES])
    return text + (f" and {len(shares) - MAX_CLASSES} more" if len(shares) > MAX_CLASSES else "")


def _format_rows(count: int | None) -> str:
    return "rows unknown" if count is None else format_count(count, "row", "rows")


def _format_value(value: object) -> str:
    return format_number(float(value)) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _explain_missing(status: TaskStatus, name: str) -> str:
    return f"unknown: {status.reasons.get(name, 'no reason was found')}"
