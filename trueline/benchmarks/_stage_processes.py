"""Stage processes: a stage, or another program, run as a process of its own, with what it costs or why it fails."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from trueline.core.errors import UserError
from trueline.core.runtime.memory import OFF_VARIABLE


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
    if process.returncode:
        last_line = (process.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UserError(f"{label} fails: {last_line}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
