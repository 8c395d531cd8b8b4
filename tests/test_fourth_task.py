"""A fourth task is two files and a row: every stage, `dvc metrics show`, comparison and promotion take it as it is."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests import pipeline_copy
from tests.test_dvc import call, commit, dvc, ran

TASK = "shots"
ROW = {
    "domain": "betting",
    "inputs": "tabular",
    "source": "data/sample/shots",
    "vectors": "stages/train/no_vectors.txt",
    "settings": "defaults",
    "reader": "listings",
    "resampler": "none",
    "learner": "gradient_boosting",
    "baseline": "logistic",
    "members": ["gradient_boosting", "logistic"],
    "calibrator": "residuals",
    "scorer": "market",
}
QUICK = {
    "workers": 1,
    "tune__defaults__search__trials": 2,
    "train__defaults__gradient_boosting__iterations": 30,
    "diagnose__defaults__alerts__rules__draws": 20,
    "diagnose__defaults__root_cause__draws": 20,
    "diagnose__defaults__drift__draws": 20,
}
CLEANER = '''"""Cleaner of shots: one row per player and game."""

from typing import Any

import pandas as pd

from trueline.core.runtime.params import Date, StageSettings
from trueline.core.tables.table_schema import Column, coerce_types

COLUMNS = [
    Column("row_id", "text", "before", "player and day", nullable=False),
    Column("entity", "text", "before", "the player", nullable=False),
    Column("group", "text", "before", "the day", nullable=False),
    Column("time", "time", "before", "the day", nullable=False),
    Column("target", "number", "after", "shots", nullable=False, low=0),
    Column("line", "number", "before", "the line", "shots"),
    Column("line_type", "text", "before", "whether a book posted the line", allowed=("actual",)),
]
RAW_COLUMNS = [
    Column("player", "text", "before", "the player", required=True, nullable=False),
    Column("date", "time", "before", "the day", required=True, nullable=False),
    Column("shots", "number", "after", "shots", required=True, nullable=False),
    Column("line", "number", "before", "the line", "shots", required=True),
]


class Settings(StageSettings):
    """The last day to keep."""

    until: Date | None


def prepare(raw: pd.DataFrame, settings: Settings) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the games of every player, and how many rows came in and went out."""
    rows = coerce_types(raw, RAW_COLUMNS, "shots")
    day = rows["date"].dt.strftime("%Y-%m-%d")
    prepared = pd.DataFrame(
        {
            "row_id": rows["player"] + ":" + day, "entity": rows["player"], "group": day, "time": rows["date"],
            "target": rows["shots"], "line": rows["line"], "line_type": "actual",
        }
    ).sort_values(["time", "row_id"], ignore_index=True)
    return prepared, {"rows_in": len(raw), "rows_out": len(prepared), "set_aside": {}}
'''
BUILDER = '''"""Inputs of shots: a player's earlier games."""

import pandas as pd

from trueline.core.history.leak_detection import DecisionSettings
from trueline.core.history.past import Past


class Settings(DecisionSettings):
    """No settings of its own."""


def build(current: pd.DataFrame, past: Past, settings: Settings) -> pd.DataFrame:
    """Return the means of the last games."""
    return pd.DataFrame({f"mean_{last or 'all'}": past.mean("target", "entity", last) for last in (3, 20, None)})
'''


def write_games(folder: Path) -> None:
    """Write the games of 24 players, half of whom play each day, whose shots the line knows with some noise."""
    random = np.random.default_rng(0)
    players, days = [f"player {number:02}" for number in range(24)], pd.date_range("2024-01-01", periods=200)
    skill = random.uniform(2, 14, len(players))
    plays = [(player, day) for day in range(len(days)) for player in random.permutation(len(players))[:12]]
    player, day = np.array(plays).T
    games = pd.DataFrame(
        {"player": np.array(players)[player], "date": days[day], "shots": random.poisson(skill[player])}
    )
    folder.mkdir(parents=True)
    games.assign(line=np.round(skill[player] + random.normal(0, 2, len(games))) + 0.5).to_parquet(
        folder / "events.parquet"
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A repository with a fourth task after its `dvc repro`, committed, and the stages that ran."""
    folder = pipeline_copy.copy(tmp_path_factory.mktemp("fourth") / "repository")
    write_games(folder / "data/sample/shots")
    (folder / f"stages/prepare/{TASK}").mkdir()
    (folder / f"stages/prepare/{TASK}/__init__.py").write_text(CLEANER)
    (folder / f"stages/features/{TASK}.py").write_text(BUILDER)
    pipeline_copy.change(folder, **{f"tasks__{TASK}": ROW}, **QUICK)
    call(folder, "git", "init", "--quiet")
    commit(folder)
    stages = ran(dvc(folder, "repro", f"diagnose@{TASK}"))
    commit(folder)
    dvc(folder, "exp", "run", "--name", "shallow", "-S", "train.defaults.gradient_boosting.depth=2", f"diagnose@{TASK}")
    call(folder, "git", "checkout", "--quiet", ".")
    dvc(folder, "checkout", "--force", "--with-deps", f"diagnose@{TASK}")
    return folder, stages


def trueline(folder: Path, *words: str) -> str:
    return call(folder, sys.executable, "-m", "trueline", *words)


def test_all_stages_run_and_its_metrics_are_shown(built: tuple[Path, list[str]]) -> None:
    folder, stages = built
    assert stages == [f"{stage}@{TASK}" for stage in pipeline_copy.STAGES]
    shown = json.loads(dvc(folder, "metrics", "show", "--json"))[""]["data"]
    (scores,) = [file["data"][TASK] for file in shown.values() if TASK in file.get("data", {})]
    assert scores["mae"] > 0
    assert scores["hit_rate"] > 0
    assert json.loads((folder / f"metrics/{TASK}/scores.json").read_text())[TASK]["bets"] > 0
    diagnosis = json.loads((folder / f"metrics/{TASK}/diagnosis.json").read_text())
    assert diagnosis["checks"]["drift"]["status"] != "declined", diagnosis["checks"]["drift"]["summary"]


def test_runs_of_it_are_listed_and_compared(built: tuple[Path, list[str]]) -> None:
    folder, _ = built
    listed = json.loads(trueline(folder, "experiments", "list", "--task", TASK, "--json"))
    assert "shallow" in json.dumps(listed)
    compared = json.loads(trueline(folder, "experiments", "compare", TASK, "shallow", "HEAD", "--json"))
    assert {metric["metric"] for metric in compared["metrics"]} >= {"mae", "hit_rate"}
    changed = json.loads(trueline(folder, "experiments", "show", "shallow", "--json"))["changed"]
    assert changed[f"train.{TASK}.gradient_boosting.depth"][1] == 2


def test_it_is_promoted_and_the_service_says_what_it_lacks(built: tuple[Path, list[str]]) -> None:
    folder, _ = built
    trueline(folder, "experiments", "promote", "shallow", "--task", TASK, "--force", "--why", "a test")
    assert f"{TASK}-model" in call(folder, "git", "tag")
    served = subprocess.run(
        [sys.executable, "-m", "trueline", "serve", "--tasks", TASK], cwd=folder, capture_output=True, text=True
    )
    assert served.returncode != 0
    assert "the service has no task 'shots'" in served.stderr


def test_a_default_that_only_another_task_uses_runs_nothing_of_it(built: tuple[Path, list[str]]) -> None:
    folder, _ = built
    before = (folder / "params.yaml").read_text()
    pipeline_copy.change(
        folder, train__defaults__conditional_logit__l2=21.0, calibrate__defaults__thresholds__shrinkage=9.0
    )
    try:
        assert "up to date" in dvc(folder, "status", f"diagnose@{TASK}", "--with-deps")
        pipeline_copy.change(folder, train__defaults__logistic__l2=90.0)
        assert f"train@{TASK}" in dvc(folder, "status", f"diagnose@{TASK}", "--with-deps")
    finally:
        (folder / "params.yaml").write_text(before)
    assert pipeline_copy.params(folder)["tasks"][TASK] == ROW
