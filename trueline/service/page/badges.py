"""Badges and lists of facts of the dashboard."""

from trueline.core.charts.html import Html, html_tag
from trueline.core.charts.number_format import format_name

# sign and CSS class of every status, verdict, alert level and state of an experiment
BADGE_STYLES = {
    "ok": ("✓", "ok"), "none": ("✓", "ok"), "info": ("i", "declined"), "warning": ("!", "warning"),
    "critical": ("✕", "failed"), "failed": ("✕", "failed"), "declined": ("–", "declined"),
    "completed": ("✓", "ok"), "promoted": ("★", "ok"), "archived": ("–", "declined"),
    "yes": ("✓", "ok"), "doubtful": ("!", "warning"), "no": ("✕", "failed"),
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
    items = (element for name, value in entries for element in (html_tag("dt", name), html_tag("dd", value)))
    return html_tag("dl", *items, class_="facts")
