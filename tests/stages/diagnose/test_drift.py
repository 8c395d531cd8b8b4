"""Drift: a series that left its reference is named with the row at which that was detected, and noise is not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from stages.diagnose.checks import drift, tag_drift
from stages.diagnose.units.evidence import Evidence
from stages.diagnose.units.time_bins import assign_steps, average_steps, find_monotone_columns
from tests.stages.diagnose.test_graded_units import LIMITS
from trueline.core.splits.walk_forward import NO_CLOCK
from trueline.core.tables.table_schema import Column

DAYS, DAILY = 150, 20
SETTINGS = drift.Settings(reference_share=0.4, false_alarms=0.05, block_steps=7, most_steps=400, draws=100)


def _table(seed: int, rows: int = 12_000) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame({"a": random.normal(5, 2, rows), "b": random.random(rows), "flat": np.full(rows, 0.4149)})


def scored(seed: int = 0) -> Evidence:
    """Return predictions of a quantity on 150 days with three inputs, one of them a count."""
    random = np.random.default_rng(seed)
    rows = DAYS * DAILY
    day = np.repeat(np.arange(DAYS), DAILY)
    level = random.normal(12, 4, rows)
    table = pd.DataFrame({
        "row_id": [f"r{number}" for number in range(rows)],
        "entity": [f"e{number % 50}" for number in range(rows)],
        "group": [f"g{number}" for number in day],
        "time": (pd.Timestamp("2026-01-01") + pd.to_timedelta(day, unit="D")).astype("datetime64[us]"),
        "target": level + random.normal(0, 5, rows),
        "soft_label": np.nan,
    })  # fmt: skip
    features = pd.DataFrame({
        "row_id": table["row_id"], "level": level, "other": random.normal(0, 1, rows),
        "games": day + random.random(rows),
    })  # fmt: skip
    predictions = table[["row_id", "group", "time", "target"]].assign(fold="test_0", tuned=level)
    folds = table[["row_id", "group", "time", "target", "soft_label"]].assign(test_0="score")
    columns = [Column("soft_label", "number", "at_start", "the market")]
    return Evidence("any", predictions, table, columns, features, folds, {}, {}, LIMITS, seed)


def _late(evidence: Evidence) -> np.ndarray:
    return np.arange(len(evidence.predictions)) >= 100 * DAILY


def test_columns_that_come_alive_are_named_within_a_step_and_the_others_are_not() -> None:
    for seed in range(5):
        table = _table(seed)
        table.loc[7424:, "flat"] += np.random.default_rng(seed).normal(0, 0.1, len(table) - 7424)
        (one,) = drift.detect_column_drift(table, None, SETTINGS, seed)["seen"]
        assert one["name"] == "flat"
        assert 7424 <= one["row"] <= 7424 + 60
        assert one["onset"] <= 7424


def test_a_table_in_which_nothing_changes_is_let_alone_about_as_often_as_asked() -> None:
    seen = sum(bool(drift.detect_column_drift(_table(seed), None, SETTINGS, seed)["seen"]) for seed in range(20))
    assert seen <= 4  # the rate is 5 %; five or more of 20 occur in one such run of 400


def test_rows_of_a_block_are_never_cut() -> None:
    block = pd.Series(np.repeat(np.arange(30), 7))
    step = assign_steps(block, len(block), 12)
    assert pd.Series(step).groupby(block).nunique().max() == 1
    assert step.max() < 12
    assert (np.diff(step) >= 0).all()
    values = np.arange(210.0)
    values[:21] = np.nan
    expected = pd.Series(values).groupby(step).mean().to_numpy()
    np.testing.assert_allclose(average_steps(values, step), expected)


def test_what_only_grows_is_told_from_what_moves() -> None:
    time = np.arange(100.0)
    noise = np.random.default_rng(0).normal(size=100)
    assert find_monotone_columns(
        np.column_stack([time + noise, noise, np.where(time < 70, 0.0, time)]), 60
    ).tolist() == [1, 0, 0]


def test_the_check_is_quiet_on_sound_evidence_and_lists_counts() -> None:
    alarms = [drift.check(scored(seed), SETTINGS) for seed in range(8)]
    assert sum(found["status"] == "warning" for found in alarms) <= 2
    assert all(found["details"]["growing"] == ["games"] for found in alarms)


def test_a_count_that_filled_up_before_and_during_the_reference_is_no_drift_but_a_count_that_jumps_is() -> None:
    evidence, random = scored(), np.random.default_rng(4)
    day = np.arange(DAYS * DAILY) // DAILY
    filling = np.minimum(day, 80) / 10 + random.uniform(0, 4, len(day))  # too noisy to be seen to grow in a few days
    scored_rows = day >= 50
    evidence.folds["test_0"] = np.where(scored_rows, "score", "fit")
    evidence = replace(evidence, predictions=evidence.predictions[scored_rows])
    evidence.features["starts"] = np.floor(filling)
    evidence.features["races"] = np.floor(random.uniform(0, 4, len(day)) + 3 * (day >= 110))
    finding = drift.check(evidence, SETTINGS)
    assert "starts" in finding["details"]["growing"]
    (change,) = [change for change in finding["details"]["seen"] if change["kind"] == "inputs"]
    assert change["name"] == "races"
    assert change["before"] == pytest.approx(1.5, abs=0.1)
    assert change["after"] > change["before"] + 1
    assert f"races ({change['before']:.3g} before, " in finding["summary"]


def test_a_newest_day_whose_results_are_not_all_in_is_left_out() -> None:
    evidence = scored()
    is_late = np.arange(len(evidence.predictions)) >= (DAYS - 1) * DAILY
    evidence.features["slot"] = np.tile(np.arange(DAILY), DAYS)
    predictions = evidence.predictions[~is_late | (evidence.features["slot"] < DAILY // 2)]
    assert drift.check(replace(evidence, predictions=predictions), SETTINGS)["status"] == "ok"


@pytest.mark.parametrize("what", ["other", "prediction", "signed error", "loss", "calibration slope"])
def test_each_kind_is_named_with_the_day_on_which_it_was_seen(what: str) -> None:
    evidence = scored()
    late, random = _late(evidence), np.random.default_rng(9)
    prediction = evidence.predictions["tuned"].to_numpy().copy()
    evidence.features.loc[late, "other"] += 1.5 * (what == "other")
    prediction[late] += {"prediction": 4.0, "signed error": 4.0}.get(what, 0.0)
    prediction[late] += random.normal(0, 9, int(late.sum())) * (what == "loss")
    prediction[late] += 1.5 * (prediction[late] - 12) * (what == "calibration slope")
    evidence.predictions["tuned"] = prediction
    found = drift.check(evidence, SETTINGS)
    assert found["status"] == "warning"
    one = next(one for one in found["details"]["seen"] if one["name"] == what)
    assert pd.Timestamp("2026-04-11") <= pd.Timestamp(one["day"]) <= pd.Timestamp("2026-05-05")
    assert one["since"] <= one["day"]


def test_the_check_declines_without_a_clock_and_with_few_days() -> None:
    evidence = scored()
    few = SETTINGS.model_copy(update={"block_steps": 40})
    assert drift.check(evidence, few)["status"] == "declined"
    evidence.folds["time"] = NO_CLOCK
    assert drift.check(evidence, SETTINGS)["status"] == "declined"


def _tagged(seed: int = 0, shift: float = 0.0, false: float = 0.0, clock: bool = True) -> Evidence:
    random = np.random.default_rng(seed)
    evidence = scored(seed)
    late = _late(evidence)
    chance = np.clip(random.beta(2, 2, len(late)) + shift * late, 0.02, 0.98)
    tags = {"target:art": (random.random(len(late)) < chance).astype(float)}
    probability = np.where(late, (1 - false) * chance + false * random.random(len(late)), chance)
    prepared = evidence.prepared.assign(**tags)
    if not clock:
        prepared["time"] = NO_CLOCK
    given = evidence.predictions[["row_id", "time"]].assign(fold="test_0", **{"tuned:art": probability})
    return Evidence("tags", given, prepared, [], evidence.features, evidence.folds, {}, {}, LIMITS, seed)


TAG_SETTINGS = tag_drift.Settings(**SETTINGS.model_dump())


def test_tags_that_come_more_often_are_named_and_so_is_a_promise_that_is_not_kept() -> None:
    found = tag_drift.check(_tagged(shift=0.25), TAG_SETTINGS)
    assert {one["kind"] for one in found["details"]["seen"]} >= {"tags", "predictions"}
    found = tag_drift.check(_tagged(false=1.0), TAG_SETTINGS)
    assert "promise" in {one["kind"] for one in found["details"]["seen"]}
    quiet = [tag_drift.check(_tagged(seed), TAG_SETTINGS)["status"] for seed in range(8)]
    assert quiet.count("warning") <= 2


@pytest.mark.parametrize("news", [False, True])
def test_texts_that_come_to_speak_of_other_things_are_named(news: bool) -> None:
    evidence, random = _tagged(), np.random.default_rng(3)
    late = _late(evidence)
    after = set(evidence.predictions.loc[late, "row_id"]) if news else set()
    spoken = [
        " ".join(random.choice([f"word{n}" for n in range(300 if row in after else 150)], 20))
        for row in evidence.features["row_id"]
    ]
    evidence.features["text"] = spoken
    evidence = replace(evidence, predictions=evidence.predictions.iloc[30 * DAILY :])
    seen = tag_drift.check(evidence, TAG_SETTINGS)["details"]["seen"]
    assert ("unheard words" in {one["name"] for one in seen}) == news


def test_tag_drift_declines_without_a_clock_and_without_tags() -> None:
    assert "clock" in tag_drift.check(_tagged(clock=False), TAG_SETTINGS)["summary"]
    assert tag_drift.check(scored(), TAG_SETTINGS)["status"] == "declined"
