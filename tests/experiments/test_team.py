"""Two people, two clones, one bare repository and one remote: nothing is lost, and nobody merges by hand."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import promoted_repo
from tests.promoted_repo import TASK, git
from trueline.experiments.ledger.append_only_file import LEDGER_FILE, read_ledger

ROOT = Path(__file__).parents[2]


def run(folder: Path, module: str, *words: str, code: int = 0) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "DVC_SITE_CACHE_DIR": str(folder.parent / "site")}
    command = [sys.executable, "-m", module, *words]
    process = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert process.returncode == code, process.stdout + process.stderr
    return process.stdout + process.stderr


def experiments(folder: Path, *words: str, code: int = 0) -> str:
    return run(folder, "trueline.experiments", *words, code=code)


def clone(hub: Path, folder: Path) -> Path:
    git(hub, "clone", "--quiet", str(hub), str(folder))
    git(folder, "config", "user.name", folder.name)
    git(folder, "config", "user.email", f"{folder.name}@example.org")
    git(folder, "config", "pull.rebase", "false")
    return folder


@pytest.fixture
def people(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Two clones of a bare repository with a DVC remote, each with an experiment of its own, and the bare one."""
    (tmp_path / "hub.git").mkdir()
    hub, store = tmp_path / "hub.git", tmp_path / "store"
    git(hub, "init", "--quiet", "--bare", "--initial-branch", "main")
    first = promoted_repo.house(tmp_path / "first")
    with (first / ".dvc/config").open("a") as config:
        config.write(f"    remote = store\n['remote \"store\"']\n    url = {store}\n")
    (first / ".gitattributes").write_text((ROOT / ".gitattributes").read_text())
    (first / ".gitignore").write_text("/data/\n/models/\n/.locks/\n")
    promoted_repo.commit(first, "share")
    git(first, "push", "--quiet", str(hub), "main")
    run(first, "dvc", "push", "--quiet")
    ann, bob = clone(hub, tmp_path / "ann"), clone(hub, tmp_path / "bob")
    promoted_repo.experiment(ann, "ann-sharp", skill=0.7, seed=1)
    promoted_repo.experiment(bob, "bob-keen", skill=0.7, seed=2)
    return ann, bob, hub


def test_two_people_share_experiments_notes_and_a_stage_without_losing_anything(
    people: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob, hub = people
    for folder, name in ((ann, "ann-sharp"), (bob, "bob-keen")):
        experiments(folder, "list")
        run(folder, "dvc", "exp", "push", "--quiet", "origin", name)
        experiments(folder, "note", name, f"{folder.name} learned something", "--tag", "shared")
        git(folder, "add", str(LEDGER_FILE))
        git(folder, "commit", "--quiet", "--message", "a note")
    git(ann, "push", "--quiet", "origin", "main")
    git(bob, "pull", "--quiet", "--no-edit")
    git(bob, "push", "--quiet", "origin", "main")
    git(ann, "pull", "--quiet")
    run(ann, "dvc", "exp", "pull", "--quiet", "origin", "bob-keen")
    run(bob, "dvc", "exp", "pull", "--quiet", "origin", "ann-sharp")

    for folder in (ann, bob):
        listed = json.loads(experiments(folder, "list", "--tag", "shared", "--json"))["experiments"]
        assert {record["name"]: record["conclusion"] for record in listed} == {
            "ann-sharp": "ann learned something",
            "bob-keen": "bob learned something",
        }
        board = json.loads(experiments(folder, "leaderboard", "--json"))[TASK]
        assert sorted(record["name"] for record in board["ranked"]) == ["ann-sharp", "bob-keen"]
        assert board["looks"]["different"] == 3, "both, and the baseline"
        assert git(folder, "status", "--porcelain", "--untracked-files=no") == ""
        monkeypatch.chdir(folder)
        assert sorted(line["by"] for line in read_ledger() if line["kind"] == "note") == ["ann", "bob"]

    experiments(ann, "promote", "ann-sharp", "--push")
    refused = experiments(bob, "promote", "bob-keen", "--push", code=1)
    assert "someone else has changed the stage and pushed racing-model@v1.0.0 first" in refused
    assert "less that of ann-sharp" in experiments(bob, "promote", "bob-keen", "--push", code=1)
    experiments(bob, "promote", "bob-keen", "--push", "--force", "--why", "a trial")
    git(ann, "fetch", "--quiet", "--tags")
    experiments(ann, "rollback", "--push", "--why", "it errs")

    visitor = clone(hub, ann.parent / "visitor")
    history = json.loads(experiments(visitor, "history", "--json"))
    assert [(period["experiment"], period["version"]) for period in history] == [
        ("ann-sharp", "v1.0.0"),
        ("bob-keen", "v1.1.0"),
        ("ann-sharp", "v1.0.0"),
    ]
    (promoted,) = json.loads(experiments(visitor, "list", "--status", "promoted", "--json"))["experiments"]
    assert (promoted["name"], promoted["conclusion"]) == ("ann-sharp", "ann learned something")
