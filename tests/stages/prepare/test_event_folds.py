"""Folds of events: in time where they have dates, unless params.yaml ignores these."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests import pipeline_copy

WALK_FORWARD = {
    "first_day": None, "first_test": 0.5, "last_test": None, "test_days": 100, "calibrate_days": 10,
    "calibrate_rows": None, "tune_folds": 1, "tune_days": 10,
    "window_days": None, "embargo_days": 0, "label_delay_days": 0,
}  # fmt: skip


def date_events(folder: Path, day_count: int, date_format: str = "%Y-%m-%d") -> Path:
    """Copy the repository, with a date for every event of the sample."""
    pipeline_copy.copy(folder)
    path = folder / "data/sample/events/events.json"
    events: list[dict[str, Any]] = json.loads(path.read_text())
    days = pd.date_range("2024-01-20", periods=day_count).strftime(date_format)
    path.write_text(json.dumps([event | {"date": days[at % day_count]} for at, event in enumerate(events)]))
    return folder


def read_folds(folder: Path) -> pd.DataFrame:
    done = pipeline_copy.run(folder, "prepare", "events")
    assert done.returncode == 0, done.stderr
    return pd.read_parquet(folder / "data/folds/events.parquet")


@pytest.mark.parametrize("date_format", ["%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y", "%d %B %Y"])
def test_events_with_dates_have_folds_in_time_without_a_change_of_params(tmp_path: Path, date_format: str) -> None:
    folds = read_folds(date_events(tmp_path, 90, date_format))
    assert folds["time"].nunique() == 90
    tested = [name for name in map(str, folds) if name.startswith("test_")]
    assert tested
    for name in tested:
        fit, calibrate, score = (folds["time"][folds[name] == role] for role in ("fit", "calibrate", "score"))
        assert fit.max() < calibrate.min() <= calibrate.max() < score.min()


def test_dates_can_be_ignored(tmp_path: Path) -> None:
    folder = date_events(tmp_path, 90)
    pipeline_copy.change(folder, prepare__events__dates="ignore")
    folds = read_folds(folder)
    assert folds["time"].nunique() == 1
    assert "test_14" in folds
    assert json.loads((folder / "metrics/events/quality.json").read_text())["ignored_columns"] == ["date"]


def test_settings_of_the_other_tasks_may_replace_those_of_undated_events(tmp_path: Path) -> None:
    folder = date_events(tmp_path, 90)
    pipeline_copy.change(folder, folds__events=WALK_FORWARD)
    assert [name for name in read_folds(folder) if str(name).startswith("tune_")] == ["tune_0"]


def test_too_few_days_are_rejected_with_both_ways_out(tmp_path: Path) -> None:
    done = pipeline_copy.run(date_events(tmp_path, 3), "prepare", "events")
    assert done.returncode == 1
    assert "under folds.events.dated; prepare.events.dates: ignore" in done.stderr
    assert done.stderr.count("\n") == 1
