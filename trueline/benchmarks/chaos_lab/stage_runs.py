"""Stage runs: one stage of a project as a process that can be killed, limited, or given another environment."""

import multiprocessing
import os
import resource
import runpy
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from trueline.benchmarks.chaos_lab.small_project import SmallProject
from trueline.benchmarks.lie_lab.scratch_project import CODE_FOLDERS, PRELOADED

TIMEOUT_SECONDS = 900
# what the stages load besides, so that it is loaded once; not TensorFlow, whose threads do not survive a fork
LIBRARIES = (*PRELOADED, "catboost", "xgboost", "sklearn.ensemble", "sklearn.isotonic", "skops.io", "h5py", "pydantic")


class Run(NamedTuple):
    """What a process came to: its exit code, negative if a signal ended it, and all that it wrote on standard error."""

    exit_code: int
    messages: str
    seconds: float

    @property
    def is_killed(self) -> bool:
        """Whether kill -9 ended it."""
        return self.exit_code == -signal.SIGKILL


def run_forked(
    project: SmallProject, stage: str, kill_after: float | None = None, largest_file: int | None = None
) -> Run:
    """Run a stage in a process forked from one that has loaded the libraries, and none of any project's code.

    It is killed, if it still runs then, after some seconds. `largest_file` is how large a file may grow, in bytes.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(LIBRARIES))
    messages = _name_messages(project)
    messages.unlink(missing_ok=True)
    process = context.Process(target=_run_in_child, args=(project, stage, messages, largest_file))
    begin = time.monotonic()
    process.start()
    process.join(TIMEOUT_SECONDS if kill_after is None else kill_after)
    if process.is_alive():
        process.kill()
        process.join()
    return Run(process.exitcode or 0, read_messages(messages), time.monotonic() - begin)


def start_fresh(
    project: SmallProject, stage: str, environment: Mapping[str, str] | None = None, open_files: int | None = None
) -> subprocess.Popen[bytes]:
    """Start a stage as a user does, with further variables in its environment, and how many files it may have open."""
    with _name_messages(project).open("wb") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", f"stages.{stage}", project.task],
            cwd=project.folder,
            env=_make_environment(project) | dict(environment or {}),
            stdout=subprocess.DEVNULL,
            stderr=stream,
            preexec_fn=None if open_files is None else partial(_set_limit, resource.RLIMIT_NOFILE, open_files),
        )


def end_fresh(process: subprocess.Popen[bytes], project: SmallProject) -> Run:
    """Wait for a started stage and return what it came to."""
    begin = time.monotonic()
    process.wait(TIMEOUT_SECONDS)
    return Run(process.returncode, read_messages(_name_messages(project)), time.monotonic() - begin)


def run_command(project: SmallProject, *command: str) -> Run:
    """Run any command in a project's folder."""
    begin = time.monotonic()
    done = subprocess.run(
        command,
        cwd=project.folder,
        env=_make_environment(project),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )
    return Run(done.returncode, done.stdout + done.stderr, time.monotonic() - begin)


def name_temporary_folder(project: SmallProject) -> Path:
    """Return the folder in which the project's stages put temporary files: it lies on the same disk as the project."""
    return project.folder / ".temporary"


def read_messages(path: Path) -> str:
    """Return a file of messages as text, whatever bytes are in it."""
    return path.read_bytes().decode("utf-8", "replace") if path.exists() else ""


def _name_messages(project: SmallProject) -> Path:
    """Return the file of standard error, beside the project's disk: it can be written when that one is full."""
    return project.folder.parents[1] / f"{project.folder.parent.name}-{project.folder.name}.messages"


def _make_environment(project: SmallProject) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(name_temporary_folder(project))}


def _set_limit(name: int, value: int) -> None:
    """Lower a limit of this process; what may be raised again stays as it is."""
    resource.setrlimit(name, (value, resource.getrlimit(name)[1]))


def _run_in_child(project: SmallProject, stage: str, messages: Path, largest_file: int | None) -> None:
    """Run a stage as a program with the code of the project; must be called in a process that ends after it."""
    with messages.open("wb") as stream, open(os.devnull, "wb") as nowhere:
        os.dup2(stream.fileno(), sys.stderr.fileno())
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    os.environ["TMPDIR"] = tempfile.tempdir = str(name_temporary_folder(project))
    for name in [name for name in sys.modules if name.partition(".")[0] in CODE_FOLDERS]:
        del sys.modules[name]
    os.chdir(project.folder)
    sys.path.insert(0, str(project.folder))
    warnings.filterwarnings("ignore", "NumPy was imported before")  # under the same pins
    if largest_file is not None:
        _set_limit(resource.RLIMIT_FSIZE, largest_file)
    sys.argv = [stage, project.task]
    runpy.run_module(f"stages.{stage}", run_name="__main__", alter_sys=True)
