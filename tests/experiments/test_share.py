"""Sharing: what one clone pushes another can pull, list and deliver once it is promoted."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.promoted_repo import git
from trueline.experiments.decisions.promotion import demote_experiment, promote_experiment, rollback_stage
from trueline.experiments.store import experiments_index, workspace_tags
from trueline.experiments.store.experiments_index import find_experiment

TASK = "toy"
WORKFLOW = Path(__file__).parents[2] / ".github/workflows/review.yaml"
SCRIPT = """
import json, pathlib, yaml
skill = yaml.safe_load(open("params.yaml"))["train"]["toy"]["skill"]
for folder in ("models/toy/final", "metrics/toy"):
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
pathlib.Path("models/toy/final/model.json").write_text(json.dumps({"skill": skill}))
pathlib.Path("models/toy/calibrator.json").write_text("{}")
pathlib.Path("metrics/toy/scores.json").write_text(json.dumps({"toy": {"mae": 5 - skill}}))
pathlib.Path("metrics/toy/report.json").write_text(json.dumps({"scored": {"rows": 1, "hash": "abc"}}))
"""
DVC_YAML: dict[str, Any] = {
    "stages": {
        "train": {
            "foreach": ["toy"],
            "do": {
                "cmd": f"{sys.executable} train.py",
                "params": ["train.${item}"],
                "outs": [
                    "models/${item}/final",
                    "models/${item}/calibrator.json",
                    {"metrics/${item}/scores.json": {"cache": False}},
                    {"metrics/${item}/report.json": {"cache": False}},
                ],
            },
        }
    },
    "metrics": ["metrics/toy/scores.json"],
    "artifacts": {"toy-model": {"path": "models/toy", "type": "model"}},
}


def dvc(folder: Path, *words: str) -> str:
    process = subprocess.run(
        [sys.executable, "-m", "dvc", *words],
        cwd=folder,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A bare repository, a DVC remote, and a clone that pushed a baseline and two experiments to them."""
    folder = tmp_path_factory.mktemp("share")
    paths = {name: folder / name for name in ("hub.git", "store", "mine", "theirs")}
    git(folder, "init", "--quiet", "--bare", "--initial-branch", "main", "hub.git")
    git(folder, "init", "--quiet", "--initial-branch", "main", "mine")
    mine = paths["mine"]
    prepare(mine, paths["store"])
    git(mine, "remote", "add", "origin", str(paths["hub.git"]))
    dvc(mine, "repro", "--quiet")
    git(mine, "add", "--all")
    git(mine, "commit", "--quiet", "--message", "baseline")
    git(mine, "push", "--quiet", "--set-upstream", "origin", "main")
    for name, skill in (("bold", 2), ("timid", 1)):
        dvc(mine, "exp", "run", "--quiet", "--name", name, "--set-param", f"train.toy.skill={skill}")
    git(mine, "checkout", "--quiet", ".")
    dvc(mine, "exp", "push", "--quiet", "origin", "--all-commits")
    return paths


def prepare(folder: Path, store: Path) -> None:
    config = f"[core]\n    analytics = false\n    remote = store\n['remote \"store\"']\n    url = {store}\n"
    files = {
        ".dvc/config": config,
        ".dvc/.gitignore": "/tmp\n/cache\n/config.local\n",
        ".gitignore": "/models/\n",
        "train.py": SCRIPT,
        "params.yaml": yaml.safe_dump({"seed": 0, "tasks": {"toy": {}}, "train": {"toy": {"skill": 0}}}),
        "dvc.yaml": yaml.safe_dump(DVC_YAML),
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    who(folder)


def who(folder: Path) -> None:
    git(folder, "config", "user.name", "tester")
    git(folder, "config", "user.email", "tester@example.org")


def listed() -> list[tuple[Any, ...]]:
    return [
        (experiment.name, experiment.rev, experiment.baseline, experiment.status, experiment.scores)
        for experiment in experiments_index.list_experiments()
    ]


def test_a_fresh_clone_lists_what_was_pushed_promotes_it_and_delivers_it(
    places: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(places["mine"])
    pushed = listed()
    assert {(name, scores["toy"]["mae"]) for name, *_, scores in pushed} == {("bold", 3), ("timid", 4)}

    theirs = places["theirs"]
    git(tmp_path, "clone", "--quiet", str(places["hub.git"]), str(theirs))
    who(theirs)
    monkeypatch.chdir(theirs)
    assert listed() == []
    dvc(theirs, "exp", "pull", "--quiet", "origin", "--all-commits")
    assert listed() == pushed

    for name in ("timid", "bold"):
        promote_experiment(find_experiment(name), force="a toy has no gates to pass")
    git(theirs, "push", "--quiet", "--tags", "origin")
    assert delivered(places, tmp_path / "bold") == '{"skill": 2}'
    rollback_stage(TASK)
    git(theirs, "push", "--quiet", "--tags", "origin")
    assert delivered(places, tmp_path / "timid") == '{"skill": 1}'

    monkeypatch.chdir(places["mine"])
    git(places["mine"], "fetch", "--quiet", "--tags", "origin")
    assert workspace_tags.get_current_assignments() == {find_experiment("timid").rev: "promoted"}
    demote_experiment(find_experiment("timid"))
    assert workspace_tags.get_current_assignments() == {}


@pytest.mark.parametrize("changed", [False, True])
def test_the_review_of_a_pull_request_shows_what_changed_and_fails_a_lock_of_other_parameters(
    places: dict[str, Path], tmp_path: Path, changed: bool
) -> None:
    review = tmp_path / "review"
    git(tmp_path, "clone", "--quiet", str(places["mine"]), str(review))
    (review / ".ci").mkdir()
    if changed:
        params = yaml.safe_load((review / "params.yaml").read_text()) | {"train": {"toy": {"skill": 7}}}
        (review / "params.yaml").write_text(yaml.safe_dump(params))
        metrics = review / "metrics/toy/scores.json"
        metrics.write_text(metrics.read_text().replace("5", "4"))
    steps = {step["name"]: step["run"] for step in workflow()["jobs"]["review"]["steps"] if "run" in step}
    assert bash(review, steps["Differences"]) == 0
    assert bash(review, steps["Lock"]) == changed
    comment = (review / ".ci/review.md").read_text()
    assert ("| metrics/toy/scores.json | toy.mae  | 5             | 4           | -1       |" in comment) == changed
    assert ("train.toy.skill" in comment) == changed
    assert ("dvc.lock was not made by this code and these parameters" in comment) == changed


def test_the_review_needs_no_secrets_and_few_rights() -> None:
    text = WORKFLOW.read_text()
    assert workflow()["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert "secrets" not in text
    uses = [step["uses"] for step in workflow()["jobs"]["review"]["steps"] if "uses" in step]
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", action) for action in uses), uses
    runs = [step["run"] for step in workflow()["jobs"]["review"]["steps"] if "run" in step]
    assert not any("${{" in run for run in runs), "what others write must not become part of a command"


def workflow() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text())
    return document


def bash(folder: Path, script: str) -> int:
    variables = {
        "BASE": "origin/main",
        "REVIEW": ".ci/review.md",
        "GITHUB_STEP_SUMMARY": str(folder / ".ci/summary.md"),
    }
    path = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(
        command, cwd=folder, env=os.environ | path | variables, capture_output=True, timeout=120
    ).returncode


def delivered(places: dict[str, Path], out: Path) -> str:
    """Return the model that `dvc artifacts get` fetches from prod, after checking that its other files came along."""
    dvc(
        out.parent,
        "artifacts",
        "get",
        "--quiet",
        str(places["hub.git"]),
        "toy-model",
        "--stage",
        "prod",
        "-o",
        str(out),
    )
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*.json")) == ["calibrator.json", "final/model.json"]
    return (out / "final/model.json").read_text()
