"""Atomic outputs: whole or not at all, one writer at a time, equal values as equal bytes."""

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import trueline.core
from trueline.core.errors import UserError
from trueline.core.runtime.atomic_outputs import _remove_folder, open_atomic_outputs, write_json

ROOT = Path(trueline.core.__file__).parents[2]
WRITER = """
import sys, time
from pathlib import Path
from trueline.core.runtime.atomic_outputs import write_json, open_atomic_outputs

with open_atomic_outputs("job", {"scores": Path("out/scores.json"), "model": Path("out/model")}) as drafts:
    with open("log", "a") as log:
        log.write(f"{sys.argv[1]} begins\\n")
    write_json({"value": 1 / 3}, drafts["scores"])
    drafts["model"].mkdir()
    while not Path(f"{sys.argv[1]} may end").exists():
        time.sleep(0.01)
    (drafts["model"] / "trees").write_text("trees")
    with open("log", "a") as log:
        log.write(f"{sys.argv[1]} ends\\n")
"""
Start = Callable[[str], subprocess.Popen[str]]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a writing process by name; it writes until a file called "<name> may end" appears."""
    begun: list[subprocess.Popen[str]] = []

    def start(name: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", WRITER, name]
        begun.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.communicate()


def until(true: Callable[[], bool]) -> None:
    """Wait until something is true, 20 seconds at most."""
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def log() -> list[str]:
    return Path("log").read_text().splitlines() if Path("log").exists() else []


def contents() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(Path("out").rglob("*")) if path.is_file()}


def put(text: str, fail: Exception | None = None) -> None:
    with open_atomic_outputs("job", {"a": Path("out/a.txt"), "b": Path("out/b")}) as drafts:
        drafts["a"].write_text(text)
        drafts["b"].mkdir()
        (drafts["b"] / "c").write_text(text)
        if fail:
            raise fail


def test_a_killed_writer_leaves_nothing_in_place_and_a_rerun_gives_the_bytes_of_a_quiet_run(start: Start) -> None:
    killed = start("killed")
    until(lambda: Path("out/.model.draft").exists())
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not Path("out/scores.json").exists()
    assert not Path("out/model").exists()
    Path("rerun may end").touch()
    assert start("rerun").wait(20) == 0
    after = contents()
    Path("quiet may end").touch()
    assert start("quiet").wait(20) == 0
    assert contents() == after
    assert set(after) == {"out/scores.json", "out/model/trees"}


def test_a_killed_writer_leaves_the_outputs_of_the_run_before_it(start: Start) -> None:
    Path("first may end").touch()
    assert start("first").wait(20) == 0
    before = contents()
    killed = start("killed")
    until(lambda: "killed begins" in log())
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert {name: read for name, read in contents().items() if ".draft" not in name} == before


def test_a_second_writer_waits_for_the_first_and_says_so(start: Start) -> None:
    first = start("first")
    until(lambda: "first begins" in log())
    second = start("second")
    assert second.stderr is not None
    assert second.stderr.readline() == "job: another run is writing the same outputs; waiting for it to end\n"
    assert log() == ["first begins"]
    Path("second may end").touch()
    Path("first may end").touch()
    assert first.wait(20) == 0
    assert second.wait(20) == 0
    assert log() == ["first begins", "first ends", "second begins", "second ends"]


def test_a_writer_that_was_killed_keeps_nobody_waiting(start: Start) -> None:
    killed = start("killed")
    until(lambda: "killed begins" in log())
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    put("after")
    assert contents()["out/a.txt"] == b"after"


def test_outputs_appear_together_when_the_block_ends_well() -> None:
    put("one")
    assert contents() == {"out/a.txt": b"one", "out/b/c": b"one"}


def test_outputs_replace_those_of_the_run_before() -> None:
    put("one")
    Path("out/b/old").write_text("old")
    put("two")
    assert contents() == {"out/a.txt": b"two", "out/b/c": b"two"}


def test_a_folder_that_cannot_be_put_in_place_leaves_the_one_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    put("one")
    replace = os.replace

    def refuse_drafts(source: Path, target: Path) -> None:
        if source.name == ".b.draft":
            raise OSError(errno.EROFS, "read-only")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse_drafts)
    with pytest.raises(OSError, match="read-only"):
        put("two")
    assert contents()["out/b/c"] == b"one"
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.txt", "b"]


def test_a_link_to_a_folder_is_replaced_and_what_it_leads_to_stays() -> None:
    Path("elsewhere").mkdir()
    Path("elsewhere/kept").touch()
    Path("out").mkdir()
    Path("out/b").symlink_to(Path("elsewhere").absolute())
    put("one")
    assert contents() == {"out/a.txt": b"one", "out/b/c": b"one"}
    assert Path("elsewhere/kept").exists()
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.txt", "b"]


def test_a_folder_is_removed_where_one_more_file_may_be_open() -> None:
    Path("folder/a/b/c").mkdir(parents=True)
    Path("folder/a/b/c/file").touch()
    Path("folder/a/link").symlink_to("b")
    next_file = os.open(".", os.O_RDONLY)
    os.close(next_file)
    soft_limit, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_file + 1, hard_limit))
    try:
        _remove_folder(Path("folder"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft_limit, hard_limit))
    assert not Path("folder").exists()


def test_a_block_that_fails_changes_nothing_and_leaves_no_draft() -> None:
    put("one")
    with pytest.raises(ZeroDivisionError):
        put("two", ZeroDivisionError())
    assert contents() == {"out/a.txt": b"one", "out/b/c": b"one"}
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.txt", "b"]


def test_a_stage_that_forgets_an_output_is_rejected_and_publishes_none() -> None:
    targets = {"a": Path("out/a.txt"), "b": Path("out/b.txt")}
    with pytest.raises(UserError, match=r"without writing out/b\.txt"), open_atomic_outputs("job", targets) as drafts:
        drafts["a"].write_text("a")
    assert contents() == {}


def test_jobs_of_other_names_do_not_wait_for_each_other() -> None:
    with (
        open_atomic_outputs("one", {"a": Path("a.txt")}) as one,
        open_atomic_outputs("two", {"b": Path("b.txt")}) as two,
    ):
        one["a"].write_text("a")
        two["b"].write_text("b")
    assert Path("a.txt").read_text() + Path("b.txt").read_text() == "ab"


@pytest.mark.parametrize(
    ("value", "same"),
    [
        ({"b": 1.0, "a": 2}, {"a": 2, "b": 1.0}),
        (0.1 + 0.2, 0.3),
        (np.float32(0.5), 0.5),
        (np.array([1.5, np.nan]), [1.5, None]),
        ((1, 2), [1, 2]),
        (float("inf"), None),
        (-1e-9, 0.0),
        ({1: np.int64(3)}, {"1": 3}),
        (np.bool_(True), True),
    ],
)
def test_equal_values_are_equal_bytes(value: object, same: object) -> None:
    write_json(value, Path("a.json"))
    write_json(same, Path("b.json"))
    assert Path("a.json").read_bytes() == Path("b.json").read_bytes()


def test_json_keeps_as_many_digits_as_asked() -> None:
    write_json({"p": 1 / 3}, Path("a.json"), digits=12)
    assert json.loads(Path("a.json").read_text()) == {"p": 0.333333333333}
