"""Segments: the parts of the field in which the model does worse than elsewhere."""

from collections.abc import Mapping
from typing import Any

from stages.diagnose._page.markup import Html, section, table, tag
from stages.diagnose._page.top import Checks
from stages.diagnose._page.words import DASH, number, plain, spoken, stopped, within

HEADS = ("Segment", "Groups", "Here", "Elsewhere", "Difference, with its interval", "Measure")


def segments(checks: Checks) -> Html:
    """Return the worst segments as a table, or why there is none."""
    title, found = "Worst segments", checks.get("worst_segments")
    if found is None:
        return section(title, tag("p", "Segments were not looked at."), name="segments")
    said = tag("p", stopped(str(found.get("summary") or "")))
    worst = [one for one in (found.get("details") or {}).get("worst") or [] if isinstance(one, Mapping)]
    held = [table("Worse than elsewhere beyond chance", HEADS, map(_row, worst))] if worst else []
    return section(title, said, *held, name="segments")


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    groups, here, rest = (number(one.get(name)) for name in ("groups", "mean", "rest"))
    difference, low, high = (number(one.get(name)) for name in ("difference", "low", "high"))
    beyond = within(difference, low, high, sign=True)
    name = f"{spoken(str(one.get('column', DASH)))} {one.get('level', '')}".strip()
    return name, plain(groups), plain(here), plain(rest), beyond, str(one.get("measure", DASH))
