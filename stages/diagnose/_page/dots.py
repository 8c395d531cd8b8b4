"""Dots: estimates below each other, each with its interval as a whisker, or stepping from one level to the next."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stages.diagnose._page.axes import WIDTH, Axis, place, span, ticks
from stages.diagnose._page.markup import Html, tag

ROW = 38  # units that a row is high: words above, its whisker below
FOOT = 22
EDGE = 10
LETTERS = 52  # that a row has room for, name and figure together


@dataclass(frozen=True)
class Dot:
    """An estimate in words and on the axis; `start` is the level that a step comes from."""

    name: str
    said: str
    value: float | None
    low: float | None = None
    high: float | None = None
    start: float | None = None
    strong: bool = False


def dots(title: str, said: str, found: Sequence[Dot], marks: Sequence[float] = ()) -> Html:
    """Return a drawing of estimates, one below the other; marks are dashed lines across all of them."""
    shown = [end for one in found for end in (one.value, one.low, one.high, one.start)]
    x = Axis(*span([*shown, *marks]), EDGE, WIDTH - EDGE)
    bottom = ROW * len(found) + 2
    drawn = [*_levels(x, bottom), *(_upright(x(mark), bottom, "mark") for mark in marks)]
    drawn += [part for number, one in enumerate(found) for part in _row(one, ROW * number, x)]
    box = f"0 0 {WIDTH} {bottom + FOOT}"
    named = [tag("title", title), tag("desc", said)]
    return tag("svg", *named, *drawn, viewBox=box, role="img", aria_label=f"{title}. {said}")


def _row(one: Dot, top: int, x: Axis) -> Iterator[Html]:
    look = "model" if one.strong else "other"
    name = _short(one.name, LETTERS - len(one.said))
    yield tag("text", name, x=0, y=top + 13, class_="strong" if one.strong else "said")
    yield tag("text", one.said, x=WIDTH, y=top + 13, text_anchor="end", class_="strong" if one.strong else "said")
    middle = top + 26
    if one.value is None:
        return
    if one.start is not None:
        yield _step(one.start, one.value, middle, x)
    if one.low is not None and one.high is not None:
        ends = {"x1": place(x(one.low)), "x2": place(x(one.high))}
        yield tag("line", **ends, y1=middle, y2=middle, class_=f"whisker w-{look}")
    yield tag("circle", cx=place(x(one.value)), cy=middle, r=5 if one.strong else 4, class_=f"f-{look}")


def _step(start: float, value: float, middle: int, x: Axis) -> Html:
    left, right = sorted((x(start), x(value)))
    wide, look = place(max(right - left, 1.0)), "up" if value >= start else "down"
    return tag("rect", x=place(left), y=middle - 6, width=wide, height=12, class_=look)


def _levels(x: Axis, bottom: int) -> Iterator[Html]:
    values, digits = ticks(x.low, x.high)
    for value in values:
        yield _upright(x(value), bottom, "grid")
        said = f"{value:.{digits}f}".replace("-", "−")
        yield tag("text", said, x=place(x(value)), y=bottom + 16, text_anchor="middle")


def _upright(at: float, bottom: int, look: str) -> Html:
    return tag("line", x1=place(at), x2=place(at), y1=0, y2=bottom, class_=look)


def _short(name: str, letters: int) -> str:
    return name if len(name) <= letters else f"{name[: max(letters - 1, 3)]}…"
