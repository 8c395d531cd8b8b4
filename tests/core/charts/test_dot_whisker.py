"""The dot-and-whisker chart tells each estimate with its name, and its whiskers reach as far as its interval."""

from tests.core.charts import svg
from trueline.core.charts.dot_whisker import DotEstimate, draw_dot_whiskers

MODEL = DotEstimate("the model", "0.9 (0.8 to 1.0)", 0.9, 0.8, 1.0, strong=True)
RIVAL = DotEstimate("a rival of a name that is much too long for a row of this chart, indeed", "0.5", 0.5)


def test_each_row_has_its_whole_name_and_its_text() -> None:
    chart = draw_dot_whiskers("T", "D.", [MODEL, RIVAL])
    assert svg.tips(chart) == ["the model: 0.9 (0.8 to 1.0)", f"{RIVAL.name}: 0.5"]
    assert RIVAL.name not in [mark.text for mark in svg.read(chart).iter("text")]


def test_the_dot_is_within_its_whisker_and_a_mark_is_where_its_value_is() -> None:
    chart = svg.read(draw_dot_whiskers("T", "D.", [MODEL, RIVAL], (0.5,)))
    whisker = next(mark for mark in chart.iter("line") if "whisker" in str(mark.get("class")))
    dash = next(mark for mark in chart.iter("line") if mark.get("class") == "mark")
    dots = [float(str(mark.get("cx"))) for mark in chart.iter("circle")]
    assert float(str(whisker.get("x1"))) < dots[0] < float(str(whisker.get("x2")))
    assert float(str(dash.get("x1"))) == dots[1]


def test_a_step_leads_from_its_start_to_its_value() -> None:
    estimates = [DotEstimate("up", "+1", 2.0, start=1.0), DotEstimate("down", "−1", 1.0, start=2.0)]
    steps = list(svg.read(draw_dot_whiskers("T", "D.", estimates)).iter("rect"))
    assert [step.get("class") for step in steps] == ["up", "down"]
    assert steps[0].get("x") == steps[1].get("x")
    assert steps[0].get("width") == steps[1].get("width")


def test_an_estimate_without_a_value_is_named_and_not_drawn() -> None:
    chart = draw_dot_whiskers("T", "D.", [MODEL, DotEstimate("missing", "–", None)])
    assert svg.tips(chart)[1] == "missing: –"
    assert len(list(svg.read(chart).iter("circle"))) == 1
