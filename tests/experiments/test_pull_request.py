"""The comment under a pull request, as its workflow makes it from two commits: verdict, looks, gates, leaderboard."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from tests import promoted_repo
from tests.pipeline_copy import ROOT
from tests.promoted_repo import TASK, git

WORKFLOW = ROOT / ".github/workflows/review.yaml"
PREPARED = f"data/prepared/{TASK}.parquet"
NO_PRICES = {"soft_label": float("nan"), "bsp": float("nan"), "benchmark_price": float("nan")}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose main has a model without skill, with an experiment beside it; its tables have dates."""
    real: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
    write, predictions = promoted_repo.write, promoted_repo.predictions

    def predict(skill: float, seed: int) -> pd.DataFrame:
        table = predictions(skill, seed)
        return table.assign(time=pd.Timestamp("2024-01-01") + pd.to_timedelta(range(len(table)), "min"))

    def write_with_prepared(folder: Path, skill: float, seed: int, **said: Any) -> None:
        write(folder, skill, seed, **said)
        lock = yaml.safe_load((folder / "dvc.lock").read_text())
        prepared = predict(0, 0)[["row_id"]].assign(**NO_PRICES).to_parquet()
        lock["stages"][f"calibrate@{TASK}"]["outs"].append(promoted_repo.cached(folder, PREPARED, prepared))
        (folder / "dvc.lock").write_text(yaml.safe_dump(lock, sort_keys=False))

    params = real | {"tasks": {TASK: real["tasks"][TASK]}}
    params["diagnose"] = {"defaults": real["diagnose"]["defaults"], TASK: {"limits": {"market_bias": None}}}
    monkeypatch.setattr(promoted_repo, "PARAMS", params)
    monkeypatch.setattr(promoted_repo, "predictions", predict)
    monkeypatch.setattr(promoted_repo, "write", write_with_prepared)
    folder = promoted_repo.make_repository(tmp_path / "repository")
    promoted_repo.experiment(folder, "tried", skill=0.4, seed=5)
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    git(folder, "checkout", "--quiet", "-b", "request")
    return folder


def commit_results(folder: Path, **said: Any) -> None:
    promoted_repo.write(folder, skill=0.9, seed=3, **said)
    promoted_repo.commit(folder, "other results")


def comment(folder: Path) -> tuple[int, str]:
    """Run the workflow's step and return its exit code and the comment."""
    steps = yaml.safe_load(WORKFLOW.read_text())["jobs"]["review"]["steps"]
    (script,) = [step["run"] for step in steps if step.get("name") == "Results"]
    (folder / ".ci").mkdir(exist_ok=True)
    variables = {"BASE": "origin/main", "REVIEW": ".ci/review.md", "GITHUB_STEP_SUMMARY": ".ci/summary.md"}
    path = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    process = subprocess.run(command, cwd=folder, env=os.environ | path | variables, capture_output=True, timeout=300)
    text = (folder / ".ci/review.md").read_text()
    assert text == (folder / ".ci/summary.md").read_text()
    return process.returncode, text + process.stderr.decode()


def test_the_comment_has_the_verdict_the_looks_the_gates_and_the_leaderboard(repository: Path) -> None:
    commit_results(repository)
    code, text = comment(repository)
    assert code == 0, text
    assert "- believable: **yes**" in text
    assert "3 different" in text, "main's, the experiment's and the request's"
    assert "paired verdict: The log loss of" in text
    assert "| log_loss | 1.5000 | 1.4100 |" in text
    assert "| better |" in text
    assert "| leaks | passed | None of 3 inputs sees the future. |" in text
    assert "| 1 | tried |" in text


def test_it_fails_where_a_gate_stops_it_that_the_workflow_names(repository: Path) -> None:
    commit_results(repository, believable="no")
    code, text = comment(repository)
    assert code == 1
    assert "- believable: **no**" in text
    assert "| believable | **stopped** |" in text
    assert f"{TASK} is stopped by believable." in text


def test_it_fails_for_metrics_of_another_lock_and_says_that_nothing_changed(repository: Path) -> None:
    code, text = comment(repository)
    assert code == 0
    assert text.startswith("No task has other results than origin/main.\n")
    report = repository / f"metrics/{TASK}/report.json"
    report.write_text(report.read_text().replace('"rows": ', '"rows":  '))
    promoted_repo.commit(repository, "edited by hand")
    (repository / ".ci/review.md").unlink()
    (repository / ".ci/summary.md").unlink()
    code, text = comment(repository)
    assert code == 1
    assert f"{TASK} has no results of its own" in text
    assert "edited by hand" in text


def test_a_gate_that_does_not_exist_is_rejected(repository: Path) -> None:
    command = [sys.executable, "-m", "trueline.experiments", "review", "origin/main", "--require", "luck"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True)
    assert process.returncode == 1
    assert "'luck' is not a gate; name some of valid, outputs, leaks" in process.stderr
