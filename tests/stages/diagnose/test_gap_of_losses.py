"""The gap report of races and of tags, which have a log loss and no lines, in the same words as that of bets."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from stages.diagnose.checks import gap
from tests.pipeline_copy import ROOT
from trueline.core.runtime.params import expand_params, parse_settings
from trueline.core.scorer_description import load_description

PARAMS = expand_params(yaml.safe_load((ROOT / "params.yaml").read_text()))
TASKS = {"racing": "race", "events": "tags"}
DAYS, RACES, RUNNERS = 60, 6, 5

Report = dict[str, Any]


def make_races(seed: int) -> pd.DataFrame:
    """Return a log of shares that is the backtest's own; each race has one winner."""
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(DAYS * RACES), RUNNERS)
    strength = random.gamma(2.0, 1.0, (DAYS * RACES, RUNNERS))
    chance = strength / strength.sum(axis=1, keepdims=True)
    winner = (chance.cumsum(axis=1) > random.random((len(chance), 1))).argmax(axis=1)
    target = (np.arange(RUNNERS) == winner[:, None]).astype(float)
    day = pd.Series(pd.Timestamp("2024-03-01") + pd.to_timedelta(group // RACES, "D"))
    return pd.DataFrame(
        {
            "row_id": np.arange(len(group)), "entity": np.arange(len(group)), "group": group, "day": day,
            "start_time": day + pd.Timedelta(hours=18), "production_at": day + pd.Timedelta(hours=8),
            "production_hash": "abc", "production_model": "m", "fold": "test_0",
            "target": target.ravel(), "backtest": chance.ravel(), "production": chance.ravel(),
        }
    )  # fmt: skip


def make_tags(seed: int) -> pd.DataFrame:
    """Return a log of chances that is the backtest's own; each row is a decision on one tag."""
    rows = make_races(seed)
    return rows.assign(target=(np.random.default_rng(seed).random(len(rows)) < rows["backtest"]).astype(float))


MAKERS = {"racing": make_races, "events": make_tags}


def report_of(task: str, rows: pd.DataFrame) -> Report:
    measure = load_description(TASKS[task]).gap
    assert measure is not None
    return gap.build_gap_report(rows, parse_settings(PARAMS, gap.Settings, "diagnose", task, "gap"), 1, measure)


@pytest.mark.parametrize("task", TASKS)
def test_a_log_that_is_the_backtest_is_comparable_with_gap_0(task: str) -> None:
    rows = MAKERS[task](0)
    report = report_of(task, rows)
    assert report["gap"]["log_loss"]["value"] == 0
    assert gap.format_sentences(report)[0] == (
        f"Comparable, gap 0: all {len(rows):,} predictions that were logged are the backtest's, bit for bit."
    )
    assert not any("line" in name for name in report["contributions"])


@pytest.mark.parametrize("task", TASKS)
def test_a_model_that_knows_less_is_the_main_cause_and_the_parts_add_up(task: str) -> None:
    rows = MAKERS[task](1)
    duller = 0.2 * rows["backtest"] + 0.8 / RUNNERS
    late_start = rows["day"] < rows["day"].min() + pd.Timedelta(days=5)
    report = report_of(task, rows.assign(production=duller.mask(late_start), production_hash="other"))
    assert report["main_cause"]["name"] == "predictions"
    assert any("move the log loss by +" in reason for reason in report["verdict"]["reasons"])
    explained = sum(effect["value"] for effect in report["contributions"].values())
    assert explained == pytest.approx(report["gap"]["log_loss"]["value"])
    assert report["sides"]["production"]["log_loss"]["value"] > report["sides"]["backtest"]["log_loss"]["value"]


def test_the_log_loss_is_that_of_whole_races() -> None:
    rows = make_races(2)
    winners = rows[rows["target"] == 1]
    report = report_of("racing", rows)
    assert report["sides"]["backtest"]["log_loss"]["value"] == pytest.approx(-np.log(winners["backtest"]).mean())
    torn = rows.assign(production=rows["production"].mask(rows.index % RUNNERS == 0))
    assert report_of("racing", torn)["rows"]["production"] == 0, "a race that lacks a runner has no loss"


@pytest.mark.parametrize("task", TASKS)
def test_a_log_that_holds_the_outcome_is_not_comparable(task: str) -> None:
    rows = MAKERS[task](3)
    report = report_of(task, rows.assign(production=0.5 * rows["production"] + 0.5 * rows["target"]))
    assert report["verdict"]["verdict"] == "not comparable"
    assert "look for the outcome in its predictions" in report["verdict"]["reasons"][0]


@pytest.mark.parametrize("task", TASKS)
def test_predictions_made_after_the_start_are_named_with_the_events_of_the_task(task: str) -> None:
    rows = MAKERS[task](4)
    is_late = rows["day"] == rows["day"].max()
    late_time = rows["production_at"].mask(is_late, rows["start_time"] + pd.Timedelta(hours=1))
    report = report_of(task, rows.assign(production_at=late_time))
    noun = {"racing": "races", "events": "events"}[task]
    assert f"were made after their {noun}" in report["verdict"]["reasons"][0]
    assert report["creation"]["late"]["rows"] == int(is_late.sum())
