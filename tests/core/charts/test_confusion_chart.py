"""The confusion chart has a cell for each pair that occurred, the darker the larger its share of the row."""

from tests.core.charts import svg
from trueline.core.charts.confusion_chart import draw_confusion

COUNTS = {("tea", "tea"): 3, ("tea", "film"): 1, ("film", "film"): 5, ("rare", "tea"): 7}


def test_each_cell_has_its_count_and_its_share_of_the_row() -> None:
    assert svg.tips(draw_confusion("T", "D.", ["tea", "film"], COUNTS)) == [
        "true tea, given tea: 3 times, 75.0 % of the row",
        "true tea, given film: 1 times, 25.0 % of the row",
        "true film, given film: 5 times, 100.0 % of the row",
    ]


def test_a_larger_share_is_darker() -> None:
    chart = svg.read(draw_confusion("T", "D.", ["tea", "film"], COUNTS))
    shades = [float(str(mark.get("fill-opacity"))) for mark in chart.iter("rect") if mark.get("class") == "heat"]
    assert shades[1] < shades[0] < shades[2] <= 1


def test_true_names_are_rows_and_given_names_are_columns() -> None:
    chart = svg.read(draw_confusion("T", "D.", ["tea", "film"], COUNTS))
    cells = [mark for mark in chart.iter("rect") if mark.get("class") == "heat"]
    places = [(float(str(cell.get("x"))), float(str(cell.get("y")))) for cell in cells]
    assert places[1][0] > places[0][0]
    assert places[1][1] == places[0][1]
    assert places[2][1] > places[0][1]
