"""Row filters: rows that break a rule are removed and counted once, under the first rule they break."""

from collections.abc import Callable

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.tables.row_filters import filter_rows

RULES: dict[str, Callable[[pd.DataFrame, int], pd.Series]] = {
    "too small": lambda rows, least: rows["number"] < least,
    "odd": lambda rows, least: rows["number"] % 2 == 1,
    "again": lambda rows, least: rows["number"].duplicated(),
}


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 9), max_size=12), st.integers(0, 9))
def test_every_row_is_kept_or_counted_once_under_the_first_rule_it_breaks(numbers: list[int], least: int) -> None:
    kept: list[int] = []
    counts = dict.fromkeys(RULES, 0)
    for number in numbers:
        if number < least:
            counts["too small"] += 1
        elif number % 2 == 1:
            counts["odd"] += 1
        elif number in kept:
            counts["again"] += 1
        else:
            kept.append(number)
    rows, found = filter_rows(pd.DataFrame({"number": numbers}, dtype=int), RULES, least)
    assert rows["number"].tolist() == kept
    assert found == {reason: count for reason, count in counts.items() if count}


def test_rows_that_pass_keep_their_labels() -> None:
    rows = pd.DataFrame({"number": [1, 4, 8]}, index=[7, 5, 3])
    assert filter_rows(rows, RULES, 0)[0].index.tolist() == [5, 3]
