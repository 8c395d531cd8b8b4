"""Stage processes: a stage, or another program, run as a process of its own, with what it costs or why it fails."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from tempfile import TemporaryFile
from time import perf_counter

from trueline.core.errors import UserError
from trueline.core.runtime.memory import OFF_VARIABLE

RSS_UNIT = 2**30 if sys.platform == "darwin" else 2**20  # units of peak memory in a GiB: bytes on macOS, else KiB


@dataclass(frozen=True)
class StageCost:
    """What a stage's process took: seconds of wall and CPU, without those of its workers, and its peak memory."""

    wall_seconds: float
    cpu_seconds: float
    peak_gib: float


def measure_stage(stage: str, task: str, folder: Path) -> StageCost:
    """Run a stage of a task in a folder, with this repository's code, and return what its process took.

    It recalls no results of earlier runs. Raises UserError if it fails.
    """
    environment = {**os.environ, OFF_VARIABLE: "1", "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-m", f"stages.{stage}", task]
    with TemporaryFile("w+") as messages:
        start = perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=messages)
        _, status, usage = os.wait4(process.pid, 0)
        wall_seconds, process.returncode = perf_counter() - start, os.waitstatus_to_exitcode(status)
        messages.seek(0)
        _require_success(process.returncode, messages.read(), f"{stage} of {task}")
    return StageCost(wall_seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / RSS_UNIT)


def run_stage(stage: str, task: str, folder: Path, uses_memory: bool = False) -> float:
    """Run a stage of a task in a folder that holds the code, and return its CPU seconds with those of its workers.

    Raises UserError if it fails. Without `uses_memory` it recalls no results of earlier runs.
    """
    environment = {name: value for name, value in os.environ.items() if name != OFF_VARIABLE}
    if not uses_memory:
        environment[OFF_VARIABLE] = "1"
    return run_program([sys.executable, "-m", f"stages.{stage}", task], folder, environment, f"{stage} of {task}")


def run_program(command: Sequence[str], folder: Path, environment: Mapping[str, str], label: str) -> float:
    """Run a program in a folder, and return its CPU seconds with those of its child processes.

    Raises UserError with the label and the last line of its messages if it fails. No other child process may end
    meanwhile, as its seconds would be counted too.
    """
    before = getrusage(RUSAGE_CHILDREN)
    process = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    after = getrusage(RUSAGE_CHILDREN)
    _require_success(process.returncode, process.stderr, label)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _require_success(exit_code: int, messages: str, label: str) -> None:
    if exit_code:
        last_line = (messages.strip().splitlines() or ["no reason given"])[-1]
        raise UserError(f"{label} fails: {last_line}")
