"""Markup: HTML whose text is escaped unless it is markup already."""

import html
from collections.abc import Iterable, Sequence

VOID = ("link", "meta")
LONG = 32  # letters
Attribute = str | int | float | bool | None


class Html(str):
    """Text that is markup already; any other text is escaped where it enters a tag."""

    __slots__ = ()


def tag(element: str, /, *inside: str, **attributes: Attribute) -> Html:
    """Return an element around its parts; `class_` stands for class, `aria_label` for aria-label.

    An attribute that is None or False is left out, and True has no value.
    """
    said = "".join(_attribute(key, value) for key, value in attributes.items())
    return Html(f"<{element}{said}>" if element in VOID else f"<{element}{said}>{join(inside)}</{element}>")


def join(parts: Iterable[str], between: str = "") -> Html:
    """Return the parts one after the other, text escaped."""
    return Html(between.join(part if isinstance(part, Html) else escape(part) for part in parts))


def escape(text: str) -> str:
    """Return text as it may stand between tags and in quotes, without characters that no HTML can hold."""
    kept = "".join(letter for letter in text if letter in "\n\t" or (letter.isprintable() or letter.isspace()))
    return html.escape(kept.encode("utf-8", "replace").decode())


def section(title: str, *inside: str, name: str) -> Html:
    """Return a section under a heading of the second level; `name` is its address on the page."""
    return tag("section", tag("h2", title), *inside, id=name)


def figure(title: str, picture: str, *said: str) -> Html:
    """Return a picture under a heading of the third level, with sentences below it."""
    words = [tag("p", one) for one in said if one]
    caption = [tag("figcaption", *words)] if words else []
    return tag("figure", tag("h3", title), picture, *caption)


def figures(found: Iterable[str]) -> Html:
    """Return pictures side by side where there is room."""
    return tag("div", *found, class_="figures")


def folded(summary: str, *inside: str) -> Html:
    """Return what is shown when it is asked for."""
    return tag("details", tag("summary", summary), tag("div", *inside, class_="folded"))


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Html:
    """Return a table in a box of its own that scrolls; the first column heads the rows."""
    top = tag("tr", *(tag("th", head, scope="col") for head in heads))
    body = [tag("tr", *(_cell(number, cell) for number, cell in enumerate(row))) for row in rows]
    whole = tag("table", tag("caption", caption), tag("thead", top), tag("tbody", *body))
    return tag("div", whole, class_="scroll", tabindex=0, role="region", aria_label=caption)


def _cell(number: int, cell: str) -> Html:
    wide = "long" if len(cell) > LONG else None  # may break; shorter ones stay on one line
    return tag("td", cell, class_=wide) if number else tag("th", cell, scope="row", class_=wide)


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
