"""Duplicate rows: plain loops keep the same row of every key, in any order of the rows."""

import math
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.tables.duplicate_rows import flag_contradictory_rows, flag_superseded_rows

Row = tuple[str, float, float, float]  # key, when, and two values
COLUMNS = ["key", "when", "one", "other"]
few = st.sampled_from([1.0, 2.0, math.nan])
rows = st.lists(st.tuples(st.sampled_from("abc"), few, few, few), max_size=12)
FEW = settings(deadline=None, max_examples=60)


def table(rows: list[Row]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS).astype({"when": float, "one": float, "other": float})


def rank(row: Row) -> tuple[float, ...]:
    """Order rows so that the one to keep comes first: the newest, then the lowest, missing values last."""
    _, when, *others = row
    return (-when if when == when else math.inf, *(value if value == value else math.inf for value in others))


@FEW
@given(rows, st.randoms(use_true_random=False))
def test_of_each_key_the_newest_and_then_the_lowest_is_kept_in_any_order(rows: list[Row], random: Any) -> None:
    best = [min((row for row in rows if row[0] == key), key=rank) for key in sorted({row[0] for row in rows})]
    for order in (rows, random.sample(rows, len(rows))):
        given = table(order)
        kept = given[~flag_superseded_rows(given, ["key"], "when")].sort_values("key", ignore_index=True)
        pd.testing.assert_frame_equal(kept, table(best))


@FEW
@given(rows)
def test_rows_of_a_key_contradict_each_other_if_any_two_differ(rows: list[Row]) -> None:
    row_values = [str(row[2:]) for row in rows]
    contradicting = [
        any(other[0] == row[0] and values != own for other, values in zip(rows, row_values, strict=True))
        for row, own in zip(rows, row_values, strict=True)
    ]
    assert flag_contradictory_rows(table(rows), ["key"], ["one", "other"]).tolist() == contradicting


def test_rows_are_identified_by_their_labels_and_not_by_their_position() -> None:
    given = pd.DataFrame({"key": ["a", "b", "a"], "when": [1, 5, 2], "one": [1, 1, 2]}, index=[30, 20, 10])
    assert flag_superseded_rows(given, ["key"], "when").to_dict() == {30: True, 20: False, 10: False}
    assert flag_contradictory_rows(given, ["key"], ["one"]).to_dict() == {30: True, 20: False, 10: True}
