"""Unusual rows are named, usual ones are not: against counting in the whole table."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.service.answer_warnings import list_warnings
from trueline.service.online_history import OnlineHistory

DAYS = st.integers(0, 9)
CELLS = st.tuples(DAYS, st.sampled_from(["a", "b", "c", None]), st.one_of(st.just(np.nan), st.floats(-9, 9)))


def make_table(cells: list[tuple[int, str | None, float]]) -> pd.DataFrame:
    days, texts, numbers = zip(*cells, strict=True)
    return pd.DataFrame(
        {
            "time": pd.Series(pd.Timestamp("2024-03-01") + pd.to_timedelta(days, unit="D")).astype("datetime64[us]"),
            "entity": pd.Series(texts, dtype=object),
            "venue": pd.Series(texts, dtype=object),
            "weight": pd.Series(numbers, dtype=float),
        }
    )


@settings(deadline=None, max_examples=60)
@given(st.lists(CELLS, min_size=1, max_size=12), st.lists(CELLS, min_size=1, max_size=4), DAYS)
def test_they_are_what_a_look_at_the_whole_history_finds(
    past: list[tuple[int, str | None, float]], posted: list[tuple[int, str | None, float]], day: int
) -> None:
    table = make_table(past)
    rows = make_table([(day, text, number) for _, text, number in posted])
    history = OnlineHistory(table)
    counted = [int(((table["entity"] == row.entity) & (table["time"] < row.time)).sum()) for row in rows.itertuples()]
    assert history.count_past_rows(rows, "entity").tolist() == counted
    unseen = sorted(set(rows["venue"].dropna()) - set(table["venue"].dropna()))
    known = table["weight"].dropna()
    outside = sorted({number for number in rows["weight"].dropna() if number < known.min() or number > known.max()})
    warnings = list_warnings(history, rows, ["entity", "venue", "weight"])
    if table["venue"].notna().any():
        assert [line for line in warnings if line.startswith("venue")] == [
            f"venue {text!r} is not in the history; it counts as new." for text in unseen
        ]
    assert len([line for line in warnings if line.startswith("weight")]) == len(outside)
    assert len(warnings) == len([line for line in warnings if line.startswith(("venue", "weight"))])


def test_a_history_that_ends_long_before_is_old() -> None:
    history = OnlineHistory(make_table([(0, "a", 1.0), (2, "a", 1.0)]))
    for day, expected in (
        (32, []),
        (33, ["The history ends on 2024-03-03, 31 days before; later results are unknown."]),
    ):
        assert list_warnings(history, make_table([(day, "a", 1.0)]), ["venue", "weight"]) == expected
