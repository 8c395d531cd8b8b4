"""The sentences on hit rates with real and with estimated lines."""

import pytest

from stages.evaluate.market.line_types import describe_estimated_lines
from stages.evaluate.market.number_phrases import format_percent, format_points_difference, is_clear_of_zero
from trueline.core.stats.confidence_intervals import Interval

NOTHING: Interval = {"value": None, "low": None, "high": None, "n": 0}


def figure(value: float, half: float | None = None) -> Interval:
    """Return a value with an interval of the given half width, or without an interval."""
    ends = (None, None) if half is None else (value - half, value + half)
    return {"value": value, "low": ends[0], "high": ends[1], "n": 40}


@pytest.mark.parametrize(
    ("estimated", "actual", "difference", "sentence"),
    [
        (
            figure(0.614, 0.013), figure(0.512, 0.009), figure(10.2, 1.3),
            "On estimated lines the same predictions hit 61.4 % (60.1 to 62.7), 10.2 points (8.9 to 11.5) more than "
            "the 51.2 % (50.3 to 52.1) on real ones: estimated lines are not a market.",
        ),
        (
            figure(0.48, 0.02), figure(0.53, 0.02), figure(-5, 3),
            "On estimated lines the same predictions hit 48.0 % (46.0 to 50.0), 5.0 points (2.0 to 8.0) less than "
            "the 53.0 % (51.0 to 55.0) on real ones: estimated lines are not a market.",
        ),
        (
            figure(0.52, 0.02), figure(0.51, 0.02), figure(1, 3),
            "On estimated lines the same predictions hit 52.0 % (50.0 to 54.0), 1.0 points (−2.0 to 4.0) more than "
            "the 51.0 % (49.0 to 53.0) on real ones: the difference may be chance.",
        ),
        (
            figure(0.6), figure(0.5), figure(10),
            "On estimated lines the same predictions hit 60.0 % and on real ones 50.0 %: too few days to compare them.",
        ),
        (
            figure(0.6, 0.01), NOTHING, NOTHING,
            "On estimated lines the same predictions hit 60.0 % (59.0 to 61.0), and no bet is graded on a real line: "
            "this says nothing of a market.",
        ),
        (NOTHING, figure(0.5, 0.01), NOTHING, "No bet is graded on estimated lines."),
    ],
)  # fmt: skip
def test_the_sentence_says_what_the_numbers_do(
    estimated: Interval, actual: Interval, difference: Interval, sentence: str
) -> None:
    assert describe_estimated_lines(estimated, actual, difference, "") == sentence


def test_a_gap_is_described_from_the_side_on_which_it_lies() -> None:
    assert format_points_difference(figure(-1.5, 2)) == "1.5 points (−0.5 to 3.5) less"
    assert format_points_difference(figure(1.5)) == "1.5 points more"
    assert format_points_difference(NOTHING) == "nothing to compare"
    assert format_percent(NOTHING) == "nothing"


@pytest.mark.parametrize(("value", "half", "is_beyond"), [(2, 1, True), (-2, 1, True), (1, 1, False), (5, None, False)])
def test_a_figure_is_beyond_chance_when_its_interval_leaves_out_0(
    value: float, half: float | None, is_beyond: bool
) -> None:
    assert is_clear_of_zero(figure(value, half)) == is_beyond
