"""The calibration plot tells what was predicted and what happened, and agreeing points are on the diagonal."""

import pytest

from tests.core.charts import svg
from trueline.core.charts.axes import WIDTH
from trueline.core.charts.calibration_figure import render_calibration_figure
from trueline.core.charts.calibration_plot import LEFT, CalibrationCell, draw_calibration_plot

CELLS = [CalibrationCell(0.2, 0.25, 0.2, 0.3, 100.0), CalibrationCell(0.7, 0.7, None, None)]


def test_each_point_has_its_exact_figures() -> None:
    assert svg.tips(draw_calibration_plot("T", "D.", CELLS)) == [
        "predicted 20.0 %, happened 25.0 % (20.0 to 30.0), 100 predictions",
        "predicted 70.0 %, happened 70.0 %",
    ]


def test_only_a_point_with_an_interval_has_a_whisker() -> None:
    lines = [mark.get("class") for mark in svg.read(draw_calibration_plot("T", "D.", CELLS)).iter("line")]
    assert lines.count("whisker w-model") == 1


def test_what_happened_as_promised_lies_on_the_diagonal() -> None:
    chart = draw_calibration_plot("T", "D.", CELLS)
    diagonal = next(mark for mark in svg.read(chart).iter("line") if mark.get("class") == "mark")
    x1, x2, y1, y2 = (float(str(diagonal.get(name))) for name in ("x1", "x2", "y1", "y2"))
    x, y = svg.numbers(chart, "circle", "cx")[1], svg.numbers(chart, "circle", "cy")[1]
    assert (x - x1) / (x2 - x1) == pytest.approx((y - y1) / (y2 - y1), abs=0.01)


def test_the_labels_of_both_ends_are_inside_the_chart() -> None:
    whole_range = [CalibrationCell(0.0, 0.0, None, None), CalibrationCell(1.0, 1.0, None, None)]
    labels = [
        mark for mark in svg.read(draw_calibration_plot("T", "D.", whole_range)).iter("text") if mark.text == "100"
    ]
    below = next(label for label in labels if label.get("text-anchor") == "middle")
    letters = 3 * 6.5 / 2  # units left and right of the middle
    assert float(str(below.get("x"))) + letters <= WIDTH
    assert LEFT - 5 - 2 * letters > 0


def test_the_figure_reads_numbers_and_texts_and_names_the_farthest_group() -> None:
    rows = [{"predicted": "0.5", "observed": "0.4", "low": "", "high": "x", "n": "9"}, {"predicted": 0.1}, 3]
    (figure,) = render_calibration_figure(rows, "A note.")
    assert "1 groups of predictions; the farthest promised 50.0 % and came true in 40.0 %." in figure
    assert "A note." in figure
    assert render_calibration_figure([{"predicted": None, "observed": 0.4}]) == []
