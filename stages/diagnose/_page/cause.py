"""Cause: what the change of the newest days is made of."""

from collections.abc import Mapping
from typing import Any

from stages.diagnose._page.dots import Dot, dots
from stages.diagnose._page.markup import Html, figure, section, tag
from stages.diagnose._page.top import Checks
from stages.diagnose._page.words import digits, ends, is_interval, spoken, stopped, within


def cause(checks: Checks) -> Html:
    """Return the parts of the change with their intervals, or why there are none."""
    title, found = "Why it changed", checks.get("root_cause")
    if found is None:
        return section(title, tag("p", "No cause was looked for."), name="cause")
    said = tag("p", stopped(str(found.get("summary") or "")))
    shown = parts(found.get("details") or {})
    if not shown:
        return section(title, said, name="cause")
    words = "; ".join(f"{one.name} {one.said}" for one in shown)
    picture = dots("Parts of the change", f"{words}.", shown, (0.0,))
    below = "Loss of the model beside that of the market, newest window against the days before it: above 0 is worse."
    return section(title, said, figure("Parts of the change", picture, below), name="cause")


def parts(details: Mapping[str, Any]) -> list[Dot]:
    """Return the change and its parts, largest first."""
    held = details.get("parts")
    found = held.items() if isinstance(held, Mapping) else []
    whole = details["change"] if is_interval(details.get("change")) else None
    places = digits(*ends(whole)[1:]) if whole else None  # of all parts the same, those that the whole change bears
    shown = [_dot(spoken(str(name)), value, places) for name, value in found if is_interval(value)]
    shown.sort(key=lambda one: (-abs(one.value or 0.0), one.name))
    return [*([_dot("the whole change", whole, places, True)] if whole else []), *shown] if shown else []


def _dot(name: str, value: Mapping[str, Any], places: int | None, strong: bool = False) -> Dot:
    found = ends(value)
    return Dot(name, within(*found, sign=True, places=places), *found, strong=strong)
