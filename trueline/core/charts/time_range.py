"""Time range: a choice of how many of the newest days the charts of a page show."""

from collections.abc import Sequence

from trueline.core.charts.html import Html, html_tag, render_figure_grid

RANGES = (30, 90)  # days that can be chosen, besides all
ALL_DAYS = 0  # the value of the choice of all


def render_timed_grid(name: str, day_count: int, figures: Sequence[str]) -> Html:
    """Return charts over the same days in a grid, below a choice of the newest 30 or 90 of them, or all.

    `name` tells the choice from others on the page. Without the page's script the choice is hidden.
    """
    counts = [count for count in RANGES if count < day_count]
    choices = [*((count, f"{count} days") for count in counts), (ALL_DAYS, f"all {day_count} days")]
    labels = [_render_choice(name, *choice) for choice in choices]
    legend = html_tag("legend", "Days in the charts")
    range_html = [html_tag("fieldset", legend, *labels, class_="range", hidden=True)] if counts else []
    return html_tag("div", *range_html, render_figure_grid(figures), class_="timed")


def _render_choice(name: str, day_count: int, text: str) -> Html:
    radio = html_tag("input", type="radio", name=f"days-{name}", value=day_count, checked=day_count == ALL_DAYS)
    return html_tag("label", radio, f" {text}")
