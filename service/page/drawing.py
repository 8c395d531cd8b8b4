"""Drawing: the markup, the pictures and the words of the page of diagnoses, which the dashboard shares."""

from stages.diagnose._page.axes import WIDTH
from stages.diagnose._page.diagonal import Cell, diagonal
from stages.diagnose._page.dots import Dot, dots
from stages.diagnose._page.lines import Line, key, lines
from stages.diagnose._page.listing import listing
from stages.diagnose._page.markup import Html, figure, figures, folded, join, section, table, tag
from stages.diagnose._page.style import STYLE
from stages.diagnose._page.words import DASH, counted, digits, listed, number, plain, spoken, stopped, within

__all__ = [
    "DASH",
    "STYLE",
    "WIDTH",
    "Cell",
    "Dot",
    "Html",
    "Line",
    "badge",
    "counted",
    "diagonal",
    "digits",
    "dots",
    "facts",
    "figure",
    "figures",
    "folded",
    "join",
    "key",
    "lines",
    "listed",
    "listing",
    "number",
    "plain",
    "section",
    "spoken",
    "stopped",
    "table",
    "tag",
    "within",
]

# a sign and a look for every status, verdict, level of alert and state of an experiment
LOOKS = {
    "ok": ("✓", "ok"), "none": ("✓", "ok"), "info": ("i", "declined"), "warning": ("!", "warning"),
    "critical": ("✕", "failed"), "failed": ("✕", "failed"), "declined": ("–", "declined"),
    "completed": ("✓", "ok"), "promoted": ("★", "ok"), "archived": ("–", "declined"),
    "pending": ("…", "declined"), "running": ("▸", "warning"),
}  # fmt: skip


def badge(status: str, said: str = "") -> Html:
    """Return a status as a word and a sign, so that colour is never all that tells it."""
    sign, look = LOOKS.get(status, ("·", "declined"))
    return tag("span", tag("span", sign, aria_hidden="true"), f" {said or spoken(status)}", class_=f"badge {look}")


def facts(found: list[tuple[str, str]]) -> Html:
    """Return names and what stands beside them."""
    return tag("dl", *(part for name, said in found for part in (tag("dt", name), tag("dd", said))), class_="facts")
