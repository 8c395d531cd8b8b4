"""Where nothing can be written, reading works, and writing ends with one sentence that leaves every file whole."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests import promoted_repo
from tests.experiments import toy_model
from trueline.experiments.ledger.append_only_file import LEDGER_FILE
from trueline.experiments.running.params_backup import BACKUP_FILE

READING = (("list",), ("show", "sharp"), ("best",), ("leaderboard",), ("promote", "sharp", "--dry-run"))
WRITING = (("note", "sharp", "it learned"), ("promote", "sharp"))


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of 6 MB with a repository of promoted models and one with DVC's queue."""
    folder = tmp_path_factory.mktemp("disk")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        promoted_repo.experiment(promoted_repo.make_repository(folder / "repository"), "sharp", skill=0.7, seed=1)
        toy_model.make(folder / "toy")
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def full_disk(disk: Path) -> Iterator[Path]:
    """The disk without a free byte."""
    file = disk / "filling"
    with suppress(OSError), file.open("wb", buffering=0) as stream:
        while stream.write(bytes(4096)):
            pass
    yield disk
    file.unlink()


def run(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = toy_model.environment(folder) | {"DVC_SITE_CACHE_DIR": "/dev/null/site"} | variables
    command = [sys.executable, "-m", "trueline.experiments", *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, encoding="utf-8"
    )


def assert_one_sentence(process: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert process.returncode == 1, process.stdout
    (line,) = process.stderr.strip().splitlines()
    assert line.startswith("experiments: ")
    assert all(part in line for part in parts), line


def test_on_a_full_disk_reading_works_and_writing_says_that_there_is_no_room(full_disk: Path) -> None:
    repository = full_disk / "repository"
    for words in READING:
        process = run(repository, *words)
        assert (process.returncode, process.stderr) == (0, ""), words
    for words in WRITING:
        assert_one_sentence(run(repository, *words), "No space left on device")
    assert promoted_repo.git(repository, "tag") == ""
    assert not (repository / LEDGER_FILE).exists() or (repository / LEDGER_FILE).read_bytes() == b""


def test_an_enqueue_on_a_full_disk_leaves_params_whole(full_disk: Path) -> None:
    toy = full_disk / "toy"
    before = (toy / "params.yaml").read_bytes()
    words = (
        "--queue",
        "--task",
        "props",
        "--name",
        "DEEP",
        "--hypothesis",
        "deeper is better",
        "-S",
        "train.props.xgboost_trees.depth=4",
    )
    assert_one_sentence(run(toy, "run", *words))
    assert (toy / "params.yaml").read_bytes() == before


def test_on_a_read_only_file_system_reading_works_and_writing_says_why_not(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    try:
        for words in READING:
            process = run(disk / "repository", *words)
            assert (process.returncode, process.stderr) == (0, ""), words
        for words in WRITING:
            assert_one_sentence(run(disk / "repository", *words), "Read-only file system")
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)


def test_without_a_home_and_in_a_locale_of_ascii_every_text_is_kept(tmp_path: Path) -> None:
    folder = promoted_repo.make_repository(tmp_path / "repository")
    promoted_repo.experiment(folder, "sharp", skill=0.7, seed=1, hypothesis="naïve × plain")
    promoted_repo.git(folder, "config", "user.name", "Zoë")
    plain = {"HOME": "/dev/null/home", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for words in (("note", "sharp", "größer × besser"), *READING, ("promote", "sharp")):
        process = run(folder, *words, **plain)
        assert (process.returncode, process.stderr) == (0, ""), words
    assert '"by": "Zoë"' in (folder / LEDGER_FILE).read_text(encoding="utf-8")
    shown = run(folder, "show", "sharp").stdout
    assert "größer × besser" in shown
    assert "naïve × plain" in shown
    undecodable = run(folder, "note", "sharp", os.fsdecode(b"\xff"), **plain)
    assert_one_sentence(undecodable, "is not text")


def test_an_enqueue_that_is_killed_leaves_params_as_they_were_for_the_next_run(tmp_path: Path) -> None:
    toy = toy_model.make(tmp_path / "toy")
    before = (toy / "params.yaml").read_bytes()
    words = (
        "--queue",
        "--task",
        "props",
        "--hypothesis",
        "deeper is better",
        "-S",
        "train.props.xgboost_trees.depth=4",
    )
    command = [sys.executable, "-m", "trueline.experiments", "run", "--name", "DEEP", *words]
    with subprocess.Popen(command, cwd=toy, env=toy_model.environment(toy), start_new_session=True) as process:
        while not (toy / BACKUP_FILE).exists() and process.poll() is None:
            time.sleep(0.01)
        while (toy / "params.yaml").read_bytes() == before and process.poll() is None:
            time.sleep(0.001)
        children = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGKILL)
    psutil.wait_procs(children, 60)  # DVC takes a process that nobody has waited for as alive, and its lock as held
    index_lock = toy / ".git/index.lock"
    index_lock.touch()  # what a kill leaves while DVC writes git's index
    again = [sys.executable, "-m", "trueline.experiments", "run", "--name", "AGAIN", *words]
    output = toy_model.call(toy, *again, code=1)
    assert ".git/index.lock" in output
    assert "remove that file and run this again" in output
    assert (toy / "params.yaml").read_bytes() == before
    index_lock.unlink()
    toy_model.call(toy, *again)
    assert (toy / "params.yaml").read_bytes() == before
