"""`make same-numbers` passes where only code changed, and names every output and metrics file that differs."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.pipeline_copy import ROOT

SCRIPT = ROOT / ".ci/same_numbers.py"


def call(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def lock(folder: Path, code: str, out: str) -> None:
    stage = {"deps": [{"path": "code.py", "md5": code}], "outs": [{"path": "data/rows.parquet", "md5": out}]}
    (folder / "dvc.lock").write_text(yaml.safe_dump({"stages": {"prepare@x": stage}}))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    lock(tmp_path, "a", "1")
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/scores.json").write_text("{}\n")
    call(tmp_path, "git", "init", "--quiet")
    call(tmp_path, "git", "add", "--all")
    who = ["-c", "user.name=tester", "-c", "user.email=tester@example.org"]
    assert call(tmp_path, "git", *who, "commit", "--quiet", "--message", "before").returncode == 0
    return tmp_path


def test_other_code_with_the_same_outputs_passes(repository: Path) -> None:
    lock(repository, "b", "1")
    done = call(repository, sys.executable, str(SCRIPT))
    assert (done.returncode, done.stdout) == (0, "all outputs and metrics are those of HEAD\n")


def test_a_changed_output_and_changed_new_and_missing_metrics_are_named(repository: Path) -> None:
    lock(repository, "b", "2")
    (repository / "metrics/scores.json").write_text("{} \n")
    (repository / "metrics/more.json").write_text("{}")
    done = call(repository, sys.executable, str(SCRIPT), "HEAD")
    assert done.returncode == 1
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["differs", "data/rows.parquet"], ["new", "metrics/more.json"], ["differs", "metrics/scores.json"],
    ]  # fmt: skip
    (repository / "metrics/scores.json").unlink()
    assert "gone  metrics/scores.json" in call(repository, sys.executable, str(SCRIPT)).stdout


def test_a_revision_that_is_not_there_is_refused_in_one_line(repository: Path) -> None:
    done = call(repository, sys.executable, str(SCRIPT), "nowhere")
    assert done.returncode == 1
    assert done.stderr.startswith("nowhere could not be read")
