"""In place: one experiment run in the workspace, whose files are put back should it fail or be interrupted."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import psutil

from core.params import FILE
from core.refusals import Refusal
from experiments import queue, repository
from experiments.assignments import current, source
from experiments.run import Launch, free

WRITTEN = (str(FILE), "dvc.lock", "metrics")  # what a run in the workspace changes of what git tracks
GRACE = 10  # seconds in which an interrupted run may end by itself


def now(launch: Launch) -> None:
    """Run one experiment in the workspace; where it fails, params, lock and metrics are put back as they were.

    So they are after Ctrl-C, once all that was run has ended. Refuses a name that is taken and a source that is not
    there.
    """
    free([launch.name])
    path = source(launch.task, launch.knobs, current())
    if not path.exists():
        raise Refusal(f"{launch.name}: the source {path} does not exist.")
    with _put_back():
        said, code = _watched(queue.dvc(*launch.command(queued=False)))
        if code:
            raise Refusal(f"{launch.name} failed: {queue.last_error(said)}")


def _watched(command: Sequence[str]) -> tuple[str, int]:
    """Run a command, repeat what it says, and return that with its code; after Ctrl-C nothing of it lives on."""
    with subprocess.Popen(
        command, env=queue.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as running:
        try:
            return "".join(_echo(running)), running.wait()
        except KeyboardInterrupt:
            with _deaf():
                _ended(running.pid)
            raise


def _ended(pid: int) -> None:
    """Wait for a process and its descendants, which Ctrl-C reached as well, and kill those that stay."""
    _, staying = psutil.wait_procs(_family(pid), timeout=GRACE)
    rest = [*_family(pid), *staying]  # the run itself first, that it may start no other
    for process in rest:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(rest, timeout=GRACE)


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@contextmanager
def _deaf() -> Iterator[None]:
    """Let another Ctrl-C pass unheard within the block."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _echo(running: "subprocess.Popen[bytes]") -> Iterator[str]:
    for line in running.stdout or ():
        text = line.decode(errors="replace")
        sys.stderr.write(text)
        yield text


@contextmanager
def _put_back() -> Iterator[None]:
    """Put back what a run writes and git tracks, edits included, should the block fail."""
    before = (
        repository.git("stash", "create").decode().strip() or "HEAD"
    )  # a commit of all edits; no branch holds it, no file changes
    try:
        yield
    except KeyboardInterrupt:
        with _deaf():
            _restore(before)
        raise
    except BaseException:
        _restore(before)
        raise


def _restore(before: str) -> None:
    files = repository.git("ls-tree", "-r", "--name-only", before, "--", *WRITTEN).decode().splitlines()
    repository.git("restore", "--source", before, "--worktree", "--", *files)
