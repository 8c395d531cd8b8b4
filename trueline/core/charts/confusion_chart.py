"""Confusion chart: how often each answer was given where another was true, as a grid of shaded cells."""

from collections.abc import Iterator, Mapping, Sequence

from trueline.core.charts.axes import WIDTH, format_coordinate
from trueline.core.charts.chart import draw_mark, render_chart
from trueline.core.charts.html import Html, html_tag

LEFT, TOP = 74, 70  # units for the names of rows and columns
MAX_NAME_LETTERS = 12

Counts = Mapping[tuple[str, str], int]  # by what was true and what was given


def draw_confusion(title: str, description: str, names: Sequence[str], counts: Counts) -> Html:
    """Return a grid with a row for each true name and a column for each given one.

    A cell is the darker, the larger its share of its row is; its exact figures are the count and that share. Pairs of
    other names than these are not drawn.
    """
    size = (WIDTH - LEFT) / max(len(names), 1)
    row_totals = {name: sum(count for (actual, _), count in counts.items() if actual == name) for name in names}
    cells = [
        _draw_cell(
            LEFT + size * column, TOP + size * row, size, (actual, answered), counts[actual, answered], row_totals
        )
        for row, actual in enumerate(names)
        for column, answered in enumerate(names)
        if counts.get((actual, answered))
    ]
    frame = html_tag("rect", x=LEFT, y=TOP, width=WIDTH - LEFT, height=WIDTH - LEFT, class_="frame")
    return render_chart(title, description, TOP + WIDTH - LEFT + 1, [frame, *_draw_names(names, size), *cells])


def _draw_names(names: Sequence[str], size: float) -> Iterator[Html]:
    for index, name in enumerate(names):
        shown_name = name if len(name) <= MAX_NAME_LETTERS else f"{name[: MAX_NAME_LETTERS - 1]}…"
        row_middle = format_coordinate(TOP + size * (index + 0.5) + 3)
        yield html_tag("text", shown_name, x=LEFT - 5, y=row_middle, text_anchor="end", class_="heat-text")
        column_middle = format_coordinate(LEFT + size * (index + 0.5) + 3)
        rotation = f"rotate(-90 {column_middle} {TOP - 5})"
        yield html_tag("text", shown_name, x=column_middle, y=TOP - 5, transform=rotation, class_="heat-text")


def _draw_cell(
    x: float, y: float, size: float, pair: tuple[str, str], count: int, row_totals: Mapping[str, int]
) -> Html:
    share = count / row_totals[pair[0]]
    box = {"x": format_coordinate(x), "y": format_coordinate(y), "width": format_coordinate(size)}
    cell = html_tag(
        "rect", **box, height=format_coordinate(size), class_="heat", fill_opacity=f"{0.12 + 0.88 * share:.2f}"
    )
    return draw_mark(f"true {pair[0]}, given {pair[1]}: {count:,} times, {100 * share:.1f} % of the row", cell)
