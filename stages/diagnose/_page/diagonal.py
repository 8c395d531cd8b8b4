"""Diagonal: what was predicted beside what happened; on the diagonal the two agree."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stages.diagnose._page.axes import WIDTH, Axis, place, ticks
from stages.diagnose._page.markup import Html, tag

LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 40


@dataclass(frozen=True)
class Cell:
    """Predictions of about one chance, and the share of them that came true."""

    predicted: float
    observed: float
    low: float | None
    high: float | None


def diagonal(title: str, said: str, cells: Sequence[Cell]) -> Html:
    """Return a square drawing of chances in per cent; both axes show the same stretch."""
    low, high = _stretch(cells)
    x, y = Axis(low, high, LEFT, WIDTH - RIGHT), Axis(low, high, WIDTH - BOTTOM, TOP)
    slope = tag("line", x1=place(x(low)), y1=place(y(low)), x2=place(x(high)), y2=place(y(high)), class_="mark")
    drawn = [*_levels(x, y), *_names(x), slope, *(part for cell in cells for part in _cell(cell, x, y))]
    named = [tag("title", title), tag("desc", said)]
    return tag("svg", *named, *drawn, viewBox=f"0 0 {WIDTH} {WIDTH}", role="img", aria_label=f"{title}. {said}")


def _stretch(cells: Sequence[Cell]) -> tuple[float, float]:
    """Return the stretch in per cent that holds all cells, to the next five."""
    ends = [end for one in cells for end in (one.predicted, one.observed, one.low, one.high) if end is not None]
    low, high = 100 * min(ends), 100 * max(ends)
    return max(0.0, 5 * (low // 5)), min(100.0, 5 * (high // 5 + 1))


def _levels(x: Axis, y: Axis) -> Iterator[Html]:
    for value in ticks(x.low, x.high)[0]:
        across, down = place(x(value)), place(y(value))
        yield tag("line", x1=place(x.begin), x2=place(x.end), y1=down, y2=down, class_="grid")
        yield tag("line", x1=across, x2=across, y1=place(y.end), y2=place(y.begin), class_="grid")
        yield tag("text", f"{value:.0f}", x=LEFT - 5, y=place(y(value) + 4), text_anchor="end")
        yield tag("text", f"{value:.0f}", x=across, y=place(y.begin + 15), text_anchor="middle")


def _names(x: Axis) -> Iterator[Html]:
    middle = place((x.begin + x.end) / 2)
    yield tag("text", "predicted, %", x=middle, y=WIDTH - 6, text_anchor="middle", class_="said")
    turned = f"rotate(-90 12 {WIDTH / 2:.0f})"
    yield tag("text", "happened, %", x=12, y=WIDTH // 2, transform=turned, text_anchor="middle", class_="said")


def _cell(one: Cell, x: Axis, y: Axis) -> Iterator[Html]:
    at = place(x(100 * one.predicted))
    if one.low is not None and one.high is not None:
        ends = {"y1": place(y(100 * one.low)), "y2": place(y(100 * one.high))}
        yield tag("line", x1=at, x2=at, **ends, class_="whisker w-model")
    yield tag("circle", cx=at, cy=place(y(100 * one.observed)), r=4, class_="f-model")
