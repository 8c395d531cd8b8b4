"""Drawing: the markup, charts and number formats that the dashboard shares with the diagnosis report, and badges."""

from trueline.core.charts.axes import WIDTH
from trueline.core.charts.calibration_plot import CalibrationCell, draw_calibration_plot
from trueline.core.charts.detail_tables import render_listing
from trueline.core.charts.dot_whisker import DotEstimate, draw_dot_whiskers
from trueline.core.charts.html import (
    Html,
    html_tag,
    join_html,
    render_collapsible,
    render_figure,
    render_figure_grid,
    render_section,
    render_table,
)
from trueline.core.charts.number_format import (
    DASH,
    close_sentence,
    count_interval_decimals,
    format_count,
    format_interval,
    format_name,
    format_number,
    join_names,
    parse_number,
)
from trueline.core.charts.stylesheet import STYLE
from trueline.core.charts.time_series import ChartLine, draw_line_chart, render_legend

__all__ = [
    "DASH",
    "STYLE",
    "WIDTH",
    "CalibrationCell",
    "ChartLine",
    "DotEstimate",
    "Html",
    "close_sentence",
    "count_interval_decimals",
    "draw_calibration_plot",
    "draw_dot_whiskers",
    "draw_line_chart",
    "format_count",
    "format_interval",
    "format_name",
    "format_number",
    "html_tag",
    "join_html",
    "join_names",
    "parse_number",
    "render_badge",
    "render_collapsible",
    "render_facts",
    "render_figure",
    "render_figure_grid",
    "render_legend",
    "render_listing",
    "render_section",
    "render_table",
]

# sign and CSS class of every status, verdict, alert level and state of an experiment
BADGE_STYLES = {
    "ok": ("✓", "ok"), "none": ("✓", "ok"), "info": ("i", "declined"), "warning": ("!", "warning"),
    "critical": ("✕", "failed"), "failed": ("✕", "failed"), "declined": ("–", "declined"),
    "completed": ("✓", "ok"), "promoted": ("★", "ok"), "archived": ("–", "declined"),
    "pending": ("…", "declined"), "running": ("▸", "warning"),
}  # fmt: skip


def render_badge(status: str, text: str = "") -> Html:
    """Return a status as a sign and a word, so that it never depends on colour alone."""
    sign, style = BADGE_STYLES.get(status, ("·", "declined"))
    return html_tag(
        "span", html_tag("span", sign, aria_hidden="true"), f" {text or format_name(status)}", class_=f"badge {style}"
    )


def render_facts(entries: list[tuple[str, str]]) -> Html:
    """Return a list of names with their values."""
    return html_tag(
        "dl",
        *(element for name, value in entries for element in (html_tag("dt", name), html_tag("dd", value))),
        class_="facts",
    )
