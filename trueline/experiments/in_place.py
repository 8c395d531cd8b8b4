"""In place: one experiment run in the workspace, whose files are put back should it fail or be interrupted."""

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

RESTORED_PATHS = (str(PARAMS_FILE), "dvc.lock", "metrics")  # what a run in the workspace changes of what git tracks
GRACE_SECONDS = 10  # seconds in which an interrupted run may end by itself


def run_in_workspace(launch: Launch) -> None:
    """Run one experiment in the workspace; where it fails, params, lock and metrics are put back as they were.

    So they are after Ctrl-C, once all that was run has ended. Refuses a name that is taken and a source that is not
    there.
    """
    require_free_names([launch.name])
    path = resolve_source(launch.task, launch.overrides, read_current_params())
    if not path.exists():
        raise UserError(f"{launch.name}: the source {path} does not exist.")
    with _restore_on_failure():
        output, exit_code = _run_command(dvc_queue.build_dvc_command(*launch.build_command(queued=False)))
        if exit_code:
            raise UserError(f"{launch.name} failed: {dvc_queue.find_last_error(output)}")


def _run_command(command: Sequence[str]) -> tuple[str, int]:
    """Run a command, repeat what it says, and return that with its code; after Ctrl-C nothing of it lives on."""
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
    """Wait for a process and its descendants, which Ctrl-C reached as well, and kill those that stay."""
    _, staying = psutil.wait_procs(_list_process_family(pid), timeout=GRACE_SECONDS)
    remaining = [*_list_process_family(pid), *staying]  # the run itself first, that it may start no other
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
    """Let another Ctrl-C pass unheard within the block."""
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
    """Put back what a run writes and git tracks, edits included, should the block fail."""
    snapshot = (
        git.run_git("stash", "create").decode().strip() or "HEAD"
    )  # a commit of all edits; no branch holds it, no file changes
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
