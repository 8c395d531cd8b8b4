"""Chart: the SVG element that every chart is, and the few marks that all charts share.

A chart is a function from values to one `<svg role="img">`. It is drawn on a sheet that is `WIDTH` units wide, about as
many as a phone has pixels, and scales with its place on the page. `axes.py` maps values to units, and the stylesheet
gives colours to the classes of the marks, so that one chart fits light mode, dark mode and paper. Positions are rounded
to a tenth of a unit: equal values give equal bytes.

Every chart says itself what it shows, in words: `title` and `description` are its name and its text for those who do
not see it, and each mark may carry its exact figures in `data-tip`. A page that includes `page_script.SCRIPT` shows
them beside the mark that is pointed at, touched, or reached with the arrow keys; without the script nothing is lost but
that. A chart of lines has too many marks for that: it carries the names of its steps in `data-steps` and their figures
in `data-tips`, one a line, and its drawing is an inner `<svg class="plot">`, of which the script can show the newest
steps only.
"""

from collections.abc import Iterable

from trueline.core.charts.axes import WIDTH, format_coordinate
from trueline.core.charts.html import Attribute, Html, html_tag


def render_chart(
    title: str, description: str, height: int, elements: Iterable[str], width: int = WIDTH, **attributes: Attribute
) -> Html:
    """Return a chart around its marks, named and described in words."""
    captions = [html_tag("title", title), html_tag("desc", description)]
    label = f"{title}. {description}"
    view_box = f"0 0 {width} {height}"
    return html_tag("svg", *captions, *elements, viewBox=view_box, role="img", aria_label=label, **attributes)


def draw_line(x1: float, x2: float, y1: float, y2: float, style: str) -> Html:
    """Return a straight line."""
    ends = {"x1": x1, "x2": x2, "y1": y1, "y2": y2}
    return html_tag("line", **{name: format_coordinate(end) for name, end in ends.items()}, class_=style)


def draw_text(text: str, x: float, y: float, anchor: str | None = None, style: str | None = None) -> Html:
    """Return a text; `anchor` is the end of the text that is at x, by default its start."""
    return html_tag("text", text, x=format_coordinate(x), y=format_coordinate(y), text_anchor=anchor, class_=style)


def draw_mark(tip: str, *elements: str) -> Html:
    """Return the elements of one mark with its exact figures."""
    return html_tag("g", *elements, data_tip=tip)


def draw_circle(x: float, y: float, radius: float, style: str) -> Html:
    """Return a filled circle."""
    return html_tag("circle", cx=format_coordinate(x), cy=format_coordinate(y), r=radius, class_=f"f-{style}")


def format_tick(value: float, decimals: int) -> str:
    """Return a number beside an axis, with a true minus sign."""
    return f"{value:.{decimals}f}".replace("-", "−")
