"""Gap: from the backtest's hit rate to production's, step by step."""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.diagnose._page.dots import Dot, dots
from stages.diagnose._page.markup import Html, figure, join, section, tag
from stages.diagnose._page.top import Checks
from stages.diagnose._page.words import ends, is_interval, number, spoken, stopped, within

NOTHING = 1e-6  # share below which a remainder is rounding


def gap(checks: Checks) -> Html:
    """Return the waterfall of the gap between backtest and production, or why there is none."""
    title, found = "Backtest and production", checks.get("gap")
    if found is None:
        return section(title, tag("p", "The gap to production was not looked at."), name="gap")
    details = found.get("details") or {}
    said = _said(found, details)
    steps = [one for one in details.get("waterfall") or [] if number(one.get("contribution")) is not None]
    if not steps:
        return section(title, said, name="gap")
    shown = waterfall(details, steps)
    words = "; ".join(f"{one.name} {one.said}" for one in shown)
    picture = dots("From backtest to production", f"{words}.", shown, _marks(shown))
    below = "Bars step from one hit rate to the next, in per cent; whiskers are 95 % intervals of each step."
    return section(title, said, figure("What makes the gap", picture, below), name="gap")


def _said(found: Mapping[str, Any], details: Mapping[str, Any]) -> Html:
    """Return the verdict's reasons and the main cause; the summary where they are not told apart."""
    verdict, main = (details.get(name) or {} for name in ("verdict", "main_cause"))
    if not (verdict.get("verdict") and main.get("sentence")):
        return tag("p", stopped(str(found.get("summary") or "")))
    reasons = [tag("li", stopped(str(reason))) for reason in verdict.get("reasons") or []]
    word = tag("strong", str(verdict["verdict"]).capitalize())
    named = tag("p", "Verdict: ", word, f". {stopped(str(main['sentence']))}")
    return join([named, tag("ul", *reasons) if reasons else ""])


def waterfall(details: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> list[Dot]:
    """Return both sides and the steps between them, in per cent; from 0 where the sides' rates are not told."""
    before, after = (_rate(details, side) for side in ("backtest", "production"))
    level = before.value if before and before.value is not None else 0.0
    found = [before] if before else []
    for one in steps:
        found.append(_step(str(one.get("step", "")), one, level))
        level += 100 * (number(one.get("contribution")) or 0.0)
    if after and after.value is not None and before and abs(after.value - level) > 100 * NOTHING:
        left = {"contribution": (after.value - level) / 100}
        found.append(_step("left over", left, level))
    return [*found, after] if after else found


def _marks(shown: Sequence[Dot]) -> tuple[float, ...]:
    """Return the level that all steps start from."""
    first = shown[0].value if shown[0].start is None else 0.0
    return (first,) if first is not None else ()


def _step(name: str, one: Mapping[str, Any], level: float) -> Dot:
    value, low, high = (number(one.get(part)) for part in ("contribution", "low", "high"))
    points, down, up = (None if part is None else 100 * part for part in (value, low, high))
    ended, below, above = (None if part is None else level + part for part in (points, down, up))
    return Dot(spoken(name), within(points, down, up, sign=True, places=1), ended, below, above, level)


def _rate(details: Mapping[str, Any], side: str) -> Dot | None:
    held = (details.get("sides") or {}).get(side) or {}
    if not is_interval(held.get("hit_rate")):
        return None
    found = ends(held["hit_rate"], 100.0)
    return Dot(side, within(*found, unit=" %", places=1), *found, strong=True)
