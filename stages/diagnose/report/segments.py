"""The segments section: where the model does worse than elsewhere."""

from collections.abc import Mapping
from typing import Any

from stages.diagnose.report.summary import Checks
from trueline.core.charts.html import Html, html_tag, render_section, render_table
from trueline.core.charts.number_format import (
    DASH,
    close_sentence,
    format_interval,
    format_name,
    format_number,
    parse_number,
)

HEADS = ("Segment", "Groups", "Here", "Elsewhere", "Difference, with its interval", "Measure")


def render_segments(checks: Checks) -> Html:
    """Return the section with the worst segments as a table, or why there is none."""
    title, finding = "Worst segments", checks.get("worst_segments")
    if finding is None:
        return render_section(title, html_tag("p", "Segments were not looked at."), name="segments")
    summary_html = html_tag("p", close_sentence(str(finding.get("summary") or "")))
    worst = [segment for segment in (finding.get("details") or {}).get("worst") or [] if isinstance(segment, Mapping)]
    tables = [render_table("Worse than elsewhere beyond chance", HEADS, map(_format_row, worst))] if worst else []
    return render_section(title, summary_html, *tables, name="segments")


def _format_row(segment: Mapping[str, Any]) -> tuple[str, ...]:
    groups, segment_mean, other_mean = (parse_number(segment.get(name)) for name in ("groups", "mean", "rest"))
    difference, low, high = (parse_number(segment.get(name)) for name in ("difference", "low", "high"))
    difference_text = format_interval(difference, low, high, signed=True)
    name = f"{format_name(str(segment.get('column', DASH)))} {segment.get('level', '')}".strip()
    return (
        name,
        format_number(groups),
        format_number(segment_mean),
        format_number(other_mean),
        difference_text,
        str(segment.get("measure", DASH)),
    )
