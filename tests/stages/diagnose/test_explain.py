"""Root causes: a planted fault is named, the parts sum to the change, and without a fault no cause is named."""

import json
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.diagnose.checks import root_cause
from stages.diagnose.root_cause.cause_scoring import CAUSES, CHANGE_PARTS, Settings
from stages.diagnose.root_cause.daily_panel import _estimate_entity_means
from stages.diagnose.root_cause.explain import CauseExplainer
from tests.stages.diagnose.test_graded_units import players
from trueline.core.splits.walk_forward import NO_CLOCK

DAYS, DAILY, LATE = 300, 60, 28
FIRST = pd.Timestamp("2025-01-01")
LAST = FIRST + pd.Timedelta(days=DAYS - 1)
SETTINGS = Settings(
    window_days=28, baseline_days=180, least_days=10, least_baseline_days=30, size=0.1, size_alone=0.3, bias_size=0.5,
    unsound_share=0.1, unsound_margin=0.1, twice_share=0.02, absent_share=0.1, missing_days=4, shift_share=0.1,
    errors=3.0, confidence=0.6, draws=100, population=["role"], lines=["line_origin"],
)  # fmt: skip
RIGHT = {
    "market sharper": "market_sharpness",
    "skill lost": "model_drift",
    "bias": "bias",
    "stale inputs": "data_quality",
    "leak": "leakage",
    "estimated lines": "line_mix",
    "lines of another time": "line_mix",
    "missing dates": "data_quality",
    "doubled rows": "data_quality",
    "other players": "population_mix",
    "outage": "no_data",
}
Made = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]
Quality = pd.Series | pd.DataFrame | None


def explain_window(
    units: pd.DataFrame,
    quality: Quality,
    segments: pd.DataFrame | None,
    end_day: pd.Timestamp,
    settings: Settings,
    seed: int,
) -> dict[str, Any]:
    return CauseExplainer(units, quality, segments, settings, seed).explain_window(end_day)


def explain_each_day(
    units: pd.DataFrame, quality: Quality, segments: pd.DataFrame | None, settings: Settings, seed: int
) -> pd.DataFrame:
    return CauseExplainer(units, quality, segments, settings, seed).explain_each_day()


def made(seed: int, fault: str = "nothing") -> Made:
    """Return units of 150 players on 300 days, quality and segments, with a moderate fault in the last 28 days."""
    random = np.random.default_rng(seed)
    rows = DAYS * DAILY
    day = np.repeat(np.arange(DAYS), DAILY)
    late = day >= DAYS - LATE
    usual = np.sort(random.gamma(4, 3.0, 150))
    player = np.concatenate([random.choice(150, DAILY, replace=False) for _ in range(DAYS)])
    if fault == "other players":
        player = np.where(late & (random.random(rows) < 0.4), random.integers(110, 150, rows), player)
    form = random.normal(0, 1.5, rows)
    mean = np.maximum(usual[player] + form + random.normal(0, 0.12, DAYS)[day], 0.5)
    actual = np.maximum(np.round(mean + (2 + 0.3 * mean) * random.normal(size=rows)), 0)
    prediction = usual[player] + 0.5 * form + random.normal(0, 1.2, rows)
    line = usual[player] + 0.7 * form + random.normal(0, 0.9, rows)
    origin = np.full(rows, "moved", dtype=object)
    unsound, kept = random.uniform(0, 0.05, rows), np.ones(rows, dtype=bool)
    if fault == "market sharper":
        line = np.where(late, line + 0.12 * (actual - line), line)
    elif fault == "skill lost":
        prediction = np.where(late, prediction + random.normal(0, 2.5, rows), prediction)
    elif fault == "skill lost with stars":
        prediction = np.where(late & (usual[player] > 17), prediction + random.normal(0, 8, rows), prediction)
    elif fault == "bias":
        prediction = prediction + 1.2 * late
    elif fault == "stale inputs":
        prediction, unsound = (
            np.where(late, prediction + random.normal(0, 2.0, rows), prediction),
            np.where(late, 0.9, unsound),
        )
    elif fault == "leak":
        prediction = np.where(day >= DAYS - 14, 0.65 * prediction + 0.35 * actual, prediction)
    elif fault == "estimated lines":
        other = late & (random.random(rows) < 0.4)
        line, origin = (
            np.where(other, usual[player] + random.normal(0, 2.6, rows), line),
            np.where(other, "made", origin),
        )
    elif fault == "lines of another time":
        line = np.where(late, usual[player] + 0.35 * form + random.normal(0, 1.8, rows), line)
    elif fault == "missing dates":
        kept = ~np.isin(day, DAYS - 1 - random.choice(np.arange(1, LATE), 8, replace=False))
    elif fault == "outage":
        kept = day < DAYS - 2
    row_id = np.array([f"r{number}" for number in range(rows)])
    dates = FIRST + pd.to_timedelta(day, unit="D")
    line = np.round(2 * line) / 2
    units = pd.DataFrame({
        "row_id": row_id, "entity": player, "block": day, "day": dates, "tier": np.nan,
        "model": np.abs(prediction - actual), "market": np.abs(line - actual), "bias": prediction - actual,
        "hit": np.nan, "prediction": prediction, "actual": actual,
    })  # fmt: skip
    quality = pd.DataFrame({"missing": unsound, "unpredicted": (~kept).astype(float), "day": dates}, index=row_id)
    role = pd.cut(usual[player], [0, 7, 12, 17, 99]).astype(str)
    segments = pd.DataFrame({"role": role, "line_origin": origin}, index=row_id)
    units = units[kept]
    if fault == "doubled rows":
        twice = units[(units["day"] > LAST - pd.Timedelta(days=LATE)) & (random.random(len(units)) < 0.1)]
        units = pd.concat([units, twice]).sort_values("day", kind="stable")
    return units.reset_index(drop=True), quality, segments


@cache
def healthy() -> Made:
    return made(0)


def test_planted_faults_are_named() -> None:
    named = {
        (fault, seed): explain_window(*made(100 * number + seed, fault), LAST, SETTINGS, 0)["cause"]
        for number, fault in enumerate(RIGHT)
        for seed in range(3)
    }
    wrong = {key: found for key, found in named.items() if found != RIGHT[key[0]]}
    assert len(wrong) <= 0.1 * len(named), wrong


def test_where_nothing_is_planted_nothing_is_named() -> None:
    named = [explain_window(*made(5000 + seed), LAST, SETTINGS, 0)["cause"] for seed in range(16)]
    assert sum(one not in ("none", "undecided") for one in named) <= 1, named


@pytest.mark.parametrize("fault", ["nothing", "market sharper", "estimated lines", "bias"])
def test_the_parts_sum_to_the_change_of_the_lead_over_the_market(fault: str) -> None:
    units, quality, segments = made(1, fault)
    found = explain_window(units, quality, segments, LAST, SETTINGS, 0)
    lead = units["model"] - units["market"]
    start = LAST - pd.Timedelta(days=SETTINGS.window_days)
    window = units["day"] > start
    base = ~window & (units["day"] > start - pd.Timedelta(days=SETTINGS.baseline_days))
    assert found["change"]["value"] == pytest.approx(lead[window].mean() - lead[base].mean())
    assert sum(part["value"] for part in found["parts"].values()) == pytest.approx(found["change"]["value"])
    assert {one["factor"] for one in found["factors"]} == set(CHANGE_PARTS)
    assert found["sentence"].count(".") >= 1
    assert found["change"]["low"] <= found["change"]["value"] <= found["change"]["high"]


@pytest.mark.parametrize(
    ("fault", "factor", "column", "level"),
    [
        ("skill lost with stars", "model", "role", "(17, 99]"),
        ("other players", "population", "role", "(17, 99]"),
        ("estimated lines", "lines", "line_origin", "made"),
    ],
)
def test_a_factor_says_in_which_level_of_which_column_it_is_found(
    fault: str, factor: str, column: str, level: str
) -> None:
    found = explain_window(*made(6, fault), LAST, SETTINGS, 0)
    (details,) = [one["details"] for one in found["factors"] if one["factor"] == factor]
    assert (details["column"], details["level"]) == (column, level)
    assert found["cause"] in ("none", "undecided") or f"where {column} is {level} (confidence" in found["sentence"]


def test_a_change_that_is_the_same_everywhere_is_found_nowhere() -> None:
    units, quality, segments = made(7)
    late = units["day"] > LAST - pd.Timedelta(days=LATE)
    found = explain_window(units.assign(model=units["model"] + 0.8 * late), quality, segments, LAST, SETTINGS, 0)
    assert found["cause"] == "model_drift"
    assert not any("column" in one["details"] for one in found["factors"] if one["factor"] == "model")


@pytest.mark.parametrize("stars_are", ["first", "last"])
@pytest.mark.parametrize("seed", range(4))
def test_of_two_levels_the_one_that_went_the_way_of_the_change_is_named(seed: int, stars_are: str) -> None:
    units, quality, segments = made(seed)
    star, other = ("a", "b") if stars_are == "first" else ("b", "a")
    segments = segments.assign(role=np.where(segments["role"] == "(17, 99]", star, other))
    late = (units["day"] > LAST - pd.Timedelta(days=LATE)).to_numpy()
    stars = (segments["role"].loc[units["row_id"]] == star).to_numpy()
    for sign, cause_named in ((1.0, "model_drift"), (-1.0, "leakage")):
        found = explain_window(
            units.assign(model=units["model"] + sign * late * (0.4 + 2.0 * stars)), quality, segments, LAST, SETTINGS, 0
        )
        assert (found["cause"], where_of(found, "model")) == (cause_named, ("role", star))


def test_a_prediction_moved_everywhere_alike_is_moved_nowhere_more() -> None:
    placed = [where_of(explain_window(*made(40 + seed, "bias"), LAST, SETTINGS, 0), "bias") for seed in range(12)]
    assert sum(place is not None for place in placed) <= 1, placed


def test_a_level_that_few_days_have_is_not_named() -> None:
    units, quality, segments = made(8)
    when = units["day"].isin([LAST - pd.Timedelta(days=ago) for ago in range(SETTINGS.least_days - 1)])
    some = (when & (np.random.default_rng(0).random(len(units)) < 0.5)).to_numpy()
    segments.loc[units["row_id"][some], "role"] = "seldom"
    found = explain_window(units.assign(model=units["model"] + 10.0 * some), quality, segments, LAST, SETTINGS, 0)
    assert where_of(found, "model") != ("role", "seldom")


def where_of(found: dict[str, Any], part: str) -> tuple[str, str] | None:
    """Return the column and level in which a part is located."""
    (details,) = [one["details"] for one in found["factors"] if one["factor"] == part]
    return (details["column"], details["level"]) if "column" in details else None


def test_the_baseline_never_includes_the_window_nor_reaches_beyond_its_days() -> None:
    units, quality, segments = healthy()
    before = units["day"] <= LAST - pd.Timedelta(days=SETTINGS.window_days + SETTINGS.baseline_days)
    spoilt = units.assign(model=units["model"].mask(before, 1000.0))
    one, other = (explain_window(table, quality, segments, LAST, SETTINGS, 0) for table in (units, spoilt))
    assert one["change"] == other["change"]


def test_every_day_gets_the_cause_that_is_asked_for_it_alone() -> None:
    units, quality, segments = made(2, "market sharper")
    days = explain_each_day(units, quality, segments, SETTINGS, 0)
    assert list(days) == ["primary_cause", "cause_confidence", "contributing_factors"]
    for on in (LAST, LAST - pd.Timedelta(days=40), FIRST + pd.Timedelta(days=3)):
        alone = explain_window(units, quality, segments, on, SETTINGS, 0)
        row = days.loc[on].to_dict()
        assert row["primary_cause"] == alone["cause"]
        assert json.loads(str(row["contributing_factors"])) == alone["factors"]
        assert row["cause_confidence"] == pytest.approx(alone["confidence"] or np.nan, nan_ok=True)
    assert set(days["primary_cause"]) <= {*CAUSES, "none", "undecided", "no_data"}
    pd.testing.assert_frame_equal(days, explain_each_day(units, quality, segments, SETTINGS, 0))


def test_a_day_without_units_is_no_data_and_an_outage_says_so() -> None:
    units, quality, segments = made(3, "outage")
    days = explain_each_day(units, quality, segments, SETTINGS, 0)
    assert days["primary_cause"].iloc[-1] == "no_data"
    assert np.isnan(days["cause_confidence"].iloc[-1])
    (factor,) = json.loads(days["contributing_factors"].iloc[-1])
    assert factor["details"]["unpredicted"] == DAILY
    assert explain_window(units.iloc[:0], None, None, LAST, SETTINGS, 0)["cause"] == "no_data"
    assert explain_each_day(units.iloc[:0], None, None, SETTINGS, 0).empty


def test_without_a_market_a_loss_of_skill_is_still_named_and_never_the_market() -> None:
    units, quality, segments = made(4, "skill lost")
    units = units.assign(market=np.nan, model=units["model"] + 0.5 * (units["day"] > LAST - pd.Timedelta(days=LATE)))
    found = explain_window(units, quality, segments, LAST, SETTINGS, 0)
    assert (found["cause"], found["against"]) == ("model_drift", "nothing")
    assert found["parts"]["market"]["value"] == 0


def test_missing_dates_are_seen_without_knowing_what_was_requested_but_one_break_is_not() -> None:
    units, _, segments = made(5, "missing dates")
    assert explain_window(units, None, segments, LAST, SETTINGS, 0)["cause"] == "data_quality"
    units, _, segments = made(5)
    ago = (LAST - units["day"]).dt.days
    assert explain_window(units[~ago.between(5, 11)], None, segments, LAST, SETTINGS, 0)["cause"] == "none"


def test_what_an_entity_usually_does_is_the_mean_of_strictly_earlier_days() -> None:
    units = healthy()[0].iloc[:600].reset_index(drop=True)
    usual = _estimate_entity_means(units)
    overall = units["actual"].iloc[:100].mean()
    for row in (0, 61, 250, 599):
        earlier = units[units["day"] < units["day"].iloc[row]]["actual"]
        own = units[(units["day"] < units["day"].iloc[row]) & (units["entity"] == units["entity"].iloc[row])]["actual"]
        everybody = (earlier.sum() + overall) / (len(earlier) + 1)
        assert usual[row] == pytest.approx((own.sum() + 5 * everybody) / (len(own) + 5))


def test_the_check_declines_without_a_clock_and_with_few_days() -> None:
    settings = root_cause.Settings(**SETTINGS.model_dump())
    evidence = players()
    assert root_cause.check(evidence, settings)["status"] == "declined"
    evidence.folds["time"] = NO_CLOCK
    assert "clock" in root_cause.check(evidence, settings)["summary"]
