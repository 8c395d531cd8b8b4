"""The gap report on simulated logs: no cause if nothing is wrong, and every planted fault by its name."""

import os
from dataclasses import asdict
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from stages.diagnose.checks import gap
from stages.prepare import box_scores, props
from tests.pipeline_copy import ROOT
from trueline.core.errors import UserError
from trueline.core.runtime.params import expand_params
from trueline.core.scorer_description import load_description

REAL = os.environ.get("TRUELINE_REAL_DATA", "")
needs_real = pytest.mark.skipif(not REAL, reason="TRUELINE_REAL_DATA names no folder of real tables")
PARAMETERS: dict[str, Any] = {
    "edge": 1.0, "same_models": ["m"], "segments": ["role"], "tolerance": 0.05, "equal_share": 0.99,
    "start_hour": 16.0, "end_hour": 29.0, "batch_hours": 6.0, "batch_days": 3, "batch_share": 0.1,
    "estimated_share": 0.02, "common_share": 0.5, "shift_size": 1.0, "shift_errors": 5.0,
    "too_good": 0.58, "too_good_picks": 500, "ahead": 0.3,
}  # fmt: skip
SETTINGS = gap.Settings(**PARAMETERS)
MEASURE: Any = load_description("market").gap
REPORT = {"gap_measure": asdict(MEASURE)}
DAYS, DAILY = 160, 30
NOISE = 1.5  # SD of a model's error about the truth, in points
MORNING = pd.Timedelta(hours=15)  # UTC, when an honest log predicts

Report = dict[str, Any]


def healthy(seed: int = 0, days: int = DAYS) -> pd.DataFrame:
    """Return a log in which production is the backtest's own model, served on the same rows against the same lines."""
    random = np.random.default_rng(seed)
    n = days * DAILY
    day = pd.Series(pd.Timestamp("2025-01-01") + pd.to_timedelta(np.arange(n) // DAILY, unit="D"))
    true = random.gamma(6, 2.5, n)
    line = np.floor(true + random.normal(0, 1, n)) + 0.5 * (random.random(n) < 0.7)
    predicted = (true + random.normal(0, NOISE, n)).round(2)
    return pd.DataFrame(
        {
            "true": true,  # the report does not know this column
            "entity": [f"p{number}" for number in np.arange(n) % DAILY],
            "day": day,
            "target": np.rint(np.maximum(true + random.normal(0, 5, n), 0)),
            "backtest": predicted,
            "backtest_line": line,
            "production": predicted,
            "production_line": line,
            "production_line_type": "actual",
            "production_model": "m",
            "production_at": day + MORNING,
            "role": random.choice(["star", "bench"], n),
        }
    )


def other_model(rows: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Return the log of another model, as good as the backtest's."""
    random = np.random.default_rng(seed + 999)
    honest = rows["true"] + random.normal(0, NOISE, len(rows))
    return rows.assign(production=honest, production_model="another")


def during(rows: pd.DataFrame, first: int, last: int) -> pd.Series:
    """Return True for the rows of some days, counted from 0, both ends included."""
    within: pd.Series = (rows["day"] - rows["day"].min()).dt.days.between(first, last)
    return within


def report_of(rows: pd.DataFrame, seed: int = 1, **changes: Any) -> Report:
    return gap.build_gap_report(rows, gap.Settings(**PARAMETERS | changes), seed, MEASURE)


# ------------------------------------------------------------------------------------------------ nothing is wrong


def test_a_log_of_the_same_model_on_the_same_rows_is_comparable_and_without_a_gap() -> None:
    report = report_of(healthy())
    assert report["verdict"] == {"verdict": "comparable", "reasons": [], "too_good": False}
    assert report["gap"]["hit_rate"]["value"] == 0
    assert report["main_cause"]["verdict"] == "none"
    assert (report["equality"]["same_model"], report["equality"]["equal"]) == (True, 1.0)
    assert report["creation"]["late"] is None
    assert not report["stretches"]
    assert report["dates"]["missing"] == 0


def test_a_model_as_good_as_the_backtests_is_blamed_for_nothing() -> None:
    found = [report_of(other_model(healthy(seed), seed)) for seed in range(12)]
    assert sum(report["main_cause"]["verdict"] != "named" for report in found) >= 11
    assert all(report["stretches"] == [] for report in found)
    assert all(report["verdict"]["verdict"] == "comparable" for report in found)


@pytest.mark.parametrize("share", [0.35, 1.0])
def test_a_log_that_holds_the_outcome_is_not_comparable_however_early_it_says_it_was_made(share: float) -> None:
    rows = healthy(5)
    report = report_of(rows.assign(production=(1 - share) * rows["production"] + share * rows["target"]))
    assert report["verdict"]["verdict"] == "not comparable"
    assert report["verdict"]["too_good"]
    assert "look for the outcome in them" in report["verdict"]["reasons"][0]


def test_a_model_that_is_clearly_worse_makes_the_backtest_a_ranking_only() -> None:
    rows = healthy(6)
    worse = rows["true"] + np.random.default_rng(7).normal(0, 5, len(rows))
    report = report_of(rows.assign(production=worse, production_model="another"))
    assert report["verdict"]["verdict"] == "relative only"
    assert report["verdict"]["reasons"][0].startswith(
        "the predictions, which are not the backtest's, move the hit rate"
    )


@pytest.mark.parametrize("seed", range(6))
def test_any_eight_days_left_out_of_the_log_are_within_noise(seed: int) -> None:
    rows = healthy(seed)
    eight = np.random.default_rng(seed).choice(rows["day"].unique(), 8, replace=False)
    lost = rows.assign(production=rows["production"].mask(rows["day"].isin(eight)))
    report = report_of(lost)
    assert report["dates"]["missing"] in (7, 8)  # a day lost at either end is not between others
    assert not (report["dates"]["effect"] or {"matters": False})["matters"]
    assert report["main_cause"]["verdict"] == "none"
    assert report["verdict"]["verdict"] == "comparable"
    assert not gap.drop_days(rows, [str(day) for day in eight], SETTINGS, 1, MEASURE)["matters"]


def test_even_the_eight_luckiest_days_are_within_noise_and_half_of_a_lucky_season_is_not() -> None:
    rows = healthy(3)
    won = np.sign(rows["production"] - rows["production_line"]) == np.sign(rows["target"] - rows["production_line"])
    luck = won.groupby(rows["day"]).mean().sort_values(ascending=False)
    found = gap.drop_days(rows, [str(day) for day in luck.index[:8]], SETTINGS, 1, MEASURE)
    assert found["days"] == 8
    assert found["lift"]["value"] > 0
    assert not found["matters"]
    half = gap.drop_days(rows, [str(day) for day in luck.index[: DAYS // 2]], SETTINGS, 1, MEASURE)
    assert half["matters"]
    assert half["hit_rate"]["value"] > half["without"]["value"]


# ------------------------------------------------------------------------------------- the gap is what its parts are


def mess(seed: int, days: int = 8) -> pd.DataFrame:
    """Return rows with everything that may differ between the sides, missing values and repeated rows among them."""
    random = np.random.default_rng(seed)
    rows = healthy(seed, days)
    n = len(rows)
    for name in ("backtest", "backtest_line", "production", "production_line", "target"):
        rows[name] = rows[name].mask(random.random(n) < 0.15)
    rows["production"] += random.normal(0, 2, n)
    rows["production_line"] += random.choice([-1.0, 0.0, 0.5], n)
    for side in ("backtest", "production"):
        if random.random() < 0.7:
            estimated = pd.Series(random.random(n) < 0.3)
            rows[f"{side}_line_type"] = np.where(estimated, "estimated", "actual")
            rows[f"{side}_line"] += estimated * random.normal(0, 3, n)
    rows["production"] = rows["production"].mask(during(rows, 2, 3))
    rows["backtest"] = rows["backtest"].mask(during(rows, 5, 5))
    if random.random() < 0.3:
        rows["production_pick"] = random.choice([-1, 0, 1], n)
    return rows


@examples(deadline=None, max_examples=25)
@given(st.integers(0, 9999))
def test_the_parts_add_up_to_the_gap(seed: int) -> None:
    rows = mess(seed)
    again = rows.sample(20, random_state=seed).assign(production_at=lambda some: some["production_at"] - MORNING)
    report = report_of(pd.concat([rows, again]))
    assert abs(report["residual"]) < 1e-9
    parts = sum(part["value"] for part in report["contributions"].values())
    assert parts == pytest.approx(report["gap"]["hit_rate"]["value"], abs=1e-9)
    assert sum(step["contribution"] for step in report["waterfall"]) == pytest.approx(parts, abs=1e-12)
    rates = [step["hit_rate"]["value"] for step in report["chain"]]
    assert rates[-1] - rates[0] == pytest.approx(report["gap"]["hit_rate"]["value"], abs=1e-12)


def rate_under(rows: list[Report], mixed: frozenset[str], alone: frozenset[str], which: str) -> float:
    """Return the hit rate, graded row by row, of the common rows and, optionally, those that one side alone grades."""
    won = lost = 0
    for row in rows:
        common = row["b_graded"] and row["p_graded"]
        theirs = mixed if common else alone
        if not common and not (row["p_graded"] if which == "production" else row["b_graded"] and which == "backtest"):
            continue
        if common:
            swap = "line_type" if row["types_differ"] else "line_timing"
            line = row["p_line"] if swap in theirs else row["b_line"]
            predicted = row["p"] if "predictions" in theirs else row["b"]
        else:
            own, other = ("p", "b") if which == "production" else ("b", "p")
            kept = theirs if which == "production" else {"dates", "players", "line_type"} - theirs
            strange = row[f"{own}_estimated"] and not row[f"{other}_accepts"]
            excused = strange and row[other] is not None
            reason = "dates" if not row[f"{other}_day"] else None if excused else "players"
            if reason is not None and reason not in kept:
                continue
            line, predicted = row[f"{own}_line"], row[own]
            if strange and "line_type" not in kept:
                line = None if row[f"{other}_estimated"] else row[f"{other}_line"]
        if line is None or abs(predicted - line) < 1.0 or row["target"] == line:
            continue
        hit = (predicted > line) == (row["target"] > line)
        won, lost = won + hit, lost + (not hit)
    return won / (won + lost)


def listed(rows: pd.DataFrame) -> list[Report]:
    """Return rows one by one, with None for what is missing."""
    plain = []
    for row in rows.to_dict("records"):
        entry: Report = {"day": row["day"], "target": None if pd.isna(row["target"]) else row["target"]}
        for short, side in (("b", "backtest"), ("p", "production")):
            entry[short] = None if pd.isna(row[side]) else row[side]
            entry[f"{short}_line"] = None if pd.isna(row[f"{side}_line"]) else row[f"{side}_line"]
            kind = row.get(f"{side}_line_type", "actual")
            entry[f"{short}_estimated"] = kind == "estimated" and entry[f"{short}_line"] is not None
            entry[f"{short}_graded"] = None not in (entry[short], entry[f"{short}_line"], entry["target"])
        entry["types_differ"] = entry["b_estimated"] != entry["p_estimated"]
        plain.append(entry)
    for short in ("b", "p"):
        days = {row["day"] for row in plain if row[short] is not None}
        accepts = any(row[f"{short}_estimated"] and row[f"{short}_graded"] for row in plain)
        for entry in plain:
            entry[f"{short}_day"], entry[f"{short}_accepts"] = entry["day"] in days, accepts
    return plain


@pytest.mark.parametrize("seed", range(8))
def test_contributions_are_those_of_grading_row_by_row_in_every_order(seed: int) -> None:
    rows = mess(seed).drop(columns="production_pick", errors="ignore")
    plain, everything = listed(rows), frozenset({"predictions", "line_timing", "line_type"})
    found = dict.fromkeys(("predictions", "line_timing", "line_type", "dates", "players"), 0.0)
    for causes, which in (
        (everything, ""),
        (frozenset({"line_type", "dates", "players"}), "backtest"),
        (frozenset({"line_type", "dates", "players"}), "production"),
    ):
        orders = list(permutations(sorted(causes)))
        for order in orders:
            for place, cause in enumerate(order):
                before, after = frozenset(order[:place]), frozenset(order[: place + 1])
                # rows of one side are added to common rows that are graded as that side grades them
                fixed = {"": (before, after), "backtest": (frozenset(), frozenset()), "production": (everything,) * 2}
                first, second = (
                    rate_under(plain, mixed, alone, which)
                    for mixed, alone in zip(fixed[which], (before, after), strict=True)
                )
                found[cause] += (second - first) / len(orders)
    for cause, part in report_of(rows)["contributions"].items():
        assert part["value"] == pytest.approx(found.get(cause, 0.0), abs=1e-12), cause


def test_the_order_of_the_rows_does_not_matter() -> None:
    rows = other_model(healthy(2, 60))
    one, other = report_of(rows), report_of(rows.sample(frac=1, random_state=0))
    assert one["contributions"] == other["contributions"]
    assert one["verdict"] == other["verdict"]


# ------------------------------------------------------------------------------------------------ planted faults


def test_estimated_lines_are_named_as_the_type_of_line() -> None:
    rows = other_model(healthy(1))
    some = np.random.default_rng(0).random(len(rows)) < 0.5
    stale = np.round(2 * rows["target"].groupby(rows["entity"]).transform("mean")) / 2
    mixed = rows.assign(
        production_line=rows["production_line"].mask(some, stale),
        production_line_type=np.where(some, "estimated", "actual"),
    )
    report = report_of(mixed)
    assert report["main_cause"]["name"] == "line_type"
    assert report["verdict"]["verdict"] == "not comparable"
    assert "50% of production's lines are estimated" in report["verdict"]["reasons"][0]
    assert report["lines"]["estimated_minus_actual"]["low"] > 0
    same = gap.compare_as_graded(mixed, SETTINGS, 1, MEASURE)
    assert same["main_cause"]["name"] == "line_type"
    others = [part["value"] for cause, part in same["contributions"].items() if cause != "line_type"]
    assert others == pytest.approx([0.0] * 5)


def test_rows_without_a_real_line_are_the_fault_of_the_type_not_of_the_players() -> None:
    rows = other_model(healthy(1))
    some = np.random.default_rng(0).random(len(rows)) < 0.4
    stale = np.round(2 * rows["target"].groupby(rows["entity"]).transform("mean")) / 2
    mixed = rows.assign(
        backtest_line=rows["backtest_line"].mask(some),
        production_line=rows["production_line"].mask(some, stale),
        production_line_type=np.where(some, "estimated", "actual"),
    )
    report = report_of(mixed)
    assert report["main_cause"]["name"] == "line_type"
    assert report["contributions"]["players"]["value"] == 0
    untold = report_of(mixed.drop(columns="production_line_type"))
    assert untold["contributions"] == report["contributions"]
    assert untold["lines"]["untold"] == 1.0


def test_earlier_lines_are_named_as_the_lines_timing() -> None:
    rows = healthy(4)
    before_the_news = rows["production_line"] + np.random.default_rng(0).choice([-2.0, 0.0, 2.0], len(rows))
    report = report_of(rows.assign(production_line=before_the_news))
    assert report["main_cause"]["name"] == "line_timing"
    assert report["verdict"]["verdict"] == "relative only"
    assert report["lines"]["against_real"]["actual"]["differ"] == pytest.approx(2 / 3, abs=0.03)


def test_a_backfill_that_knew_the_results_fails_and_is_named_with_its_rates() -> None:
    rows = other_model(healthy(5))
    filled = during(rows, 40, 53)
    knowing = 0.65 * rows["production"] + 0.35 * rows["target"]
    made = rows["production_at"].mask(filled, pd.Timestamp("2025-03-01 09:00"))
    rows = rows.assign(production=rows["production"].mask(filled, knowing), production_at=made)
    report = report_of(rows)
    late = report["creation"]["late"]
    assert (late["rows"], late["days"]) == (14 * DAILY, 14)
    assert (late["first_day"], late["last_day"]) == ("2025-02-10", "2025-02-23")
    assert late["hit_rate"]["low"] > 0.7 > late["without"]["high"]
    assert "were made after their games" in report["verdict"]["reasons"][0]
    assert report["creation"]["batches"][0]["late"] == 1.0
    assert report["main_cause"]["name"] == "predictions"
    assert report["like_for_like"]["gap"]["low"] < 0 < report["like_for_like"]["gap"]["high"]
    best = max(report["stretches"], key=lambda one: one["errors"])
    assert (best["measure"], best["first"], best["last"]) == ("error", "2025-02-10", "2025-02-23")
    assert ask(rows)["status"] == "failed"


def test_an_input_at_its_default_is_found_as_a_stretch_of_days() -> None:
    for seed in range(4):
        rows = other_model(healthy(seed), seed)
        shifted = rows.assign(production=rows["production"] + 3 * during(rows, 60, 69))
        found = [one for one in report_of(shifted)["stretches"] if one["measure"] == "bias"]
        assert [(one["first"], one["last"]) for one in found] == [("2025-03-02", "2025-03-11")]
        assert found[0]["off"] == pytest.approx(3, abs=0.3)


def test_an_outage_is_named_and_its_effect_is_reported() -> None:
    rows = healthy(6)
    out = rows.assign(production=rows["production"].mask(during(rows, 50, 53) | during(rows, 90, 90)))
    dates = report_of(out)["dates"]
    assert (dates["missing"], dates["days"]) == (5, DAYS)
    assert dates["runs"] == [{"first": "2025-02-20", "last": "2025-02-23", "days": 4}]
    assert not dates["effect"]["matters"]


def test_days_on_which_only_one_side_won_are_named_as_the_days() -> None:
    rows = healthy(7)
    easy = during(rows, 0, 79)
    sure = rows["target"] + np.where(rows["target"] >= rows["backtest_line"], 2.0, -2.0)
    rows = rows.assign(backtest=rows["backtest"].mask(easy, sure), production=rows["production"].mask(easy))
    report = report_of(rows)
    assert report["main_cause"]["name"] == "dates"
    only = report["production_only"]
    assert only["served"]["rows"] == len(rows) // 2
    assert only["served_minus_all"]["high"] < 0


def test_players_that_only_one_side_has_are_named_as_the_players() -> None:
    rows = healthy(7)
    easy = rows["entity"].isin([f"p{number}" for number in range(15)])
    sure = rows["target"] + np.where(rows["target"] >= rows["backtest_line"], 2.0, -2.0)
    rows = rows.assign(backtest=rows["backtest"].mask(easy, sure), production=rows["production"].mask(easy))
    report = report_of(rows)
    assert report["main_cause"]["name"] == "players"
    assert report["contributions"]["dates"]["value"] == 0


def test_pushes_counted_as_lost_and_rows_counted_twice_are_grading() -> None:
    rows = healthy(8)
    ahead = rows["production"] - rows["production_line"]
    beyond = rows["target"] - rows["production_line"]
    result = (np.sign(ahead) == np.sign(beyond)).astype(float).where(ahead.abs() >= 1)
    own = report_of(rows.assign(production_result=result))
    assert own["contributions"]["grading"]["value"] < 0
    assert own["gap"]["hit_rate"]["value"] == own["contributions"]["grading"]["value"]
    assert own["main_cause"]["name"] == "grading"
    won = rows[(ahead.abs() >= 1) & (np.sign(ahead) == np.sign(beyond))]
    twice = pd.concat([rows, won.iloc[::4].assign(production_at=won["production_at"] - MORNING)])
    found = report_of(twice)
    assert found["contributions"]["grading"]["value"] > 0
    assert found["gap"]["hit_rate_by_equal_rules"]["value"] == 0


def test_the_newest_of_several_predictions_counts() -> None:
    rows = healthy(9, 40)
    older = rows.assign(production=rows["production"] + 9, production_at=rows["production_at"] - MORNING)
    one, other = report_of(rows), report_of(pd.concat([rows, older]))
    assert one["sides"] == other["sides"]


def test_a_batch_of_many_days_made_in_time_is_a_warning_and_a_daily_log_is_none() -> None:
    rows = other_model(healthy(10))
    ahead = rows.assign(production_at=rows["production_at"].mask(during(rows, 20, 59), pd.Timestamp("2025-01-20")))
    found = ask(ahead)
    batch = found["details"]["creation"]["batches"][0]
    assert (batch["days"], batch["concentrated"], batch["late"]) == (40, True, 0.0)
    assert found["status"] == "warning"
    assert ask(rows)["status"] == "ok"
    assert not ask(rows)["details"]["creation"]["batches"]


def test_a_start_settles_what_was_late_and_without_one_only_the_next_day_does() -> None:
    rows = healthy(11, 60)
    evening = rows.assign(production_at=rows["day"] + pd.Timedelta(hours=23))
    creation = report_of(evening)["creation"]
    assert (creation["late"], creation["perhaps_late"]) == (None, len(rows))
    begun = evening.assign(start_time=rows["day"] + pd.Timedelta(hours=22))
    creation = report_of(begun)["creation"]
    assert (creation["late"]["rows"], creation["perhaps_late"]) == (len(rows), 0)
    tomorrow = report_of(evening.assign(production_at=rows["day"] + pd.Timedelta(hours=30)))["creation"]
    assert tomorrow["late"]["rows"] == len(rows)


def test_the_same_model_that_says_something_else_is_found_with_the_days_and_parts_where_it_does() -> None:
    rows = healthy(12)
    other = during(rows, 30, 34) & rows["role"].eq("bench")
    report = report_of(rows.assign(production=rows["production"] + 0.8 * other))
    same = report["equality"]
    assert same["equal"] == pytest.approx(1 - other.mean())
    assert {one["day"] for one in same["days"]} == {f"2025-01-{31}", *(f"2025-02-0{day}" for day in range(1, 5))}
    assert (same["segments"][0]["column"], same["segments"][0]["level"]) == ("role", "bench")
    assert report["verdict"]["verdict"] == "relative only"
    assert "the same model predicts the same" in report["verdict"]["reasons"][0]


def test_sides_that_share_no_row_are_not_comparable_and_have_no_parts() -> None:
    rows = healthy(13, 80)
    early = during(rows, 0, 39)
    apart = rows.assign(backtest=rows["backtest"].mask(early), production=rows["production"].mask(~early))
    report = report_of(apart)
    assert report["verdict"]["verdict"] == "not comparable"
    assert report["main_cause"]["verdict"] == "undecided"
    assert all(part["value"] is None for cause, part in report["contributions"].items() if cause != "grading")
    assert gap.format_sentences(report)


def test_a_column_that_is_missing_is_rejected() -> None:
    with pytest.raises(UserError, match="no column 'production_line'"):
        report_of(healthy(0, 3).drop(columns="production_line"))


# ------------------------------------------------------------------------------------------------------ the check


def evidence_of(rows: pd.DataFrame) -> Any:
    """Return evidence with the rows as the pipeline would write them."""
    row_id = rows["entity"] + ":" + rows["day"].dt.strftime("%Y-%m-%d")
    names = {"day": "time", "backtest_line": "soft_label"}
    prepared = rows.drop(columns="backtest").rename(columns=names).assign(row_id=row_id)
    predictions = pd.DataFrame({"row_id": row_id, "tuned": rows["backtest"]}).dropna()
    return SimpleNamespace(
        prepared=prepared, predictions=predictions.sample(frac=1, random_state=0), seed=1, task="props", report=REPORT
    )


def ask(rows: pd.DataFrame) -> Any:
    return gap.check(evidence_of(rows), SETTINGS)


def test_the_check_sees_what_the_function_sees() -> None:
    rows = other_model(healthy(14))
    rows.loc[during(rows, 0, 9), "backtest"] = np.nan
    found, report = ask(rows), report_of(rows)
    for name in ("contributions", "sides", "equality", "dates", "creation", "verdict"):
        assert found["details"][name] == report[name], name


def test_without_a_log_or_a_graded_row_the_check_declines() -> None:
    rows = healthy(15, 40)
    bare = evidence_of(rows)
    bare.prepared = bare.prepared.drop(columns=[name for name in bare.prepared if name.startswith("production")])
    assert gap.check(bare, SETTINGS)["status"] == "declined"
    assert "no production log" in gap.check(bare, SETTINGS)["summary"]
    silent = ask(rows.assign(production=np.nan))
    assert silent["status"] == "declined"
    for name in ("backtest", "production_line"):
        found = ask(rows.assign(**{name: np.nan}))
        assert (found["status"], "no row with" in found["summary"]) == ("declined", True)


@pytest.fixture(scope="module")
def sample() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the sample's prepared rows and its raw log; a player's usual points stand for the backtest."""
    raw = box_scores.read(str(ROOT / "data/sample/props"))
    parameters = expand_params(yaml.safe_load((ROOT / "params.yaml").read_text()))["prepare"]["props"]
    return props.prepare(raw, props.Settings(**parameters))[0], raw["production"]


def test_every_fault_of_the_samples_log_is_found(sample: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    prepared, _ = sample
    rows = prepared[prepared["season"] == "2023-24"]
    evidence: Any = SimpleNamespace(
        prepared=prepared, predictions=rows.assign(tuned=rows["usual"]), seed=1, task="props", report=REPORT
    )
    found = gap.check(evidence, SETTINGS)
    report = found["details"]
    assert found["status"] == "failed"
    late = report["creation"]["late"]
    assert (late["first_day"], late["last_day"], late["made_from"]) == ("2023-11-18", "2023-12-01", "2023-12-04 09:00")
    assert late["hit_rate"]["low"] > 0.8
    assert late["without"]["high"] < 0.6
    assert ("2023-12-09", "2023-12-18") in [(one["first"], one["last"]) for one in report["stretches"]]
    assert {"first": "2023-12-24", "last": "2023-12-27", "days": 4} in report["dates"]["runs"]
    assert [(one["first"], one["last"]) for one in report["lines"]["stretches"]] == [("2024-01-04", "2024-01-13")]
    assert report["as_graded"]["main_cause"]["name"] == "line_type"
    assert report["verdict"]["verdict"] == "not comparable"
    assert any("made after their games" in sentence for sentence in gap.format_sentences(report))


def test_rows_that_the_sample_logged_twice_are_grading(sample: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    prepared, log = sample
    names = {"player_id": "entity", "date": "day", "predicted": "production", "line": "production_line"}
    log = log.rename(columns=names | {"created_at": "production_at", "line_type": "production_line_type"})
    backtest_rows = prepared.rename(columns={"time": "day", "soft_label": "backtest_line"})
    backtest_rows = backtest_rows.assign(backtest=backtest_rows["usual"])[
        ["entity", "day", "target", "backtest", "backtest_line"]
    ]
    log["entity"] = log["entity"].astype(str)
    rows = log.merge(backtest_rows, on=["entity", "day"])
    report = report_of(rows)
    assert report["rows"]["repeated"] == len(rows) - report["rows"]["production"] == 20
    assert any(
        sentence.startswith("20 rows of the log repeat a player and day") for sentence in gap.format_sentences(report)
    )
    assert report["contributions"]["grading"]["value"] != 0
    once = rows.sort_values("production_at").drop_duplicates(["entity", "day"], keep="last").sort_index()
    assert report["sides"] == report_of(once)["sides"]


def test_the_report_is_given_in_sentences_and_points() -> None:
    sentences = gap.format_sentences(report_of(other_model(healthy(16))))
    assert sentences[0].startswith("Comparable: the backtest hits ")
    assert all(sentence.endswith(".") and "nan" not in sentence and "None," not in sentence for sentence in sentences)


# ------------------------------------------------------------------------------------------------------ real tables


@needs_real
def test_following_the_move_of_real_totals_shows_the_timing_of_lines() -> None:
    games = pd.read_parquet(Path(REAL) / "game_totals/nba_2007_2022.parquet")
    moved = np.sign(games["total_close"] - games["total_open"])
    rows = pd.DataFrame(
        {
            "entity": games["game_id"],
            "day": games["game_date"],
            "target": games["total_actual"],
            "backtest": games["total_close"],
            "backtest_line": games["total_open"],
            "backtest_pick": moved,
            "production": games["total_close"],
            "production_line": games["total_close"],
            "production_pick": moved,
        }
    )
    report = report_of(rows)
    assert report["sides"]["backtest"]["hit_rate"]["value"] == pytest.approx(0.5605, abs=0.00005)
    assert report["sides"]["production"]["hit_rate"]["value"] == pytest.approx(0.5084, abs=0.00005)
    assert report["main_cause"]["name"] == "line_timing"


@needs_real
def test_a_real_log_gains_its_rate_from_estimated_lines_and_loses_nothing_with_eight_days() -> None:
    folder = Path(REAL) / "props"
    games, log = (pd.read_parquet(folder / f"{name}.parquet") for name in ("games", "production"))
    rows = log.merge(games[["player_id", "date", "points"]], on=["player_id", "date"])
    rows = rows.rename(columns={"player_id": "entity", "date": "day", "points": "target", "predicted": "production"})
    rows = rows.rename(columns={"line": "production_line", "line_type": "production_line_type"})
    real = rows["production_line"].where(rows["production_line_type"] == "actual")
    rows = rows.assign(backtest=rows["production"], backtest_line=real)
    report = gap.compare_as_graded(rows, gap.Settings(**PARAMETERS | {"edge": 1e-9}), 1, MEASURE)
    rates = {side: found["hit_rate"]["value"] for side, found in report["sides"].items()}
    assert rates == {"backtest": pytest.approx(0.511, abs=0.002), "production": pytest.approx(0.57, abs=0.002)}
    assert report["main_cause"]["name"] == "line_type"
    assert report["contributions"]["line_type"]["low"] > 0.04
    actual, random = rows[real.notna()], np.random.default_rng(0)
    for _ in range(3):
        eight = random.choice(actual["day"].unique(), 8, replace=False)
        assert not gap.drop_days(actual, [str(day) for day in eight], SETTINGS, 1, MEASURE)["matters"]
