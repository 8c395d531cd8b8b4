"""The segments section: where the model does worse than elsewhere."""

from collections.abc import Mapping
from typing import Any

from stages.diagnose.report.absence import Absence
from stages.diagnose.report.summary import Checks, render_summary
from trueline.core.charts.html import Html, render_section, render_table
from trueline.core.charts.number_format import (
    DASH,
    format_interval,
    format_name,
    format_number,
    parse_number,
)

HEADS = ("Segment", "Groups", "Here", "Elsewhere", "Difference, with its interval", "Measure")


def render_segments(checks: Checks) -> Html | Absence:
    """Return the section with the worst segments as a table, or why it is left out."""
    title, finding = "Worst segments", checks.get("worst_segments")
    if finding is None or finding.get("status") == "declined":
        return Absence(title, str((finding or {}).get("summary") or "Segments were not looked at."))
    worst = [segment for segment in (finding.get("details") or {}).get("worst") or [] if isinstance(segment, Mapping)]
    tables = [render_table("Worse than elsewhere beyond chance", HEADS, map(_format_row, worst))] if worst else []
    return render_section(title, render_summary(finding), *tables, name="segments")


def _format_row(segment: Mapping[str, Any]) -> tuple[str, ...]:
    numbers = [format_number(parse_number(segment.get(name))) for name in ("groups", "mean", "rest")]
    difference, low, high = (parse_number(segment.get(name)) for name in ("difference", "low", "high"))
    name = f"{format_name(str(segment.get('column', DASH)))} {segment.get('level', '')}".strip()
    return name, *numbers, format_interval(difference, low, high, signed=True), str(segment.get("measure", DASH))
