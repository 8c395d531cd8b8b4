"""HTML: elements whose text is escaped unless it is markup already."""

import html
from collections.abc import Iterable, Sequence

VOID_ELEMENTS = ("input", "link", "meta")
MAX_NOWRAP_LETTERS = 32  # letters of the longest table cell that never wraps
Attribute = str | int | float | bool | None


class Html(str):
    """Text that is markup already; any other text is escaped where it enters a tag."""

    __slots__ = ()


def html_tag(element: str, /, *children: str, **attributes: Attribute) -> Html:
    """Return an element around its children; `class_` becomes class, `aria_label` becomes aria-label.

    Attributes that are None or False are left out; True gives an attribute without a value.
    """
    attribute_text = "".join(_format_attribute(key, value) for key, value in attributes.items())
    return Html(
        f"<{element}{attribute_text}>"
        if element in VOID_ELEMENTS
        else f"<{element}{attribute_text}>{join_html(children)}</{element}>"
    )


def join_html(fragments: Iterable[str], between: str = "") -> Html:
    """Return the fragments joined, with text escaped."""
    return Html(
        between.join(fragment if isinstance(fragment, Html) else escape_html(fragment) for fragment in fragments)
    )


def escape_html(text: str) -> str:
    """Return text escaped for use between tags and in quotes, without characters that HTML cannot hold."""
    printable = "".join(letter for letter in text if letter in "\n\t" or (letter.isprintable() or letter.isspace()))
    return html.escape(printable.encode("utf-8", "replace").decode())


def render_section(title: str, *children: str, name: str) -> Html:
    """Return a section under a second-level heading; `name` is its anchor on the page."""
    return html_tag("section", html_tag("h2", title), *children, id=name)


def render_figure(title: str, picture: str, *sentences: str) -> Html:
    """Return a picture under a third-level heading, with sentences below it."""
    paragraphs = [html_tag("p", sentence) for sentence in sentences if sentence]
    caption = [html_tag("figcaption", *paragraphs)] if paragraphs else []
    return html_tag("figure", html_tag("h3", title), picture, *caption)


def render_figure_grid(pictures: Iterable[str]) -> Html:
    """Return pictures in a grid: side by side where they fit."""
    return html_tag("div", *pictures, class_="figures")


def render_collapsible(summary: str, *children: str) -> Html:
    """Return a summary that unfolds its content on click."""
    return html_tag("details", html_tag("summary", summary), html_tag("div", *children, class_="folded"))


def render_table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], stacked: bool = False) -> Html:
    """Return a table in its own scrolling box; the first column holds the row headers.

    A `stacked` table shows each row as a list of its cells where the screen is narrow, so that none is cut.
    """
    header = html_tag("tr", *(html_tag("th", head, scope="col") for head in heads))
    labels = heads if stacked else ()
    body = [
        html_tag("tr", *(_render_cell(column, cell, labels[column : column + 1]) for column, cell in enumerate(row)))
        for row in rows
    ]
    content = (html_tag("caption", caption), html_tag("thead", header), html_tag("tbody", *body))
    table_html = html_tag("table", *content, class_="stacked" if stacked else None)
    return html_tag("div", table_html, class_="scroll", tabindex=0, role="group", aria_label=caption)


def _render_cell(column: int, cell: str, label: Sequence[str]) -> Html:
    css_class = "long" if len(cell) > MAX_NOWRAP_LETTERS else None  # may wrap; shorter ones stay on one line
    if not column:
        return html_tag("th", cell, scope="row", class_=css_class)
    return html_tag("td", cell, class_=css_class, data_label=label[0] if label else None)


def _format_attribute(keyword: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = keyword.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape_html(str(value))}"'
