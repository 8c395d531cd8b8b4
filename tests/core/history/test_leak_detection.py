"""The leak audit reports the features that leak, and no others."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.history import leak_detection
from trueline.core.history.leak_detection import DecisionSettings, audit_features, find_start_inputs
from trueline.core.tables.table_schema import Column

COLUMNS = [
    Column("runner", "text", "before", "who runs"),
    Column("time", "time", "before", "of the race"),
    Column("box", "number", "before", "starting box"),
    Column("price", "number", "at_start", "starting price"),
    Column("points", "number", "after", "scored"),
    Column("going", "text", "after", "of the track"),
    Column("hour", "time", "after", "of the finish"),
]
SEEDS = settings(deadline=None, max_examples=8)


def table(seed: int = 0, days: int = 25, runners: int = 6) -> pd.DataFrame:
    """Return runners who all run every day, some outcomes missing."""
    random, n = np.random.default_rng(seed), days * runners
    time = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.repeat(np.arange(days), runners), "D")
    return pd.DataFrame(
        {
            "runner": np.tile(list("abcdef"), days),
            "time": time,
            "box": random.integers(1, 9, n).astype(float),
            "price": random.uniform(1, 50, n),
            "points": np.where(random.random(n) < 0.1, np.nan, random.normal(20, 5, n)),
            "going": random.choice(["good", "soft"], n),
            "hour": time + pd.to_timedelta(random.integers(1, 600, n), "min"),
        }
    )


def earlier(rows: pd.DataFrame, column: str) -> Any:
    return rows.groupby("runner")[column].shift()


def next_points(rows: pd.DataFrame) -> Any:
    return rows.groupby("runner")["points"].shift(-1)


LEAKS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "present outcome": lambda rows: rows["points"] + 0.0,
    "present outcome in words": lambda rows: rows["going"] == "good",
    "present outcome as a time": lambda rows: rows["hour"] - rows["time"],
    "whether there is an outcome": lambda rows: rows["points"].isna(),
    "present price": lambda rows: rows["price"].round(),
    "a later row": next_points,
    "a later row's inputs": lambda rows: rows.groupby("runner")["box"].shift(-1),
    "a global mean": lambda rows: earlier(rows, "points").fillna(rows["points"].mean()),
    "a global spread of inputs": lambda rows: rows["box"] / rows["box"].std(),
    "rows of the same day": lambda rows: rows.groupby("time")["points"].transform("sum"),
    "a mean that holds the present": lambda rows: rows.groupby("runner")["points"].transform(
        lambda points: points.expanding().mean()
    ),
    "how long the table is": lambda rows: pd.Series(len(rows), rows.index),
    "the last outcome, backwards": lambda rows: rows.groupby("runner")["points"].bfill(),
}
HONEST: dict[str, Callable[[pd.DataFrame], Any]] = {
    "box": lambda rows: rows["box"],
    "last points": lambda rows: earlier(rows, "points"),
    "mean before": lambda rows: rows.groupby("runner")["points"].transform(
        lambda points: points.shift().expanding().mean()
    ),
    "last going": lambda rows: earlier(rows, "going").astype("category"),
    "last price": lambda rows: earlier(rows, "price"),
    "days since": lambda rows: rows["time"] - earlier(rows, "time"),
    "nothing": lambda rows: pd.Series(np.nan, rows.index),
}


def build(formulas: dict[str, Callable[[pd.DataFrame], Any]]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda rows: pd.DataFrame({name: formula(rows) for name, formula in formulas.items()}, index=rows.index)


def leaking(
    formula: Callable[[pd.DataFrame], pd.DataFrame],
    rows: pd.DataFrame,
    columns: list[Column],
    decision: Literal["before", "at_start"],
    audits: int,
    seed: int,
) -> list[str]:
    return audit_features(
        formula,
        rows,
        formula(rows),
        columns,
        DecisionSettings(decision=decision, audits=audits, include=None, exclude=[]),
        seed,
    )


@pytest.mark.parametrize("name", LEAKS)
def test_a_formula_that_knows_too_much_is_named_and_honest_ones_beside_it_are_not(name: str) -> None:
    assert leaking(build({name: LEAKS[name], **HONEST}), table(), COLUMNS, "before", 3, 1) == [name]


@SEEDS
@given(st.integers(0, 9999))
def test_honest_formulas_are_never_named(seed: int) -> None:
    assert leaking(build(HONEST), table(seed), COLUMNS, "before", 2, seed) == []


@SEEDS
@given(st.integers(0, 9999))
def test_every_leak_is_named_at_whatever_moments_the_seed_picks(seed: int) -> None:
    plain = {name: LEAKS[name] for name in ("present outcome", "a later row", "a global mean")}
    assert leaking(build(plain), table(seed), COLUMNS, "before", 3, seed) == sorted(plain)


def test_the_price_at_the_off_is_known_only_to_bets_made_at_the_off() -> None:
    formula = build(
        {"price": lambda rows: rows["price"], "best": lambda rows: rows.groupby("time")["price"].transform("min")}
    )
    assert leaking(formula, table(), COLUMNS, "before", 3, 0) == ["best", "price"]
    assert leaking(formula, table(), COLUMNS, "at_start", 3, 0) == []


def test_a_later_price_is_a_leak_even_at_the_off() -> None:
    formula = build({"next price": lambda rows: rows.groupby("runner")["price"].shift(-1)})
    assert leaking(formula, table(), COLUMNS, "at_start", 3, 0) == ["next price"]


def test_a_column_that_comes_and_goes_with_the_future_is_named() -> None:
    def grow(rows: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"box": rows["box"], **({"late": 1.0} if len(rows) > 140 else {})}, index=rows.index)

    assert leaking(grow, table(), COLUMNS, "before", 3, 0) == ["late"]


def test_where_all_is_simultaneous_every_outcome_is_tampered_with() -> None:
    rows = table().assign(time=pd.Timestamp("2024-01-01"))
    assert "present outcome" in leaking(build(LEAKS), rows, COLUMNS, "before", 3, 0)
    assert leaking(build({"box": lambda rows: rows["box"]}), rows, COLUMNS, "before", 3, 0) == []


def test_the_table_handed_in_is_left_as_it_was() -> None:
    rows = table()
    leaking(build(HONEST), rows, COLUMNS, "before", 3, 0)
    pd.testing.assert_frame_equal(rows, table())


def test_inputs_of_the_present_price_are_known_only_at_the_start_and_those_of_earlier_prices_are_not() -> None:
    rows = table()
    formulas: dict[str, Callable[[pd.DataFrame], Any]] = {
        "price": lambda present: present["price"],
        "rounded": lambda present: present["price"].round(-1),
        "box": lambda present: present["box"],
        "last price": lambda _: earlier(rows, "price"),
    }
    assert find_start_inputs(build(formulas), rows, build(formulas)(rows), COLUMNS) == ["price", "rounded"]


@pytest.mark.parametrize("name", LEAKS)
def test_every_leak_is_named_too_where_rows_long_after_the_moment_are_left_out(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leak_detection, "LATER_ROWS", 10)
    rows_seen = []

    def build_and_count(rows: pd.DataFrame) -> pd.DataFrame:
        rows_seen.append(len(rows))
        return build({name: LEAKS[name], **HONEST})(rows)

    assert leaking(build_and_count, table(days=60), COLUMNS, "before", 3, 1) == [name]
    moments = rows_seen[2::2]  # after the whole table: with later rows, without them
    assert [seen - until for seen, until in zip(rows_seen[1::2], moments, strict=True)] == [12, 12, 12]


def test_a_value_of_rows_long_after_the_moment_is_a_leak_though_these_rows_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leak_detection, "LATER_ROWS", 10)
    newest = build({"newest points": lambda rows: pd.Series(rows["points"].dropna().iloc[-1], rows.index)})
    assert leaking(newest, table(days=60), COLUMNS, "before", 3, 1) == ["newest points"]
