"""A chart of lines tells the exact figures of each day, breaks where a value is missing, and is the same twice."""

from tests.core.charts import svg
from trueline.core.charts.time_series import EDGE, HEIGHT, LEFT, ChartLine, draw_line_chart, render_legend

DAYS = ["2024-01-01", "2024-01-02", "2024-01-03"]
RATE = ChartLine("rate", [50.0, None, 55.25], "model", [48.0, None, 53.0], [52.0, None, 57.5])


def drawn(*lines: ChartLine, **options: object) -> str:
    return draw_line_chart("Hit rate", "Newest: 55.", DAYS, lines or (RATE,), **options)  # type: ignore[arg-type]


def test_each_day_has_its_exact_figures_with_interval_and_unit() -> None:
    assert svg.steps(drawn(RATE, ChartLine("market", [1.0, 2.0, 3.0], "market"), unit=" %")) == {
        "2024-01-01": "rate 50.0 % (48.0 to 52.0), market 1 %",
        "2024-01-02": "rate –, market 2 %",
        "2024-01-03": "rate 55.2 % (53.0 to 57.5), market 3 %",
    }


def test_a_name_of_several_lines_keeps_to_its_day() -> None:
    chart = draw_line_chart("T", "D.", ["a\nb", "c"], [ChartLine("x\ny", [1.0, 2.0])])
    assert svg.steps(chart) == {"a b": "x y 1", "c": "x y 2"}


def test_higher_values_are_drawn_higher_and_later_days_further_right() -> None:
    points = [
        tuple(map(float, point.split(",")))
        for line in svg.read(drawn(ChartLine("l", [1.0, 3.0, 2.0]))).iter("polyline")
        for point in str(line.get("points")).split()
    ]
    assert points[0][0] < points[1][0] < points[2][0]
    assert points[1][1] < points[2][1] < points[0][1]


def test_the_plot_is_an_inner_drawing_with_room_for_dots_at_its_edge() -> None:
    plot = next(mark for mark in svg.read(drawn()).iter("svg") if mark.get("class") == "plot")
    box = [float(part) for part in str(plot.get("viewBox")).split()]
    assert box[0] == LEFT - EDGE
    assert [float(str(plot.get(name))) for name in ("x", "y", "width", "height")] == [*box[:1], 0, box[2], HEIGHT]


def test_zones_set_the_range_and_marks_are_inside_it() -> None:
    zoned = drawn(zones=[("low", 0.0, 40.0), ("high", 40.0, 100.0)], marks=(50.0,))
    assert {mark.text for mark in svg.read(zoned).iter("text")} >= {"low", "high", "0", "100"}


def test_of_many_lines_the_newest_value_is_not_marked_by_a_dot() -> None:
    lines = [ChartLine(f"l{n}", [1.0, 2.0, 3.0 + n], f"c{n + 1}") for n in range(4)]
    assert "newest" in drawn(*lines[:3])
    assert "newest" not in drawn(*lines)


def test_the_legend_names_every_line() -> None:
    assert "rate</li>" in render_legend([RATE])
    assert drawn() == drawn()
