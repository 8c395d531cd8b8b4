"""Every aggregate of Past against a slow oracle that goes through the earlier rows of each row one by one."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.history.past import Past

NAN = float("nan")
UNITS = ("s", "ms", "us", "ns")
Seen = list[tuple[float, float]]  # (days, value) of a row's earlier rows, oldest first
Ask = Callable[[Past], np.ndarray]
Answer = Callable[[Seen, float], float]
Window = dict[str, Any]

settings.register_profile("windows", deadline=None, max_examples=100)
settings.load_profile("windows")

values = st.one_of(
    st.just(NAN),
    st.integers(-5, 5).map(float),
    st.floats(-100, 100).map(lambda x: round(x, 3)),
    st.floats(-2, 2).map(lambda x: 1e6 + x),
)


@st.composite
def tables(draw: st.DrawFn, most: int = 24) -> pd.DataFrame:
    rows = draw(st.integers(0, most))
    quarters = draw(st.lists(st.integers(0, 40), min_size=rows, max_size=rows))
    newyear = np.datetime64("2024-01-01", draw(st.sampled_from(UNITS)))
    time = np.array(quarters, "int64") * np.timedelta64(6, "h") + newyear

    def column(cell: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(cell, min_size=rows, max_size=rows))

    return pd.DataFrame(
        {
            "time": time,
            "key": pd.Series(column(st.sampled_from(["a", "b", "c", None])), dtype=object),
            "venue": pd.Series(column(st.sampled_from([1.0, 2.0, NAN])), dtype=float),
            "x": pd.Series(column(values), dtype=float),
            "won": pd.Series(column(st.booleans()), dtype=bool),
            "goals": pd.Series(column(st.integers(0, 9)), dtype="int64"),
        }
    )


windows: st.SearchStrategy[Window] = st.one_of(
    st.just({}),
    st.integers(1, 6).map(lambda n: {"last": n}),
    st.sampled_from([0.25, 1, 2.5, 7, 1e9]).map(lambda d: {"days": d}),
)
keys = st.sampled_from(["key", ("key", "venue"), ["venue"]])
columns = st.sampled_from(["x", "won", "goals"])


def days(table: pd.DataFrame) -> np.ndarray:
    return ((table["time"] - pd.Timestamp("2024-01-01")) / pd.Timedelta(days=1)).to_numpy(float)


def histories(table: pd.DataFrame, column: str, by: Any, window: Window) -> Iterator[tuple[float, Seen | None]]:
    """Each row's time and the rows of its window, found by looking; None where the key is missing."""
    names = [by] if isinstance(by, str) else list(by)
    keys = [None if any(map(pd.isna, key)) else key for key in zip(*(table[name] for name in names), strict=True)]
    rows = list(zip(keys, days(table).tolist(), table[column].astype(float).tolist(), strict=True))
    for key, now, _ in rows:
        past = sorted((at, value) for own, at, value in rows if own == key and at < now)
        if "last" in window and len(past) > window["last"]:
            past = [(at, value) for at, value in past if at >= past[-int(window["last"])][0]]
        if "days" in window:
            past = [(at, value) for at, value in past if at >= now - window["days"]]
        yield now, None if key is None else past


def oracle(table: pd.DataFrame, answer: Answer, column: str, by: Any, **window: Any) -> np.ndarray:
    answers = [NAN if past is None else answer(past, now) for now, past in histories(table, column, by, window)]
    return np.array(answers, dtype=float)


def present(past: Seen) -> np.ndarray:
    return np.array([value for _, value in past if value == value])


def reduced(reduce: Callable[[Any], float], least: int = 1, empty: float = NAN) -> Answer:
    return lambda past, _: float(reduce(present(past))) if len(present(past)) >= least else empty


def slope(past: Seen, _: float) -> float:
    order = sorted({at for at, _ in past})
    points = [(order.index(at), value) for at, value in past if value == value]
    if len({step for step, _ in points}) < 2:
        return NAN
    step, value = np.array(points).T
    return float(((step - step.mean()) * (value - value.mean())).sum() / ((step - step.mean()) ** 2).sum())


def nth_last(nth: int) -> Answer:
    def answer(past: Seen, _: float) -> float:
        order = sorted({at for at, _ in past}, reverse=True)
        found = present([(at, value) for at, value in past if len(order) >= nth and at == order[nth - 1]])
        return float(found.mean()) if len(found) else NAN

    return answer


def faded(half_life: float) -> Answer:
    def answer(past: Seen, now: float) -> float:
        ages = np.array([now - at for at, value in past if value == value])
        weight = 2.0 ** ((ages.min(initial=np.inf) - ages) / half_life)
        return float((weight * present(past)).sum() / weight.sum()) if len(weight) else NAN

    return answer


def equal(ours: np.ndarray, true: np.ndarray, atol: float = 1e-9) -> None:
    assert ours.dtype == np.float64
    np.testing.assert_allclose(ours, true, rtol=1e-6, atol=atol)


@given(tables(), columns, keys, windows)
def test_counts_sums_and_means_are_those_of_the_earlier_rows(t: pd.DataFrame, x: str, by: Any, w: Window) -> None:
    past = Past(t)
    equal(past.mean(x, by, **w), oracle(t, reduced(np.mean), x, by, **w))
    equal(past.sum(x, by, **w), oracle(t, reduced(np.sum, empty=0.0), x, by, **w))
    equal(past.count(x, by, **w), np.nan_to_num(oracle(t, reduced(len, 0), x, by, **w)))
    equal(past.count(None, by, **w), np.nan_to_num(oracle(t, lambda seen, _: len(seen), x, by, **w)))


@given(tables(), columns, keys, windows)
def test_spreads_and_slopes_keep_their_digits_far_from_zero(t: pd.DataFrame, x: str, by: Any, w: Window) -> None:
    past = Past(t)
    equal(past.std(x, by, **w), oracle(t, reduced(lambda v: np.std(v - v[0], ddof=1), 2), x, by, **w))
    equal(past.slope(x, by, **w), oracle(t, slope, x, by, **w), atol=1e-7)


@given(tables(), keys, windows, st.floats(0, 1), st.floats(0, 10))
def test_a_rate_is_shrunk_toward_its_prior(t: pd.DataFrame, by: Any, w: Window, prior: float, strength: float) -> None:
    def shrunk(seen: Seen, _: float) -> float:
        wins = present(seen)
        return (wins.sum() + prior * strength) / (len(wins) + strength) if len(wins) + strength else NAN

    equal(Past(t).shrunk_rate("won", by, **w, prior=prior, strength=strength), oracle(t, shrunk, "won", by, **w))


@given(tables(), columns, keys, st.integers(1, 4), st.sampled_from([0.01, 3.0, 400.0]))
def test_extremes_last_values_gaps_and_fading_means(t: pd.DataFrame, x: str, by: Any, nth: int, h: float) -> None:
    past = Past(t)
    equal(past.min(x, by), oracle(t, reduced(np.min), x, by), atol=0)
    equal(past.max(x, by), oracle(t, reduced(np.max), x, by), atol=0)
    equal(past.nth_latest(x, by, nth=nth), oracle(t, nth_last(nth), x, by))
    equal(past.days_since_last(by), oracle(t, lambda seen, now: now - seen[-1][0] if seen else NAN, x, by))
    equal(past.ewm(x, by, half_life_days=h), oracle(t, faded(h), x, by))


def every_answer(table: pd.DataFrame) -> dict[str, np.ndarray]:
    past, answers = Past(table), {}
    for by in ("key", ("key", "venue")):
        for window in ({}, {"last": 2}, {"days": 3}):
            for name in ("count", "sum", "mean", "std", "shrunk_rate", "slope"):
                answers[f"{name} {by} {window}"] = getattr(past, name)("x", by, **window)
        for name in ("min", "max", "nth_latest"):
            answers[f"{name} {by}"] = getattr(past, name)("x", by)
        answers[f"gap {by}"] = past.days_since_last(by)
        answers[f"ewm {by}"] = past.ewm("x", by, half_life_days=2)
    return answers


def same_bits(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> None:
    for name, answer in ours.items():
        assert answer.view(np.int64).tolist() == theirs[name].view(np.int64).tolist(), name


@settings(max_examples=60)
@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_leaves_no_trace(table: pd.DataFrame, random: Any) -> None:
    shuffle = random.sample(range(len(table)), len(table))
    same_bits(
        {name: answer[shuffle] for name, answer in every_answer(table).items()},
        every_answer(table.iloc[shuffle].reset_index(drop=True)),
    )


@settings(max_examples=60)
@given(tables(), st.integers(0, 40), st.data())
def test_no_bit_changes_when_the_present_and_the_future_are_rewritten(table: pd.DataFrame, cut: int, data: Any) -> None:
    later = days(table) >= cut / 4
    until = days(table) <= cut / 4
    forged = table.copy()
    size = int(later.sum())
    wild = st.one_of(values, st.sampled_from([1e300, -1e300, np.inf, -np.inf, 1e-300]))
    forged.loc[later, "x"] = data.draw(st.lists(wild, min_size=size, max_size=size))
    answers = every_answer(table)
    with np.errstate(all="raise", under="ignore"):
        rewritten = every_answer(forged)
    same_bits(
        {name: answer[until] for name, answer in answers.items()},
        {name: answer[until] for name, answer in rewritten.items()},
    )
    gone = every_answer(table[until].reset_index(drop=True))
    same_bits({name: answer[until] for name, answer in answers.items()}, gone)
    for row in np.flatnonzero(until & later)[:2]:
        kept = np.flatnonzero(~later | (np.arange(len(table)) == row))
        alone = every_answer(table.iloc[kept].reset_index(drop=True))
        at = int((kept == row).argmax())
        same_bits(
            {name: answer[row : row + 1] for name, answer in answers.items()},
            {name: answer[at : at + 1] for name, answer in alone.items()},
        )


def long_table(rows: int = 4000, seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "time": np.datetime64("2020-01-01", "s") + random.integers(0, 900 * 24, rows) * np.timedelta64(1, "h"),
            "key": random.integers(0, 9, rows) ** 2 // 4,
            "venue": random.integers(0, 3, rows),
            "x": np.where(random.random(rows) < 0.1, np.nan, random.normal(1e6, 1, rows)),
        }
    )


def test_long_histories_keep_every_bit_when_others_and_the_future_vanish() -> None:
    table = long_table()
    until = table["time"] <= table["time"].quantile(0.6)
    part = until & table["key"].isin([0, 4])
    same_bits(
        {name: answer[part] for name, answer in every_answer(table).items()},
        every_answer(table[part].reset_index(drop=True)),
    )


@pytest.mark.parametrize("first", [0.0, 1e6, 1e9])
@pytest.mark.parametrize("window", [{}, {"last": 10}, {"days": 30}])
def test_a_strange_first_value_costs_later_windows_no_digits(first: float, window: Window) -> None:
    table = long_table(1500).sort_values("time", ignore_index=True)
    table.loc[table.groupby("key").head(1).index, "x"] = first
    spread = reduced(lambda v: np.std(v, ddof=1), 2)
    equal(Past(table).std("x", "key", **window), oracle(table, spread, "x", "key", **window))
    equal(Past(table).slope("x", "key", **window), oracle(table, slope, "x", "key", **window), atol=1e-7)


def test_a_window_of_equal_values_has_no_spread_at_all() -> None:
    table = pd.DataFrame({"time": pd.date_range("2024", periods=60), "key": 1, "x": [7e5, -3.3, *[0.1] * 58]})
    assert (Past(table).std("x", "key", last=5)[8:] == 0.0).all()


def test_more_columns_and_windows_than_are_kept_still_answer_the_same() -> None:
    table = long_table(300).assign(**{f"y{i}": np.arange(300) * i % 7 for i in range(12)})
    past = Past(table)
    asks = [(f"y{i}", by, n) for i in range(12) for by in ("key", "venue", ["key", "venue"], "y1") for n in (1, 3)]
    for _ in range(2):
        for column, by, number in asks:
            np.testing.assert_array_equal(past.mean(column, by, last=number), Past(table).mean(column, by, last=number))


def test_the_window_of_days_holds_its_far_edge_and_not_the_present() -> None:
    table = pd.DataFrame({"time": pd.to_datetime(["2024-01-01", "2024-01-08", "2024-01-15"]), "key": 1, "x": [1, 2, 4]})
    assert Past(table).sum("x", "key", days=7).tolist() == [0.0, 1.0, 2.0]
    assert Past(table).sum("x", "key", days=6.99).tolist() == [0.0, 0.0, 0.0]


def test_two_runners_of_one_trainer_in_one_race_do_not_see_each_other() -> None:
    time = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-02"])
    table = pd.DataFrame({"time": time, "key": "t", "x": [1, 5, 9]})
    assert Past(table).mean("x", "key")[1:].tolist() == [1.0, 1.0]


def test_times_with_a_zone_and_nullable_columns_are_understood() -> None:
    table = long_table(50)
    other = table.assign(time=table["time"].dt.tz_localize("Asia/Tokyo"), x=table["x"].astype("Float64"))
    assert np.isfinite(Past(other).mean("x", "key")).any()
    np.testing.assert_array_equal(Past(other).count("x", "key"), Past(table).count("x", "key"))


def test_later_changes_to_the_callers_table_change_no_answer() -> None:
    table = long_table(50)
    past, true = Past(table), Past(table.copy()).mean("x", "key")
    table["x"] = 0.0
    np.testing.assert_array_equal(past.mean("x", "key"), true)


def test_the_past_has_no_method_that_returns_the_present() -> None:
    public_names = {name for name in vars(Past(long_table(5))) | vars(Past) if not name.startswith("_")}
    aggregates = {
        "count",
        "sum",
        "mean",
        "std",
        "shrunk_rate",
        "min",
        "max",
        "nth_latest",
        "slope",
        "days_since_last",
        "ewm",
    }
    assert public_names == aggregates | {"has_column", "rating", "add_residuals"}


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda p: p.mean("pionts", "key"), "'pionts' is not in the table; did you mean 'points'"),
        (lambda p: p.mean("points", "kye"), "did you mean 'key'.*Allowed: key, name, points, time"),
        (lambda p: p.mean("points", ()), "at least one key column"),
        (lambda p: p.mean("name", "key"), "holds (str|object); aggregates need numbers"),
        (lambda p: p.mean("points", "key", last=3, days=3), "last=3 and days=3 are given together"),
        (lambda p: p.mean("points", "key", last=0), "last=0 is not allowed; give a whole number"),
        (lambda p: p.mean("points", "key", last=2.5), "last=2.5 is not allowed"),
        (lambda p: p.mean("points", "key", days=-1), "days=-1 is not allowed; give a positive"),
        (lambda p: p.std("points", "key", days=NAN), "days=nan is not allowed"),
        (lambda p: p.mean("points", "key", days="7"), "days='7' is not allowed"),
        (lambda p: p.nth_latest("points", "key", nth=0), "nth=0 is not allowed"),
        (lambda p: p.ewm("points", "key", half_life_days=0), "half_life_days=0 is not allowed"),
        (lambda p: p.shrunk_rate("points", "key", strength=-1), "strength=-1 are not allowed"),
    ],
)
def test_a_wrong_call_is_rejected_in_one_sentence(ask: Ask, sentence: str) -> None:
    table = pd.DataFrame({"time": pd.to_datetime(["2024-01-01"]), "key": 1, "points": 2, "name": "Ann"})
    with pytest.raises(ValueError, match=sentence):
        ask(Past(table))


@pytest.mark.parametrize(
    ("time", "sentence"),
    [([pd.NaT, pd.Timestamp(0)], "lacks 1 of 2 times"), ([1, 2], "holds int64; give datetime64")],
)
def test_an_invalid_time_column_is_rejected(time: list[Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Past(pd.DataFrame({"time": time, "key": 1}))
