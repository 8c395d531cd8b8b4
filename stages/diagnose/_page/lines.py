"""Lines: figures over days, with bands around them and zones behind them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from stages.diagnose._page.axes import WIDTH, Axis, place, span, ticks
from stages.diagnose._page.markup import Html, tag

HEIGHT = 190
LEFT, RIGHT, TOP, BOTTOM = 38, 8, 8, 24
ZONED = 76  # units right of the drawing for the names of zones
LETTER = 6  # units that a letter is wide

Values = Sequence[float | None]
Zone = tuple[str, float, float]  # name, from, to


@dataclass(frozen=True)
class Line:
    """A figure of every day; `look` is model, market or other, and says how it is drawn."""

    name: str
    values: Values
    look: str = "model"
    low: Values | None = None
    high: Values | None = None


def lines(
    title: str,
    said: str,
    days: Sequence[str],
    found: Sequence[Line],
    zones: Sequence[Zone] = (),
    marks: Sequence[float] = (),
) -> Html:
    """Return a drawing of lines over days; a day without a figure breaks its line, and marks are dashed.

    With zones the drawing shows exactly their stretch; otherwise as much as lines, bands and marks need.
    """
    stretch = (zones[0][1], zones[-1][2]) if zones else span(_all(found, marks))
    y = Axis(*stretch, HEIGHT - BOTTOM, TOP)
    x = Axis(0, max(len(days) - 1, 1), LEFT, WIDTH - (ZONED if zones else RIGHT))
    drawn = [*_zones(zones, x, y), *_levels(x, y), *_days(days, x), *(_mark(mark, x, y) for mark in marks)]
    drawn += [part for line in found for part in _band(line, x, y)]
    drawn += [part for line in found for part in _path(line, x, y)]
    named = [tag("title", title), tag("desc", said)]
    return tag("svg", *named, *drawn, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=f"{title}. {said}")


def key(found: Sequence[Line]) -> Html:
    """Return the names of the lines, each beside a piece of it."""
    return tag("ul", *(tag("li", _sample(line), line.name) for line in found), class_="key")


def _sample(line: Line) -> Html:
    piece = tag("line", x1=1, x2=27, y1=4, y2=4, class_=f"line s-{line.look}")
    return tag("svg", piece, viewBox="0 0 28 8", aria_hidden="true")


def _all(found: Sequence[Line], marks: Sequence[float]) -> Iterator[float | None]:
    yield from marks
    for line in found:
        for values in (line.values, line.low, line.high):
            yield from values or ()


def _zones(zones: Sequence[Zone], x: Axis, y: Axis) -> Iterator[Html]:
    for rank, (name, low, high) in enumerate(zones):
        top, height = y(high), y(low) - y(high)
        box = {"x": place(x.begin), "y": place(top), "width": place(x.end - x.begin), "height": place(height)}
        yield tag("rect", **box, class_="zone", fill_opacity=f"{0.05 * rank:.2f}")
        yield tag("text", name, x=place(x.end + 9), y=place(top + height / 2 + 4))


def _levels(x: Axis, y: Axis) -> Iterator[Html]:
    values, digits = ticks(y.low, y.high)
    for value in values:
        at = place(y(value))
        yield tag("line", x1=place(x.begin), x2=place(x.end), y1=at, y2=at, class_="grid")
        said = f"{value:.{digits}f}".replace("-", "−")
        yield tag("text", said, x=LEFT - 5, y=place(y(value) + 4), text_anchor="end")


def _days(days: Sequence[str], x: Axis) -> Iterator[Html]:
    """Write the first and the last day, and the one in the middle where it has room."""
    last = len(days) - 1
    shown = {0: "start", last: "end"} if last > 0 else {0: "start"}
    room = x.end - x.begin > 3.4 * LETTER * max(map(len, days), default=0)
    shown |= {last // 2: "middle"} if last >= 4 and room else {}
    for number, anchor in sorted(shown.items()):
        if number < len(days):
            yield tag("text", days[number], x=place(x(number)), y=HEIGHT - 6, text_anchor=anchor)


def _mark(value: float, x: Axis, y: Axis) -> Html:
    at = place(y(value))
    return tag("line", x1=place(x.begin), x2=place(x.end), y1=at, y2=at, class_="mark")


def _band(line: Line, x: Axis, y: Axis) -> Iterator[Html]:
    if line.low is None or line.high is None:
        return
    for run in _runs(line.low, line.high):
        there = [f"{place(x(day))},{place(y(line.high[day] or 0.0))}" for day in run]
        back = [f"{place(x(day))},{place(y(line.low[day] or 0.0))}" for day in reversed(run)]
        yield tag("polygon", points=" ".join(there + back), class_="band")


def _path(line: Line, x: Axis, y: Axis) -> Iterator[Html]:
    for run in _runs(line.values):
        places = [(place(x(day)), place(y(line.values[day] or 0.0))) for day in run]
        if len(run) > 1:
            yield tag("polyline", points=" ".join(map(",".join, places)), class_=f"line s-{line.look}")
        else:
            yield _dot(places[0], line.look, 2)
    newest = len(line.values) - 1
    if line.look != "other" and newest > 0 and (value := line.values[newest]) is not None:
        yield _dot((place(x(newest)), place(y(value))), line.look, 3.5)


def _dot(at: tuple[str, str], look: str, size: float) -> Html:
    return tag("circle", cx=at[0], cy=at[1], r=size, class_=f"f-{look}")


def _runs(*columns: Values) -> list[list[int]]:
    """Return the stretches of days on which all columns have a figure."""
    known = [all(column[day] is not None for column in columns) for day in range(len(columns[0]))]
    parts = groupby(range(len(known)), key=lambda day: known[day])
    return [list(run) for has, run in parts if has]
