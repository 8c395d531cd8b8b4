"""Dask as the engine: results of the local one in order, no word beside progress, and one sentence when it fails."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.core.compute import dask_jobs
from trueline.core.compute import dask_engine
from trueline.core.compute.parallel import run_in_parallel
from trueline.core.errors import EngineError

ROOT = Path(__file__).parents[3]
SQUARES = [0, 1, 4, 9, 16, 25]
PROGRESS = re.compile(r"^(\w+:\s+\d+%.*)?$")
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}


def start_jobs(folder: Path, scheduler: str, *names: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.core.compute.dask_jobs", scheduler, *names]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, **pipes)


def read_outcomes(process: "subprocess.Popen[str]") -> list[Any]:
    """Return what each kind of job came to, after a check that nothing but progress was printed to the console."""
    stdout, stderr = process.communicate(timeout=300)
    assert process.returncode == 0, stderr
    lines = [line for part in stderr.split("\n") for line in part.split("\r")]
    assert [line for line in lines if not PROGRESS.match(line)] == []
    outcomes: list[Any] = json.loads(stdout)
    return outcomes


@pytest.fixture
def address() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def scheduler(address: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A scheduler of Dask at the address, with one worker that was started by the command for it."""
    host, port = address.removeprefix("tcp://").split(":")
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", host, "--port", port, "--no-dashboard"]
    scheduler = subprocess.Popen(dask, cwd=ROOT, **quiet)
    worker = subprocess.Popen(
        [sys.executable, "-m", "trueline", "worker", address], cwd=ROOT, start_new_session=True, **quiet
    )
    yield scheduler
    scheduler.kill()
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
    scheduler.wait()


def test_jobs_give_what_local_ones_give_although_a_worker_is_killed_and_one_sentence_says_that_all_were(
    tmp_path: Path,
) -> None:
    place, squares, refusal = read_outcomes(
        start_jobs(tmp_path, "", "describe_place", "square_and_die_once", "die_at_three")
    )
    assert place == [[item, "1", str(tmp_path)] for item in range(6)]
    assert (tmp_path / "killed").exists()
    assert squares == run_in_parallel(dask_jobs.square, range(6), 1, "square") == SQUARES
    # the last nanny may die with the workers that it starts again
    assert refusal.startswith(
        ("a job ended every Dask worker that it was given to", "every Dask worker of this command")
    )


def test_a_worker_that_ends_between_jobs_with_an_error_is_replaced_without_a_word(tmp_path: Path) -> None:
    (squares,) = read_outcomes(start_jobs(tmp_path, "", "square_and_end_with_an_error"))
    assert (tmp_path / "failed").exists()
    assert squares == SQUARES


def test_what_a_job_prints_reaches_the_console(tmp_path: Path) -> None:
    process = start_jobs(tmp_path, "", "warn_once")
    assert "a job's own warning" in process.communicate(timeout=300)[1]
    assert process.returncode == 0


def test_a_running_scheduler_serves_a_second_command_and_its_loss_is_one_sentence(
    scheduler: "subprocess.Popen[bytes]", address: str, tmp_path: Path
) -> None:
    squares, refusal = read_outcomes(start_jobs(tmp_path, address, "square", "other_code"))
    assert squares == SQUARES
    assert "has not the code or libraries of this command; start it again in the folder" in refusal

    process = start_jobs(tmp_path, address, "wait_and_square")
    while not (tmp_path / "begun").exists():
        assert process.poll() is None
        time.sleep(0.1)
    scheduler.kill()
    assert read_outcomes(process) == [
        f"the Dask scheduler {address} was lost while it had jobs; start it and its workers again, and run the same "
        "command."
    ]


def test_a_scheduler_that_does_not_answer_is_one_sentence(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_engine, "CONNECT_SECONDS", 1)
    with pytest.raises(EngineError, match=f"^no Dask scheduler answers at {address} .* within 1 seconds; start one"):
        next(dask_engine.run_jobs(dask_jobs.square, [1], 1, address))
