"""The checks sections: findings, the most severe first, and the checks that declined with their reasons."""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.diagnose.report.absence import Absence
from stages.diagnose.report.summary import Checks, render_badge
from trueline.core.charts.detail_tables import render_listing
from trueline.core.charts.html import Html, html_tag, join_html, render_collapsible, render_section
from trueline.core.charts.number_format import close_sentence, format_count, format_name

STATUS_ORDER = ("failed", "warning", "ok")
Questions = Mapping[str, str]


def render_findings(checks: Checks, questions: Questions) -> Html:
    """Return the section of checks that could be run, each with collapsible details."""
    names = [name for status in STATUS_ORDER for name in sorted(checks) if _get_status(checks[name]) == status]
    # an unknown status is shown rather than dropped
    names += [name for name in sorted(checks) if _get_status(checks[name]) not in (*STATUS_ORDER, "declined")]
    declined = len(checks) - len(names)
    note = f"{format_count(declined, 'check', 'checks')} declined: see the end of the page."
    content = _render_list(names, checks, questions) if names else html_tag("p", "No check could be run.")
    return render_section("Checks", content, html_tag("p", note, class_="soft") if declined else "", name="checks")


def render_declined(checks: Checks, questions: Questions, absences: Sequence[Absence] = ()) -> Html:
    """Return the section of checks that declined and of sections that are left out, each with its reason."""
    names = [name for name in sorted(checks) if _get_status(checks[name]) == "declined"]
    content = []
    if names:
        summary = f"{format_count(len(names), 'check', 'checks')} declined, with the reason of each"
        content.append(render_collapsible(summary, _render_list(names, checks, questions)))
    if absences:
        rows = (
            html_tag("li", html_tag("strong", f"{absence.title}. "), close_sentence(absence.reason))
            for absence in absences
        )
        summary = f"{format_count(len(absences), 'section is', 'sections are')} left out, with the reason of each"
        content.append(render_collapsible(summary, html_tag("ul", *rows)))
    return render_section("Declined", *(content or [html_tag("p", "Nothing.")]), name="declined")


def _render_list(names: list[str], checks: Checks, questions: Questions) -> Html:
    rows = [html_tag("li", _render_finding(name, checks[name], questions.get(name, ""))) for name in names]
    return html_tag("ul", *rows, class_="checks")


def _render_finding(name: str, finding: Mapping[str, Any], question: str) -> Html:
    status, details = _get_status(finding), finding.get("details") or {}
    title, summary = html_tag("strong", f" {format_name(name)}. "), close_sentence(str(finding.get("summary") or ""))
    summary_html = join_html([render_badge(status), title, summary])
    question_html = [html_tag("p", question, class_="soft")] if question else []
    if not details:
        return html_tag("div", html_tag("p", summary_html), *question_html)
    return render_collapsible(summary_html, *question_html, render_listing(details))


def _get_status(finding: Mapping[str, Any]) -> str:
    return str(finding.get("status") or "declined")
