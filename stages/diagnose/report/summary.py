"""The head of the page: the verdict in one sentence, and the newest figures at a glance."""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.diagnose.believability import Believability
from stages.diagnose.report.daily_series import DailySeries
from trueline.core.charts.html import Html, html_tag
from trueline.core.charts.number_format import (
    close_sentence,
    format_count,
    format_interval,
    format_name,
    format_number,
    join_names,
)

Checks = Mapping[str, Mapping[str, Any]]

STATUS_GLYPHS = {"failed": "✕", "warning": "!", "ok": "✓", "declined": "–"}
STATUS_BY_BELIEVABLE = {"yes": "ok", "doubtful": "warning", "no": "failed"}
UNEXPLAINED_CAUSES = {
    "none": "no cause stands out",
    "undecided": "the cause is undecided",
    "no_data": "there are no data to tell a cause from",
}
MAX_NAMED_CHECKS = 3  # in the verdict sentence


def render_summary(finding: Mapping[str, Any]) -> Html:
    """Return the summary of a check as a paragraph."""
    return html_tag("p", close_sentence(str(finding.get("summary") or "")))


def render_badge(status: str, text: str = "") -> Html:
    """Return a status as a glyph and a word or text, so that it never depends on colour alone."""
    sign = html_tag("span", STATUS_GLYPHS.get(status, "·"), aria_hidden="true")
    style = status if status in STATUS_GLYPHS else "declined"
    return html_tag("span", sign, f" {text or status}", class_=f"badge {style}")


def render_heading(
    task: str,
    verdict: str,
    checks: Checks,
    series: DailySeries | None,
    sections: Sequence[tuple[str, str]],
    believability: Believability | None = None,
) -> Html:
    """Return the head of the page: title, verdicts in sentences, newest figures, and links to the sections."""
    verdict_html = html_tag("p", format_verdict_sentence(verdict, checks, series), class_="verdict")
    links = [html_tag("li", html_tag("a", title, href=f"#{name}")) for name, title in sections]
    contents = html_tag("nav", html_tag("ul", *links), aria_label="Sections") if links else ""
    badges, belief_html = [render_badge(verdict)], Html()
    if believability is not None:
        badges.append(render_badge(STATUS_BY_BELIEVABLE[believability.answer], f"believable: {believability.answer}"))
        belief_html = html_tag("p", believability.format_sentence())
    title = html_tag("h1", f"{format_name(task).capitalize()}: diagnosis", *badges)
    return html_tag("header", title, verdict_html, belief_html, render_glance(series), contents)


def format_verdict_sentence(verdict: str, checks: Checks, series: DailySeries | None) -> str:
    """Return the verdict, the newest alert and the newest cause in one sentence."""
    clauses = [_summarise_checks(verdict, checks), *(_describe_newest_day(series) if series else [])]
    return close_sentence("; ".join(clauses))


def render_glance(series: DailySeries | None) -> Html:
    """Return those figures that the newest day has, as a description list."""
    if series is None:
        return Html()
    formatters = (_format_hit_rate, _format_losses, _format_sharpness, _format_drift, _format_prediction_counts)
    items = [
        html_tag("div", html_tag("dt", entry[0]), html_tag("dd", entry[1], html_tag("small", entry[2])))
        for format_entry in formatters
        if (entry := format_entry(series))
    ]
    return html_tag("dl", *items, class_="glance") if items else Html()


def _summarise_checks(verdict: str, checks: Checks) -> str:
    names = {
        status: sorted(name for name in checks if checks[name].get("status") == status) for status in STATUS_GLYPHS
    }
    run_count = len(checks) - len(names["declined"])
    if not run_count:
        return "No check could be run" if checks else "No check was run"
    for status, plural_phrase in (("failed", "failed"), ("warning", "ask for attention")):
        if flagged := names[status]:
            phrase = plural_phrase if status == "failed" or len(flagged) > 1 else "asks for attention"
            more_note = [f"{len(flagged) - MAX_NAMED_CHECKS} more"] if len(flagged) > MAX_NAMED_CHECKS else []
            named_checks = join_names([*map(format_name, flagged[:MAX_NAMED_CHECKS]), *more_note])
            count_text = f"{format_count(len(flagged), 'check', 'checks')} of {run_count}"
            return f"{verdict.capitalize()}: {count_text} {phrase} ({named_checks})"
    return f"{verdict.capitalize()}: {format_count(run_count, 'check is', 'checks are')} in order"


def _describe_newest_day(series: DailySeries) -> list[str]:
    alerts, status = series.list_alerts(), series.get_texts("status")[-1]
    status_note = f" ({format_name(status)})" if status not in ("", "graded") else ""
    newest_day = f"{series.newest_day}, the newest day{status_note}"
    if alerts and alerts[-1].day == series.newest_day:
        alert = alerts[-1]
        clause = f"on {newest_day}, the alert is {format_name(alert.level)}"
        clause += f": {alert.message.rstrip('.')}" if alert.message else ""
    elif "alert_level" in series.rows and not series.get_texts("alert_level")[-1]:
        reason = series.get_texts("alert_reason")[-1]
        clause = f"whether {newest_day}, calls for an alert is not known" + (f" ({reason})" if reason else "")
    else:
        clause = f"no alert on {newest_day}"
        clause += f" (the last one, {format_name(alerts[-1].level)}, on {alerts[-1].day})" if alerts else ""
    cause = series.get_texts("primary_cause")[-1]
    return [clause, *([_describe_cause(cause, series.get_numbers("cause_confidence")[-1])] if cause else [])]


def _describe_cause(cause: str, confidence: float | None) -> str:
    clause = UNEXPLAINED_CAUSES.get(cause, f"the primary cause is {format_name(cause)}")
    return clause if confidence is None else f"{clause} (confidence {format_number(confidence, 2)})"


def _format_hit_rate(series: DailySeries) -> tuple[str, str, str] | None:
    for window in (30, 14, 7):
        value = series.get_numbers(f"hit_rate_{window}d")[-1]
        if value is not None:
            bounds = [series.get_numbers(f"hit_rate_{window}d_{end}")[-1] for end in ("low", "high")]
            interval_text = "" if None in bounds else " to ".join(format_number(bound, 1) for bound in bounds)
            return f"Hit rate, {window} days", f"{format_number(value, 1)} %", interval_text
    return None


def _format_losses(series: DailySeries) -> tuple[str, str, str] | None:
    model, market = series.get_numbers("model_mae")[-1], series.get_numbers("line_mae")[-1]
    if model is None:
        return None
    market_note = f"market's {format_number(market)}" if series.has_equal_counts() else ""
    return "Model's mean loss", format_number(model), market_note


def _format_sharpness(series: DailySeries) -> tuple[str, str, str] | None:
    score, status = series.get_numbers("sharpness_score")[-1], series.get_texts("sharpness_status")[-1]
    if score is None:
        return None
    low, high = series.get_numbers("sharpness_low")[-1], series.get_numbers("sharpness_high")[-1]
    return "Market's sharpness", format_name(status) or format_number(score, 0), format_interval(score, low, high)


def _format_drift(series: DailySeries) -> tuple[str, str, str] | None:
    score, severity = series.get_numbers("drift_score")[-1], series.get_texts("drift_severity")[-1]
    if score is None:
        return None
    return "Drift", severity or format_number(score, 0), f"score {format_number(score, 0)} of 100"


def _format_prediction_counts(series: DailySeries) -> tuple[str, str, str] | None:
    made_count, graded_count = series.get_numbers("predictions_made")[-1], series.get_numbers("predictions_graded")[-1]
    if made_count is None:
        return None
    return "Predictions, newest day", format_number(made_count), f"{format_number(graded_count)} of them graded"
