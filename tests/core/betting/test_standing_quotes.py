"""The information clock against plain loops over hours, and what it refuses and says."""

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.betting.standing_quotes import (
    CLOCK_COLUMNS,
    could_bet,
    describe_grading,
    flag_standing_lines,
    flag_standing_opens,
    has_clock,
    reject_untimed_quotes,
)
from trueline.core.errors import UserError

HOURS = range(6)
hours = st.one_of(st.sampled_from(HOURS), st.none())
moments = st.tuples(hours, hours, hours)


def at(hour: int | None) -> Any:
    return pd.NaT if hour is None else pd.Timestamp(2024, 3, 1, hour)


def lines(*rows: dict[str, int]) -> pd.DataFrame:
    """Return real lines with the given hours; times that are not given are missing."""
    table = pd.DataFrame([{name: at(row.get(name)) for name in CLOCK_COLUMNS} for row in rows])
    return table.astype("datetime64[us]").assign(line_type="actual")


def is_possible(known: int | None, quoted_from: int | None, quoted_until: int | None) -> bool:
    """Return whether a bettor who tries every hour can place the bet."""
    if known is None or quoted_from is None or quoted_until is None:
        return False
    return any(known <= hour and quoted_from <= hour <= quoted_until for hour in HOURS)


@settings(deadline=None, max_examples=60)
@given(st.lists(moments, min_size=1, max_size=20))
def test_a_bet_is_possible_if_some_hour_allows_it(rows: list[tuple[int | None, int | None, int | None]]) -> None:
    known, made, end = (
        pd.DatetimeIndex([at(row[part]) for row in rows]).to_numpy("datetime64[us]") for part in range(3)
    )
    assert could_bet(known, made, end).tolist() == [is_possible(*row) for row in rows]


def test_a_closing_line_grades_what_was_known_before_it_and_what_was_known_while_it_stood() -> None:
    rows = lines(
        {"known_before": 0, "known_at_start": 4, "quoted_from": 2, "quoted_until": 4},
        {"known_before": 0, "known_at_start": 5, "quoted_from": 2, "quoted_until": 4},
        {"known_before": 3, "known_at_start": 5, "quoted_from": 1, "quoted_until": 2},
        {"known_before": 0},
    )
    assert flag_standing_lines(rows, "before", True).tolist() == [True, True, False, True]
    assert flag_standing_lines(rows, "at_start", True).tolist() == [True, False, False, False]
    assert flag_standing_lines(rows[3:], "at_start", False).tolist() == [True]


def test_an_opening_line_grades_nothing_that_is_known_at_the_start() -> None:
    rows = lines({"known_before": 1, "open_from": 0, "open_until": 1}, {"known_before": 2, "open_until": 1}, {})
    assert flag_standing_opens(rows, "before").tolist() == [True, False, True]
    assert not flag_standing_opens(rows, "at_start").any()


def test_line_ups_need_a_quote_with_a_time_and_the_sentence_names_the_columns() -> None:
    timed = {"known_at_start": 4, "quoted_from": 2, "quoted_until": 3}
    reject_untimed_quotes(lines({}, timed), ["side_usual"], "refuse")
    reject_untimed_quotes(lines({}), ["side_usual"], "doubtful")
    reject_untimed_quotes(lines({}).assign(line_type="estimated"), ["side_usual"], "refuse")
    sentence = r"^side_usual are known only at the start.* quoted_at to lines.* start_time"
    for rows in (lines({}), lines({"known_at_start": 4}), lines({"quoted_from": 2, "quoted_until": 3})):
        assert not has_clock(rows)
        with pytest.raises(UserError, match=sentence):
            reject_untimed_quotes(rows, ["side_usual"], "refuse")


def test_what_is_not_graded_is_counted_and_explained() -> None:
    partly = describe_grading("at_start", 10, 7, True)
    assert (partly["graded"], partly["not_graded"], partly["unknown_age"]) == (7, 3, 0)
    assert "7 of 10 real lines" in partly["sentence"]
    assert "3 are not graded" in partly["sentence"]
    assert describe_grading("at_start", 10, 10, False)["unknown_age"] == 10
    assert describe_grading("before", 10, 10, False)["unknown_age"] == 0
