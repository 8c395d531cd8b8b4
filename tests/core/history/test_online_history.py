"""An online history gives posted rows, to the last bit, what the past of the whole table gives them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.history.opponent_ratings import RatingTerms
from trueline.core.history.past import Past
from trueline.core.history.prefix_sums import FirstSeen, RatedKey
from trueline.service.online_history import OnlineHistory

NAN = float("nan")
FEW = settings(deadline=None, max_examples=12)
DAY = pd.Timedelta(days=1)
RATED: dict[RatedKey, float] = {
    "key": 0.5,
    ("key", "venue"): 2.0,
    FirstSeen("venue", "key"): 1.0,
    FirstSeen(("venue", "group"), "key"): 1.0,
}
TERMS = RatingTerms({"x": 1.0, "won": 0.5}, "group", RATED, 2.0)

Ask = Callable[[Past, Any], np.ndarray]
ASKED: dict[str, Ask] = {
    "rows": lambda past, by: past.count(None, by),
    "values of three rows": lambda past, by: past.count("x", by, last=3),
    "sum": lambda past, by: past.sum("x", by, days=2.5),
    "mean": lambda past, by: past.mean("x", by, last=3),
    "mean of all": lambda past, by: past.mean("x", by),
    "mean of days": lambda past, by: past.mean("x", by, days=3),
    "share": lambda past, by: past.shrunk_rate("won", by, prior=0.3, strength=2.0),
    "std": lambda past, by: past.std("x", by, last=4),
    "slope": lambda past, by: past.slope("x", by, last=4),
    "min": lambda past, by: past.min("x", by),
    "max": lambda past, by: past.max("x", by),
    "last": lambda past, by: past.nth_latest("x", by),
    "last but one": lambda past, by: past.nth_latest("x", by, nth=2),
    "gap": lambda past, by: past.days_since_last(by),
    "ewm": lambda past, by: past.ewm("x", by, half_life_days=1.5),
    "rating": lambda past, by: past.rating(TERMS),
    "residual": lambda past, by: past.add_residuals("residual", TERMS).mean("residual", by),
}
numbers = st.one_of(
    st.just(NAN), st.floats(-100, 100).map(lambda x: round(x, 3)), st.floats(-2, 2).map(lambda x: 1e6 + x)
)


@st.composite
def tables(draw: st.DrawFn, rows: int, words: str, days: int = 8) -> pd.DataFrame:
    """Draw rows of a few keys on a few days, in any order."""

    def column(cell: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(cell, min_size=rows, max_size=rows))

    moments = pd.Timestamp("2024-03-01") + np.array(column(st.integers(0, 3 * days))) * pd.Timedelta(hours=8)
    return pd.DataFrame(
        {
            "time": pd.Series(moments).astype("datetime64[us]"),
            "group": pd.Series(column(st.sampled_from(["g", "h", "i"])), dtype=object),
            "key": pd.Series(column(st.sampled_from([*words, None])), dtype=object),
            "venue": pd.Series(column(st.sampled_from([1.0, 2.0, NAN])), dtype=float),
            "x": pd.Series(column(numbers), dtype=float),
            "won": pd.Series(column(st.sampled_from([0.0, 1.0, NAN])), dtype=float),
        }
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw a history and rows of one time, before, in or after it, some of a key that it lacks."""
    history = draw(tables(draw(st.integers(1, 30)), "abc"))
    posted = draw(tables(draw(st.integers(1, 4)), "abd"))
    return history, posted.assign(time=posted["time"].iloc[0], x=NAN, won=NAN)


@given(cases(), st.sampled_from(["key", ("key", "venue"), ("venue",)]))
@FEW
def test_every_answer_is_that_of_the_whole_table(case: tuple[pd.DataFrame, pd.DataFrame], by: Any) -> None:
    history, posted = case
    whole, past = Past(pd.concat([history, posted], ignore_index=True)), OnlineHistory(history).build_past(posted)
    for name, ask in ASKED.items():
        np.testing.assert_array_equal(ask(past, by), ask(whole, by)[len(history) :], err_msg=name)


@given(cases())
@FEW
def test_a_longer_key_is_answered_from_the_past_of_a_shorter_one(case: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    history, posted = case
    whole, past = Past(pd.concat([history, posted], ignore_index=True)), OnlineHistory(history).build_past(posted)
    for by in ("key", ("venue", "key"), ("key", "venue")):
        for name, ask in ASKED.items():
            np.testing.assert_array_equal(ask(past, by), ask(whole, by)[len(history) :], err_msg=name)
    assert list(past._past_by_key) == [("key",)]


@given(cases())
@FEW
def test_nothing_of_the_posted_time_or_later_plays_a_role(case: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    history, posted = case
    since = history["time"] >= posted["time"].iloc[0]
    rewritten = history.assign(x=history["x"].where(~since, 7.0), won=history["won"].where(~since, 1.0))
    pasts = [OnlineHistory(table).build_past(posted) for table in (history, rewritten)]
    for name, ask in ASKED.items():
        np.testing.assert_array_equal(ask(pasts[0], "key"), ask(pasts[1], "key"), err_msg=name)


@given(tables(20, "abc"), tables(6, "abd"), st.sampled_from(["key", ("key", "venue"), ("venue",)]))
@FEW
def test_rows_of_several_times_posted_together_get_what_each_time_gets_alone(
    history: pd.DataFrame, drawn: pd.DataFrame, by: Any
) -> None:
    posted = drawn.assign(x=NAN, won=NAN)
    online = OnlineHistory(history)
    together = online.build_past(posted)
    for _, rows in posted.groupby("time"):
        alone = online.build_past(rows)
        for name, ask in ASKED.items():
            np.testing.assert_array_equal(ask(together, by)[rows.index], ask(alone, by), err_msg=name)


def test_a_column_that_the_rows_lack_is_missing_and_one_that_the_history_lacks_is_unknown() -> None:
    history = pd.DataFrame({"time": pd.to_datetime(["2024-01-01"]), "key": ["a"], "x": [1.0]})
    past = OnlineHistory(history).build_past(
        pd.DataFrame({"time": pd.to_datetime(["2024-01-02"]), "key": ["a"], "new": [1.0]})
    )
    assert past.mean("x", "key").tolist() == [1.0]
    assert past.has_column("x")
    assert not past.has_column("new")


def test_every_method_of_the_past_is_answered() -> None:
    methods = {name for name in vars(Past) if not name.startswith("_")}
    assert methods <= set(
        vars(
            type(
                OnlineHistory(pd.DataFrame({"time": [pd.Timestamp(0)]})).build_past(
                    pd.DataFrame({"time": [DAY + pd.Timestamp(0)]})
                )
            )
        )
    )
