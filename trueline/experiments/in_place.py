"""Run one experiment in the workspace and restore its files if the run fails or is interrupted."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import psutil

from trueline.core.errors import UserError
from trueline.core.runtime.params import PARAMS_FILE
from trueline.experiments.running.launch import Launch, require_free_names
from trueline.experiments.spec.dvc_overrides import read_current_params, resolve_source
from trueline.experiments.store import dvc_queue, git

# the files tracked by git that a run in the workspace changes
RESTORED_PATHS = (str(PARAMS_FILE), "dvc.lock", "metrics")
GRACE_SECONDS = 10  # how long an interrupted run may take to end by itself


def run_in_workspace(launch: Launch) -> None:
    """Run one experiment in the workspace; if it fails, params.yaml, dvc.lock and metrics are restored.

    Ctrl-C restores them too, once every process of the run has ended. Raises UserError if the name is taken, the source
    does not exist or the run fails.
    """
    require_free_names([launch.name])
    path = resolve_source(launch.task, launch.overrides, read_current_params())
    if not path.exists():
        raise UserError(
            f"{launch.name}: the source {path} does not exist; point tasks.{launch.task}.source at the data."
        )
    with _restore_on_failure():
        output, exit_code = _run_command(dvc_queue.build_dvc_command(*launch.build_command(queued=False)))
        if exit_code:
            raise UserError(f"{launch.name} failed: {dvc_queue.find_last_error(output)}")


def _run_command(command: Sequence[str]) -> tuple[str, int]:
    """Run a command and return its output, echoed to stderr, and its exit code; Ctrl-C ends all its processes."""
    with subprocess.Popen(
        command, env=dvc_queue.build_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            return "".join(_iterate_echoed_lines(process)), process.wait()
        except KeyboardInterrupt:
            with _ignore_interrupts():
                _stop_process_family(process.pid)
            raise


def _stop_process_family(pid: int) -> None:
    """Wait for a process and its descendants, which also got the Ctrl-C, and kill those that have not ended in time."""
    _, staying = psutil.wait_procs(_list_process_family(pid), timeout=GRACE_SECONDS)
    remaining = [*_list_process_family(pid), *staying]  # parent first, so that it cannot start new children
    for process in remaining:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(remaining, timeout=GRACE_SECONDS)


def _list_process_family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@contextmanager
def _ignore_interrupts() -> Iterator[None]:
    """Ignore further Ctrl-C inside the block."""
    previous_handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous_handler)


def _iterate_echoed_lines(process: "subprocess.Popen[bytes]") -> Iterator[str]:
    for line in process.stdout or ():
        text = line.decode(errors="replace")
        sys.stderr.write(text)
        yield text


@contextmanager
def _restore_on_failure() -> Iterator[None]:
    """Restore the tracked files that a run writes, including uncommitted edits, if the block raises."""
    # a commit of all edits that is on no branch; making it changes no file
    snapshot = git.run_git("stash", "create").decode().strip() or "HEAD"
    try:
        yield
    except KeyboardInterrupt:
        with _ignore_interrupts():
            _restore_files(snapshot)
        raise
    except BaseException:
        _restore_files(snapshot)
        raise


def _restore_files(snapshot: str) -> None:
    files = git.run_git("ls-tree", "-r", "--name-only", snapshot, "--", *RESTORED_PATHS).decode().splitlines()
    git.run_git("restore", "--source", snapshot, "--worktree", "--", *files)
