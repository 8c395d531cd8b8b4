"""The root-cause section: the parts of the newest days' change."""

from collections.abc import Mapping
from typing import Any

from stages.diagnose.report.absence import Absence
from stages.diagnose.report.summary import Checks, render_summary
from trueline.core.charts.dot_whisker import DotEstimate, draw_dot_whiskers
from trueline.core.charts.html import Html, render_figure, render_section
from trueline.core.charts.number_format import (
    count_interval_decimals,
    format_interval,
    format_name,
    get_interval_values,
    is_interval,
)


def render_cause(checks: Checks) -> Html | Absence:
    """Return the section with the parts of the change and their intervals, or why it is left out."""
    title, finding = "Why it changed", checks.get("root_cause")
    if finding is None or finding.get("status") == "declined":
        return Absence(title, str((finding or {}).get("summary") or "No cause was looked for."))
    summary_html = render_summary(finding)
    shown_dots = list_change_parts(finding.get("details") or {})
    if not shown_dots:
        return render_section(title, summary_html, name="cause")
    description = "; ".join(f"{dot.name} {dot.text}" for dot in shown_dots)
    picture = draw_dot_whiskers("Parts of the change", f"{description}.", shown_dots, (0.0,))
    caption = "Loss of the model beside that of the market, newest window against the days before it: above 0 is worse."
    return render_section(title, summary_html, render_figure("Parts of the change", picture, caption), name="cause")


def list_change_parts(details: Mapping[str, Any]) -> list[DotEstimate]:
    """Return the change and its parts, largest first."""
    change_parts = details.get("parts")
    named_parts = change_parts.items() if isinstance(change_parts, Mapping) else []
    total_change = details["change"] if is_interval(details.get("change")) else None
    # all parts have one number of decimals: that which the interval of the whole change supports
    decimals = count_interval_decimals(*get_interval_values(total_change)[1:]) if total_change else None
    part_dots = [_make_dot(format_name(str(name)), part, decimals) for name, part in named_parts if is_interval(part)]
    part_dots.sort(key=lambda dot: (-abs(dot.value or 0.0), dot.name))
    if not part_dots or not total_change:
        return part_dots
    return [_make_dot("the whole change", total_change, decimals, True), *part_dots]


def _make_dot(name: str, value: Mapping[str, Any], decimals: int | None, strong: bool = False) -> DotEstimate:
    interval = get_interval_values(value)
    return DotEstimate(name, format_interval(*interval, signed=True, decimals=decimals), *interval, strong=strong)
