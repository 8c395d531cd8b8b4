"""Live equals backtest: the last days of each sample, predicted one by one, and differences that are planted."""

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from stages.diagnose.checks.gap import format_sentences
from trueline.benchmarks.lie_lab.scratch_project import ROOT, ScratchProject
from trueline.benchmarks.replay_lab.day_tables import Tables, list_days, read_day_tables
from trueline.benchmarks.replay_lab.live_replay import (
    LiveReplay,
    choose_replayed_days,
    compare_replay,
    find_folds_path,
    make_replay_projects,
    run_backtest,
    set_params,
)
from trueline.benchmarks.replay_lab.replayed_gap import build_replayed_gap
from trueline.daily.log_comparison import LogRows, compare_log

READERS = {"racing": "runners", "props": "box_scores", "events": "listings"}
# fast learners without a search: whether live is the backtest does not depend on their skill
PARAMS: dict[str, dict[str, Any]] = {
    "racing": {
        "tasks.racing.learner": "conditional_logit",
        "features.racing.include": ["rating*", "*log_odds*", "box", "won*"],
    },
    "props": {"tasks.props.learner": "logistic"},
    "events": {"train.events.comparison.learners": [], "train.events.tfidf_linear.char_ngrams": 0},
}
REPLAYED, BLOCK = 4, 3  # days
# what a prediction saw, and what nothing of the samples is
SEEN: dict[str, tuple[str, Any]] = {
    "racing": ("price", 1.25), "props": ("line", 99.5), "events": ("description", "It moved."),
}  # fmt: skip


@dataclass(frozen=True)
class Replayed:
    """A backtest over all days, and the same last days predicted live."""

    backtest: ScratchProject
    live: LiveReplay
    predictions: pd.DataFrame
    days: list[pd.Timestamp]


def read_short_tables(task: str) -> Tables:
    """Return the newest part of a sample: of races the first of each day, of games those of six weeks."""
    tables = read_day_tables(task, READERS[task], str(ROOT / f"data/sample/{task}"))
    if task == "racing":
        runners = tables["runners"]
        day = runners["start_time"].dt.normalize()
        is_kept = (day > day.max() - pd.Timedelta(days=35)) & (runners["race_no"] <= 3)
        return {"runners": runners[is_kept].reset_index(drop=True)}
    if task == "props":
        since = tables["games"]["date"].max() - pd.Timedelta(days=45)
        return {name: table[table["date"] >= since].reset_index(drop=True) for name, table in tables.items()}
    return tables


@pytest.fixture(scope="module", params=["racing", "props", "events"])
def replayed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    task = request.param
    tables = read_short_tables(task)
    days, history = choose_replayed_days(task, tables, REPLAYED), list_days(task, tables)
    backtest, live_project = make_replay_projects(tmp_path_factory.mktemp(task), task, days, history, PARAMS[task])
    for project in (backtest, live_project):
        quick = {f"{find_folds_path(project)}.test_days": BLOCK, f"tune.{task}.search.trials": 1}
        set_params(project, quick | {f"features.{task}.audits": 1, "score_audit.folds": 0})
    predictions = run_backtest(backtest, tables)
    live = LiveReplay(live_project, tables)
    for day in days:
        live.predict_day(day)
    return Replayed(backtest, live, predictions, days)


def test_what_was_predicted_day_by_day_is_what_the_backtest_says_bit_for_bit(replayed: Replayed) -> None:
    comparison = compare_replay(replayed.live, replayed.predictions, replayed.days)
    assert comparison.differences == []
    assert comparison.equal == comparison.rows > 0
    assert "the log is the backtest, bit for bit" in comparison.format_sentence()
    assert 1 < len(replayed.live.trainings) < REPLAYED, "a model is kept between two retrainings"


def test_a_missing_day_another_model_a_late_prediction_and_a_changed_bit_are_named(replayed: Replayed) -> None:
    log, (first, second, *_) = replayed.live.read_log(), replayed.days
    rows_by_day = replayed.predictions.groupby(replayed.predictions["time"].dt.normalize())["row_id"].agg(set)
    ids = {id(row): _find_id(row) for row in log}

    def change(day: pd.Timestamp, **changed: Any) -> list[str]:
        edited = [row | changed if ids[id(row)] in rows_by_day[day] else row for row in log]
        return compare_log(edited, replayed.predictions, replayed.days).differences

    without = [row for row in log if ids[id(row)] not in rows_by_day[second]]
    missing = compare_log(without, replayed.predictions, replayed.days).differences
    assert missing == [f"the log has no prediction of {second:%Y-%m-%d}"]
    late = change(first, created_at=f"{first + pd.Timedelta(days=3):%Y-%m-%dT%H:%M:%S+00:00}")
    assert len(late) == 1
    assert late[0].endswith(f"predictions of {first:%Y-%m-%d} were made after the start")
    other_model = change(_find_day_with_company(replayed), model_hash="other")
    assert any("was predicted by model" in sentence for sentence in other_model)
    assert _nudge(log, replayed) == [f"1 predictions of {first:%Y-%m-%d} differ"]


def test_the_gap_report_says_gap_0_or_names_what_was_planted(replayed: Replayed, tmp_path: Path) -> None:
    log, (first, second, *_) = replayed.live.read_log(), replayed.days
    rows_by_day = replayed.predictions.groupby(replayed.predictions["time"].dt.normalize())["row_id"].agg(set)

    def report_on(rows: list[dict[str, Any]]) -> str:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        (folder / "1-0.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        return " ".join(format_sentences(build_replayed_gap(replayed.backtest, folder, replayed.days)))

    def change(day: pd.Timestamp, **changed: Any) -> list[dict[str, Any]]:
        return [row | changed if _find_id(row) in rows_by_day[day] else dict(row) for row in log]

    report = build_replayed_gap(replayed.backtest, replayed.live.log_folder / replayed.live.project.task, replayed.days)
    assert report["rows"]["repeated"] == 0
    assert report["gap"][report["measure"]["name"]]["value"] == 0
    unchanged = report_on(change(first))
    assert unchanged.startswith("Comparable, gap 0: all ")
    assert "the log is the backtest, bit for bit." in unchanged
    name, other_value = SEEN[replayed.live.project.task]
    moved = report_on(change(first, **{name: other_value}))
    assert f"predictions of {first:%Y-%m-%d} saw another {name} than the rows have now" in moved
    without = report_on([dict(row) for row in log if _find_id(row) not in rows_by_day[second]])
    assert f"the log has no prediction of {second:%Y-%m-%d}" in without
    company = _find_day_with_company(replayed)
    other_model = report_on(change(company, model_hash="another"))
    assert re.search(r" of fold \w+ was predicted by model .*\banother\b", other_model)  # the rest may be fewer
    late = report_on(change(first, created_at=f"{first + pd.Timedelta(days=3):%Y-%m-%dT%H:%M:%S+00:00}"))
    assert late.startswith("Not comparable: ")
    assert f"predictions of {first:%Y-%m-%d} were made after the start" in late
    assert not any(report.startswith("Comparable, gap 0") for report in (moved, without, other_model))


def _find_day_with_company(replayed: Replayed) -> pd.Timestamp:
    """Return a replayed day whose fold scores another one too, so that it has a usual model."""
    day = replayed.predictions["time"].dt.normalize()
    fold_by_day = replayed.predictions.groupby(day)["fold"].first().reindex(replayed.days).dropna()
    return pd.Timestamp(fold_by_day.index[fold_by_day.duplicated()][0])


def _find_id(row: dict[str, Any]) -> str:
    fields = next(names for names in (("race_id", "box"), ("player_id", "date"), ("id",)) if names[0] in row)
    return ":".join(str(row[name]) for name in fields)


def _nudge(log: LogRows, replayed: Replayed) -> list[str]:
    """Change the last bit of one prediction of the first day; return what is named, without the distance."""
    first_day = replayed.predictions["time"].dt.normalize() == replayed.days[0]
    first_ids = set(replayed.predictions.loc[first_day, "row_id"])
    edited: list[Any] = [dict(row) for row in log]
    row = next(row for row in edited if _find_id(row) in first_ids)
    predicted = row["predicted"]
    if isinstance(predicted, dict):
        name = next(iter(predicted))
        row["predicted"] = predicted | {name: predicted[name] * (1 + 2**-52)}
    else:
        row["predicted"] = predicted * (1 + 2**-52)
    differences = compare_log(edited, replayed.predictions, replayed.days).differences
    return [sentence.partition(", by up to")[0] for sentence in differences]
