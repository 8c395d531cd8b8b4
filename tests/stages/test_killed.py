"""A stage killed at any moment leaves nothing half-written, and its next run ends as if it had not been killed."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests import pipeline_copy

TASK = "racing"
STARTED = 240  # seconds within which the moment must come
Moment = Callable[[Path], bool]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small copy of the repository in which the whole pipeline ran undisturbed, with two workers."""
    folder = pipeline_copy.copy(tmp_path_factory.mktemp("killed") / "repository")
    pipeline_copy.quicken(folder, TASK)
    pipeline_copy.shrink(folder, TASK)
    pipeline_copy.change(folder, **{f"tune__{TASK}__search__trials": 6, f"tune__{TASK}__search__batch": 2})
    pipeline_copy.change(folder, workers=2)
    pipeline_copy.run_pipeline(folder, TASK, until="resample")
    # in a process of its own, because a journal belongs to the modules that are loaded
    assert pipeline_copy.run(folder, "tune", TASK).returncode == 0
    return pipeline_copy.run_pipeline(folder, TASK, since="train")


@pytest.fixture
def repository(whole: Path, tmp_path: Path) -> Path:
    """A copy of that repository, for a test to damage."""
    return shutil.copytree(whole, tmp_path / "repository")


def outputs(folder: Path, stage: str) -> list[Path]:
    """Return the files and folders that a stage writes."""
    instance = next(each for each in pipeline_copy.instances() if each.addressing == f"{stage}@{TASK}")
    return [folder / str(out) for out in instance.outs]


def content(folder: Path, stage: str) -> dict[str, bytes]:
    """Return the bytes of every file that a stage wrote."""
    files = [file for out in outputs(folder, stage) for file in ([out] if out.is_file() else sorted(out.rglob("*")))]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files if file.is_file()}


def drafts(folder: Path) -> list[Path]:
    return list(folder.rglob(".*.draft"))


def forget(folder: Path, stage: str) -> None:
    """Delete what a stage wrote, and the results that would make its next run too short to be killed."""
    shutil.rmtree(folder / ".memory", ignore_errors=True)
    for out in outputs(folder, stage):
        shutil.rmtree(out) if out.is_dir() else out.unlink(missing_ok=True)


def list_journals(folder: Path) -> list[Path]:
    """Return the journals of searches; the audit of a search has one of its own."""
    return [path for path in (folder / ".tune").glob("*.jsonl") if "-audit-" not in path.name]


def answers(folder: Path) -> list[str]:
    """Return the requests in the only journal of a search, without a torn line."""
    files = list_journals(folder)
    assert len(files) <= 1, "another journal was begun"
    found = []
    for line in files[0].read_text().splitlines() if files else []:
        try:
            found.append(json.loads(line)["asked"])
        except json.JSONDecodeError:
            continue
    return found


def kill(folder: Path, stage: str, moment: Moment) -> bool:
    """Start a stage, kill -9 it and its workers at a moment, and return whether it was still running then."""
    command = [sys.executable, "-m", f"stages.{stage}", TASK]
    quiet, environment = subprocess.DEVNULL, os.environ | {"JOBLIB_TEMP_FOLDER": str(folder.parent)}
    running = subprocess.Popen(command, cwd=folder, stdout=quiet, stderr=quiet, start_new_session=True, env=environment)
    until = time.monotonic() + STARTED
    try:
        while running.poll() is None and not moment(folder):
            assert time.monotonic() < until, f"{stage} never came to the moment"
            time.sleep(0.001)
    finally:
        with suppress(ProcessLookupError):  # it has ended, and its workers with it
            os.killpg(running.pid, signal.SIGKILL)
        for semaphore in Path("/dev/shm").glob(f"sem.loky-{running.pid}-*"):  # no process is left to release them
            semaphore.unlink()
    return running.wait() == -signal.SIGKILL


def locked(stage: str) -> Moment:
    return lambda folder: (folder / ".locks" / f"{stage}-{TASK}").exists()


def drafted(stage: str) -> Moment:
    parents = sorted({out.relative_to(pipeline_copy.ROOT).parent for out in outputs(pipeline_copy.ROOT, stage)})
    return lambda folder: any(any((folder / parent).glob(".*.draft")) for parent in parents)


def random_moment(stage: str) -> Moment:
    """Up to a second after the stage took its lock."""
    delay, begin = random.uniform(0, 1), locked(stage)

    def moment(folder: Path) -> bool:
        lock = folder / ".locks" / f"{stage}-{TASK}"
        return begin(folder) and time.time() - lock.stat().st_mtime > delay

    return moment


def answered(count: int) -> Moment:
    return lambda folder: len(answers(folder)) >= count


@pytest.mark.parametrize(
    ("stage", "moments"),
    [
        ("prepare", [locked, drafted]),
        ("features", [locked, drafted]),
        ("resample", [drafted]),
        ("train", [locked, random_moment, drafted]),
        ("calibrate", [drafted]),
        ("evaluate", [drafted]),
        ("diagnose", [locked]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_killed_stage_leaves_nothing_torn_and_its_next_run_the_same_bytes(
    repository: Path, stage: str, moments: list[Callable[[str], Moment]]
) -> None:
    before = content(repository, stage)
    for moment in moments:
        forget(repository, stage)
        shutil.rmtree(repository / ".locks")
        killed = [kill(repository, stage, moment(stage))]
        while not any(killed):  # it ended before it could be killed
            assert len(killed) < 5
            forget(repository, stage)
            killed.append(kill(repository, stage, moment(stage)))
        left = content(repository, stage).items()
        assert [name for name, held in left if "/curves/" not in name and held != before[name]] == []
    assert pipeline_copy.run(repository, stage, TASK).returncode == 0
    assert content(repository, stage) == before
    assert drafts(repository) == []


def test_a_search_killed_twice_goes_on_from_its_journal_to_the_same_end(repository: Path) -> None:
    before, asked = content(repository, "tune"), answers(repository)
    forget(repository, "tune")
    shutil.rmtree(repository / ".tune")
    assert kill(repository, "tune", answered(1))
    first = answers(repository)
    assert first == asked[: len(first)]
    assert len(first) < len(asked)
    assert kill(repository, "tune", answered(len(first) + 1))
    second = answers(repository)
    assert second[: len(first)] == first
    assert len(first) < len(second) < len(asked)
    assert content(repository, "tune") == {}
    assert pipeline_copy.run(repository, "tune", TASK).returncode == 0
    assert answers(repository) == asked  # none was asked twice
    assert content(repository, "tune") == before


def test_a_line_of_the_journal_torn_by_the_kill_is_asked_again(repository: Path) -> None:
    before, asked = content(repository, "tune"), answers(repository)
    (journal,) = list_journals(repository)
    journal.write_text(journal.read_text()[:-20])
    forget(repository, "tune")
    assert pipeline_copy.run(repository, "tune", TASK).returncode == 0
    assert answers(repository) == asked
    assert content(repository, "tune") == before


@pytest.mark.parametrize("stage", ["tune", "train"])
def test_the_number_of_workers_changes_no_byte(repository: Path, stage: str) -> None:
    before = content(repository, stage)
    forget(repository, stage)
    shutil.rmtree(repository / ".tune")
    pipeline_copy.change(repository, workers=1 if pipeline_copy.params(repository)["workers"] > 1 else 2)
    assert pipeline_copy.run(repository, stage, TASK).returncode == 0
    assert content(repository, stage) == before


def test_a_second_run_of_a_stage_waits_for_the_first(repository: Path) -> None:
    before = content(repository, "prepare")
    command = [sys.executable, "-m", "stages.prepare", TASK]
    both = [subprocess.Popen(command, cwd=repository, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    messages = [each.communicate(timeout=120)[1] for each in both]
    assert [each.returncode for each in both] == [0, 0]
    assert sum("another run is writing the same outputs" in each for each in messages) <= 1
    assert content(repository, "prepare") == before
    assert drafts(repository) == []
