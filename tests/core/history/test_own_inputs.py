"""Own inputs: equal to those of a search through the earlier rows, and nothing that is not yet known is in them."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.history.leak_detection import DecisionSettings, audit_features
from trueline.core.history.own_inputs import SHRINK_ENTITY_ROWS, SHRINK_ROWS, OwnFigures, build_inputs, build_own_inputs
from trueline.core.history.past import Past
from trueline.core.tables.table_schema import Column

NAN = float("nan")
JOCKEY = Column("own:jockey", "text", "before", "")
HOOD = Column("own:hood", "whole", "before", "", low=0, high=1)
RATING = Column("own:rating", "number", "before", "", "lb")
TIME = Column("own:time", "number", "after", "", "s")
GOING = Column("own:going", "text", "at_start", "")
OWN = [JOCKEY, HOOD, RATING, TIME, GOING]
FIGURES = OwnFigures(surplus="surplus", is_field=True)
BEFORE = ["entity", "group", "own:jockey", "own:hood", "own:rating"]
DECLARED = [
    *(Column(name, "text", "before", "") for name in ("entity", "group")),
    Column("time", "time", "before", ""),
    *(Column(name, "number", "after", "") for name in ("target", "surplus")),
    *OWN,
]


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """Draw rows of a few entities on a few days, with ties, gaps and missing values, in any order."""
    size = draw(st.integers(1, 25))

    def column(*cells: Any) -> list[Any]:
        return draw(st.lists(st.sampled_from(cells), min_size=size, max_size=size))

    days = pd.Timestamp("2024-03-01") + pd.to_timedelta(column(0, 1, 2, 5, 9), unit="D")
    return pd.DataFrame(
        {
            "time": days,
            "group": [f"{day:%d}{number}" for day, number in zip(days, column(1, 2), strict=True)],
            "entity": pd.Series(column("a", "b", "c"), dtype=object),
            "target": np.array(column(0.0, 0.5, 1.0)),
            "surplus": np.array(column(-0.25, 0.125, 1.0, NAN)),
            "own:jockey": pd.Series(column("J", "K", None), dtype=object),
            "own:hood": np.array(column(0.0, 1.0, NAN)),
            "own:rating": np.array(column(50.0, 62.5, 80.0, NAN)),
            "own:time": np.array(column(10.0, 11.5, NAN)),
            "own:going": pd.Series(column("good", "soft", None), dtype=object),
        }
    )


def average(values: "pd.Series[float]") -> float:
    return float(values.mean()) if values.notna().any() else NAN


def search_figures(rows: pd.DataFrame, prefix: str, has_key: bool, strength: float) -> dict[str, float]:
    """Return what is known of the earlier rows of a key, which are given."""
    surplus = rows["surplus"].dropna()
    return {
        f"{prefix}count": float(len(rows)),
        f"{prefix}target": average(rows["target"]),
        f"{prefix}surplus": surplus.sum() / (len(surplus) + strength) if len(rows) and has_key else NAN,
    }


def search_inputs(table: pd.DataFrame, row: pd.Series) -> dict[str, Any]:
    """Return the inputs of a row by a search through the rows before it."""
    before = table[table["time"] < row["time"]]
    own_rows = before[before["entity"] == row["entity"]]
    last = own_rows[own_rows["time"] == own_rows["time"].max()]
    field = table[table["group"] == row["group"]]["own:rating"]
    rating, jockey = row["own:rating"], row["own:jockey"]
    found: dict[str, Any] = {
        "own:jockey": jockey,
        "own:jockey:changed": NAN if last.empty or pd.isna(jockey) else float((last["own:jockey"] != jockey).all()),
        "own:hood": row["own:hood"],
        "own:hood:change": row["own:hood"] - average(last["own:hood"]),
        "own:rating": rating,
        "own:rating:change": rating - average(last["own:rating"]),
        "own:rating:lead": rating - average(field),
        "own:rating:rank": NAN if pd.isna(rating) else 1 + (field > rating).sum() + ((field == rating).sum() - 1) / 2,
        "own:time:last": average(last["own:time"]),
        "own:time:mean": average(own_rows["own:time"]),
    }
    for name in ("own:jockey", "own:hood"):
        has_key = not pd.isna(row[name])
        alike = [rows[rows[name] == row[name]] if has_key else rows.iloc[:0] for rows in (before, own_rows)]
        found |= search_figures(alike[0], f"{name}:", has_key, SHRINK_ROWS)
        found |= search_figures(alike[1], f"{name}:entity_", has_key, SHRINK_ENTITY_ROWS)
    return found


def build(table: pd.DataFrame) -> pd.DataFrame:
    return build_own_inputs(table[BEFORE], Past(table), OWN, FIGURES)


@given(tables())
@settings(deadline=None, max_examples=25)
def test_every_input_is_that_of_a_search_through_the_earlier_rows(table: pd.DataFrame) -> None:
    inputs = build(table)
    for position, (_, row) in enumerate(table.iterrows()):
        expected = search_inputs(table, row)
        assert {*expected, "own:time:mean_5"} == set(inputs)
        for name, value in expected.items():
            built = inputs[name].iloc[position]
            assert built == pytest.approx(value, abs=1e-9) or (pd.isna(built) and pd.isna(value)), (name, row)


def test_a_value_that_is_known_at_the_start_is_an_input_only_of_a_decision_at_the_start() -> None:
    table = pd.DataFrame({"time": pd.to_datetime(["2024-01-01", "2024-01-02"]), "group": ["1", "2"], "entity": "a"})
    table["target"], table["own:going"], table["own:crowd"] = [1.0, 0.0], ["good", "soft"], [10.0, 30.0]
    own = [GOING, Column("own:crowd", "number", "at_start", "")]
    early = build_own_inputs(table[["entity"]], Past(table), own, OwnFigures())
    assert set(early) == {"own:crowd:last", "own:crowd:mean_5", "own:crowd:mean"}
    assert early["own:crowd:mean"].tolist()[1] == 10
    late = build_own_inputs(table, Past(table), own, OwnFigures())
    assert late["own:crowd"].tolist() == [10, 30]
    assert late["own:going"].tolist() == ["good", "soft"]
    assert late["own:going:changed"].tolist()[1] == 1


def audit(table: pd.DataFrame, present: list[str], decision: Any = "before") -> list[str]:
    """Return the leaking inputs of a plugin without any of its own, if `present` columns count as known."""
    options = DecisionSettings(decision=decision, audits=3, include=None, exclude=[])
    plugin = SimpleNamespace(
        build=lambda current, past, _: pd.DataFrame({"starts": past.count(None, "entity")}, index=current.index),
        OWN_FIGURES=FIGURES,
    )

    def build_all(rows: pd.DataFrame) -> pd.DataFrame:
        return build_inputs(plugin, rows[present], Past(rows), options, OWN)

    return audit_features(build_all, table, build_all(table), DECLARED, options, seed=3)


def rich_table() -> pd.DataFrame:
    random, size = np.random.default_rng(2), 60
    return pd.DataFrame(
        {
            "time": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(size) // 4, unit="D"),
            "group": np.repeat(np.arange(size // 4), 4).astype(str),
            "entity": np.tile(list("abcd"), size // 4),
            "target": random.random(size),
            "surplus": random.normal(size=size),
            "own:jockey": random.choice(["J", "K", "L"], size),
            "own:hood": random.integers(0, 2, size).astype(float),
            "own:rating": random.normal(size=size),
            "own:time": random.normal(size=size),
            "own:going": random.choice(["good", "soft"], size),
        }
    )


def test_the_leak_audit_passes_own_columns_that_are_used_when_they_are_known() -> None:
    assert audit(rich_table(), BEFORE) == []
    assert audit(rich_table(), [*BEFORE, "own:going"], "at_start") == []


def test_the_leak_audit_finds_own_columns_that_are_used_before_they_are_known() -> None:
    leaks = audit(rich_table(), [*BEFORE, "own:time", "own:going"])
    assert {"own:time", "own:time:lead", "own:going", "own:going:changed"} <= set(leaks)
    assert not {"own:rating", "own:jockey", "starts"} & set(leaks)


def test_a_plugin_that_uses_own_columns_itself_gets_no_inputs_of_them() -> None:
    table = rich_table()
    plugin = SimpleNamespace(build=lambda current, past, _: current[["own:rating"]] * 2, OWN_FIGURES=None)
    options = DecisionSettings(decision="before", audits=1, include=None, exclude=[])
    assert list(build_inputs(plugin, table, Past(table), options, OWN)) == ["own:rating"]
