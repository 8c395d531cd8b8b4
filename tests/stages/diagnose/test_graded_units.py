"""Graded units: each row or race once, with the losses, picks and tiers that a plain loop would find."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from stages.diagnose.units.evidence import CheckLimits, Evidence
from stages.diagnose.units.graded_units import assign_tiers, build_graded_units
from trueline.core.tables.table_schema import Column

LIMITS = CheckLimits(
    missing_share=0.5, shift=0.2, slope_low=0.9, slope_high=1.1, r2_too_good=0.6, r2_over_market=0.02,
    gain_doubtful=0.01, gain_too_good=0.02, segment_groups=40, equal_inputs_share=0.01, default_share=0.6,
    market_bias=1.5, hit_edge=1.0, hit_rate_too_good=0.58, hit_rate_picks=500,
    error_below_market=0.3, result_correlation=0.12,
)  # fmt: skip
SEEDS = (0, 1, 2)


def players(seed: int = 0, rows: int = 120) -> Evidence:
    """Return predictions of a quantity, not in time order, with lines on four rows of five."""
    random = np.random.default_rng(seed)
    day = random.permutation(rows) // 10
    target = random.poisson(12, rows).astype(float)
    line = np.round(2 * random.normal(12, 4, rows)) / 2
    table = {
        "row_id": [f"r{number}" for number in range(rows)],
        "entity": [f"e{number % 17}" for number in range(rows)],
        "group": [f"g{number}" for number in day],
        "time": (pd.Timestamp("2026-01-01") + pd.to_timedelta(day, unit="D")).astype("datetime64[us]"),
        "target": target,
        "soft_label": np.where(random.random(rows) < 0.8, line, np.nan),
    }
    return _evidence(pd.DataFrame(table), line + random.normal(0, 3, rows))


def races(seed: int = 0, number: int = 40) -> Evidence:
    """Return predicted shares of races of five, some of them dead heats and some priced only partly by the market."""
    random = np.random.default_rng(seed)
    race = np.repeat(np.arange(number), 5)
    won = np.concatenate([np.eye(5)[place] for place in random.integers(0, 5, number)])
    won[:5] = (0.5, 0.5, 0, 0, 0)
    price = random.random(len(race))
    price[race == 3] = np.where(np.arange(5) == 1, np.nan, 0.3)
    table = {
        "row_id": [f"r{row}" for row in range(len(race))],
        "entity": [f"e{row}" for row in range(len(race))],
        "group": [f"g{one}" for one in race],
        "time": pd.Timestamp("2026-01-01 12:00") + pd.to_timedelta(7 * (number - race), unit="h"),
        "target": won,
        "soft_label": price,
    }
    p = random.dirichlet(np.ones(5), number)
    p[7] = (0.3, 0.3, 0.2, 0.1, 0.1)
    return _evidence(pd.DataFrame(table), p.ravel())


def _evidence(rows: pd.DataFrame, p: np.ndarray) -> Evidence:
    predictions = rows[["row_id", "group", "time", "target"]].assign(fold="test_0", tuned=p)
    folds = rows[["row_id", "group", "time", "target", "soft_label"]].assign(test_0="score")
    columns = [Column("soft_label", "number", "at_start", "the market")]
    return Evidence("any", predictions, rows, columns, rows[["row_id"]], folds, {}, {}, LIMITS, 0)


def _by_row(evidence: Evidence) -> dict[str, dict[str, float]]:
    found = {}
    asked, given = evidence.prepared, evidence.predictions["tuned"].tolist()
    for row, p, y, line in zip(
        asked["row_id"], given, asked["target"].tolist(), asked["soft_label"].tolist(), strict=True
    ):
        picked = abs(p - line) >= 1 and y != line  # no line makes both NaN: no pick
        found[row] = {
            "model": abs(p - y),
            "market": abs(line - y),
            "bias": p - y,
            "hit": float((p - line) * (y - line) > 0) if picked else np.nan,
            "tier": next((float(n) for least, n in ((5, 1), (3, 2), (1, 3)) if abs(p - line) >= least), np.nan),
        }
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_a_quantity_is_graded_row_by_row_as_a_plain_loop_grades_it(seed: int) -> None:
    evidence = players(seed)
    units = build_graded_units(evidence)
    assert units["day"].is_monotonic_increasing
    oracle = pd.DataFrame(_by_row(evidence)).T.loc[units["row_id"]].reset_index(drop=True).astype(float)
    pd.testing.assert_frame_equal(units[list(oracle)], oracle)
    assert units["entity"].tolist() == evidence.prepared.set_index("row_id")["entity"].loc[units["row_id"]].tolist()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_race_costs_what_its_winners_cost_and_its_favourites_share_their_wins(seed: int) -> None:
    evidence = races(seed)
    units = {unit["block"]: unit for unit in build_graded_units(evidence).to_dict("records")}
    rows = evidence.prepared.assign(p=evidence.predictions["tuned"])
    for race, field in rows.groupby("group"):
        unit = units[str(race)]
        assert unit["model"] == pytest.approx(-(field["target"] * np.log(field["p"])).sum())
        top = field[field["p"] == field["p"].max()]
        assert unit["hit"] == pytest.approx(top["target"].mean())
        assert unit["row_id"] == top["row_id"].iloc[0]
        priced = field["soft_label"].notna().all()
        share = field["soft_label"] / field["soft_label"].sum()
        expected = -(field["target"] * np.log(share)).sum() if priced else np.nan
        assert unit["market"] == pytest.approx(expected, nan_ok=True)
        led = field["target"].iloc[int(field["soft_label"].to_numpy().argmax())] if priced else np.nan
        assert unit["market_hit"] == pytest.approx(led, nan_ok=True)


def test_units_come_in_time_order_and_a_race_is_one_unit() -> None:
    evidence = races()
    units = build_graded_units(evidence)
    assert len(units) == 40
    times = evidence.prepared.set_index("row_id")["time"].loc[units["row_id"]]
    assert times.is_monotonic_increasing
    assert (units["day"].to_numpy() == times.dt.normalize().to_numpy()).all()


def test_the_columns_are_the_same_whatever_is_predicted_but_for_the_market_s_favourites() -> None:
    quantity, share = build_graded_units(players()), build_graded_units(races())
    assert list(share) == [*quantity, "market_hit"]
    assert quantity["day"].dtype == share["day"].dtype == "datetime64[ns]"
    evidence = players()
    unpredicted = replace(evidence, predictions=evidence.predictions.drop(columns="tuned"))
    assert list(build_graded_units(unpredicted)) == list(quantity)
    assert build_graded_units(unpredicted).empty


def test_a_row_predicted_twice_is_one_unit_and_a_task_without_edge_has_no_picks() -> None:
    evidence = players()
    again = replace(evidence, predictions=pd.concat([evidence.predictions, evidence.predictions[:7]]))
    pd.testing.assert_frame_equal(build_graded_units(again), build_graded_units(evidence))
    edgeless = replace(evidence, limits=LIMITS.model_copy(update={"hit_edge": None}))
    assert build_graded_units(edgeless)["hit"].isna().all()


def test_tiers_begin_at_their_bounds() -> None:
    found = assign_tiers(np.array([0.99, 1.0, -2.99, 3.0, -4.99, -5.0, np.nan]))
    np.testing.assert_array_equal(found, [np.nan, 3, 3, 2, 2, 1, np.nan])
