"""The queue: what DVC's local queue holds, told truly, its worker started, and what a kill left put in order.

DVC calls a task running for ever when its worker was killed. Here a task runs only while the worker that took it lives.
The state is read from the files that DVC and celery keep under `.dvc/tmp/exps`; nothing else is stored.
"""

import base64
import fcntl
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import psutil

from core.refusals import Refusal

Status = Literal["pending", "running", "completed", "failed"]
HOME = Path(".dvc/tmp/exps")
STARTED = 20  # seconds in which a worker that was started must be there
RUN_EXP = "dvc.repo.experiments.queue.tasks.run_exp"  # the kind of message that is an experiment


@dataclass(frozen=True)
class Task:
    """One experiment that went through the queue; a name may come again, the older first.

    `rev` is the commit of the queue entry, which holds its params. `error` is one line, of failed tasks only.
    """

    name: str
    rev: str
    status: Status
    created: datetime
    error: str | None


@dataclass(frozen=True)
class _Message:
    """A message that holds an experiment: waiting, or taken by a worker, which moved its file."""

    file: Path
    id: str
    name: str
    rev: str
    taken: bool
    created: float
    moved: float

    def record(self, ending: str) -> Path:
        """Return where DVC keeps a record of its run: `json` its process, `run` its result, `out` its log."""
        return HOME / "run" / self.rev / f"{self.rev}.{ending}"


def tasks() -> list[Task]:
    """Return what the queue of this repository holds and has done, oldest first."""
    found = [_task(message) for message in _messages()]
    return sorted(found, key=lambda task: task.created)


def log(rev: str) -> str:
    """Return what the run of a queue entry has said so far."""
    file = HOME / "run" / rev / f"{rev}.out"
    return file.read_text(errors="replace") if file.exists() else ""


def stages(said: str) -> list[str]:
    """Return the stages that a log says were run so far, in order."""
    return re.findall(r"^Running stage '(.+)'", said, flags=re.MULTILINE)


def last_error(said: str) -> str:
    """Return the line of a log that says what went wrong: the stage's own last one, or that it was killed."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", said) if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    if errors and re.search(r"exited with -\d+$", errors[-1]):
        return errors[-1]
    if errors:
        first = lines.index(f"ERROR: {errors[0]}")
        own = [line for line in _after_command(lines[:first]) if not line.startswith("WARNING")]
        return own[-1] if own else errors[0]
    run = stages(said)
    return f"killed while {run[-1]} ran" if run else "killed before its first stage"


def worker() -> bool:
    """Return whether a worker of this repository lives."""
    return any(True for _ in _workers())


def start() -> None:
    """Start one worker unless one lives, without the call to shut down that `dvc queue stop` may have left for it."""
    with (HOME / "starting").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two who watch would start two
        if not worker():
            for file in _messages_in("in", "*.pidbox.msg"):
                file.unlink(missing_ok=True)
            for message in _messages():
                if message.taken and _task(message).status == "pending":
                    message.file.rename(HOME / "celery/broker/in" / message.file.name)
            _spawn()


def settle() -> list[str]:
    """End what dead tasks left running, take their folders away, mark them failed in DVC; return their names."""
    ended = [message for message in _messages() if message.taken and _task(message).status in ("completed", "failed")]
    unmarked = [message for message in ended if not _answer(message)]
    for folder in {*filter(None, map(_folder, ended)), *_strays()}:
        _end(folder)
        shutil.rmtree(folder, ignore_errors=True)
    if unmarked:
        _mark(unmarked)
    return [message.name for message in unmarked]


def dvc(*words: str) -> list[str]:
    """Return the command that runs DVC of this environment."""
    return [sys.executable, "-m", "dvc", *words]


def environment() -> dict[str, str]:
    """Return the environment in which stages find this Python."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path}


def _spawn() -> None:
    # its own session: Ctrl-C here must not reach it; no pipe: it would hold it open for as long as it lives
    quiet = subprocess.DEVNULL
    command = dvc("queue", "start")
    subprocess.run(command, env=environment(), stdout=quiet, stderr=quiet, start_new_session=True, check=False)
    until = time.monotonic() + STARTED
    while not worker():
        if time.monotonic() > until:
            raise Refusal("DVC's worker does not start; `dvc queue start -v` says why.")
        time.sleep(0.1)


def _messages() -> list[_Message]:
    """Return the messages that hold an experiment; one that is taken while we look is seen twice, and is taken."""
    files = [(file, folder == "processed") for folder in ("in", "processed") for file in _messages_in(folder, "*.msg")]
    found = [message for file, taken in files if (message := _message(file, taken))]
    return list({message.id: message for message in found}.values())


def _message(file: Path, taken: bool) -> _Message | None:
    try:
        message, times = json.loads(file.read_bytes()), file.stat()
    except (FileNotFoundError, ValueError):  # moved, or written, at this moment
        return None
    if message["headers"].get("task") != RUN_EXP:
        return None
    entry = json.loads(base64.b64decode(message["body"]))[0][0]
    name = entry["name"] or entry["stash_rev"][:7]
    return _Message(file, message["headers"]["id"], name, entry["stash_rev"], taken, times.st_mtime, times.st_ctime)


def _messages_in(folder: str, pattern: str) -> list[Path]:
    return sorted((HOME / "celery/broker" / folder).glob(pattern))


def _task(message: _Message) -> Task:
    created = datetime.fromtimestamp(message.created, UTC)
    if not message.taken:
        return Task(message.name, message.rev, "pending", created, None)
    answer = _answer(message)
    if not answer and _lives(message):
        return Task(message.name, message.rev, "running", created, None)
    if not answer and not message.record("run").exists():  # its worker went down before anything of it began
        return Task(message.name, message.rev, "pending", created, None)
    if answer and _read(message.record("run")).get("result_ref"):
        return Task(message.name, message.rev, "completed", created, None)
    return Task(message.name, message.rev, "failed", created, _error(message, answer))


def _error(message: _Message, answer: dict[str, Any]) -> str:
    said, fault = log(message.rev), answer.get("result")
    if _read(message.record("json")).get("returncode") == 0:
        return "it ran to its end, but was stopped before its results were kept; run it again"
    if not said and isinstance(fault, dict):  # it never came to run: its folder could not be made
        return " ".join([fault["exc_type"], *map(str, fault.get("exc_message") or ())])
    return last_error(said)


def _answer(message: _Message) -> dict[str, Any]:
    """Return what the worker said when a task was done; empty while it is not, and where the worker died."""
    return _read(HOME / "celery/result" / f"celery-task-meta-{message.id}")


def _lives(message: _Message) -> bool:
    """Return whether a task that has no answer is still at work: the worker that took it lives."""
    process = _process(_read(message.record("json")).get("pid"), "exec-run", message.rev)
    if process:
        return process.ppid() in {each.pid for each, _ in _workers()}
    return any(begun <= message.moved for _, begun in _workers())


def _workers() -> Iterator[tuple[psutil.Process, float]]:
    """Yield the workers that live, each with the time it was started."""
    for file in (HOME / "celery").glob("dvc-exp-worker-*.json"):
        if process := _process(_read(file).get("pid"), "queue-worker"):
            yield process, file.stat().st_mtime


def _process(pid: Any, *words: str) -> psutil.Process | None:
    """Return the process of a number if its command holds some words: numbers are given again."""
    try:
        process = psutil.Process(int(pid))
        command = " ".join(process.cmdline())
        alive = process.status() != psutil.STATUS_ZOMBIE
    except (TypeError, ValueError, psutil.Error):
        return None
    return process if alive and all(word in command for word in words) else None


def _folder(message: _Message) -> Path | None:
    """Return the folder that a task was run in, only if it is one of DVC's own."""
    said = _read(message.record("run")).get("root_dir")
    folder = Path(said) if said else None
    return folder if folder and folder.parent.resolve() == HOME.resolve() and folder.name.startswith("tmp") else None


def _strays() -> Iterator[Path]:
    """Yield the folders that no worker can be at work in: one that is killed while it makes a folder records none."""
    yield from () if worker() else (folder.absolute() for folder in HOME.glob("tmp*") if folder.is_dir())


def _end(folder: Path) -> None:
    """Kill the processes that work in a folder; the run itself first, that it may start no other."""
    found = [process for process in psutil.process_iter() if _works_in(process, folder)]
    for process in sorted(found, key=lambda each: each.pid):
        process.kill()
    psutil.wait_procs(found, timeout=10)


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        cwd = Path(process.cwd().removesuffix(" (deleted)"))
    except psutil.Error:
        return False
    return cwd == folder or folder in cwd.parents


def _mark(messages: Sequence[_Message]) -> None:
    """Have DVC call tasks failed, too, and keep their entries; `dvc queue kill` alone would let git forget them."""
    from dvc.repo import Repo  # half a second that readers need not wait for

    logging.getLogger("kombu").setLevel(logging.ERROR)  # it warns that a queue of files has no host
    for message in messages:
        if process := _read(message.record("json")):  # else DVC would kill whoever has the number now
            message.record("json").write_text(json.dumps({**process, "returncode": process["returncode"] or -9}))
    revs = {message.rev for message in messages}
    with Repo() as repo:
        queue = repo.experiments.celery_queue
        entries = [entry for entry in queue.iter_active() if entry.stash_rev in revs]
        queue.kill([entry.stash_rev for entry in entries])
        for entry in entries:
            queue.stash_failed(entry)


def _read(file: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return found


def _after_command(lines: Sequence[str]) -> Iterable[str]:
    """Return the lines after the last command that DVC ran."""
    commands = [number for number, line in enumerate(lines) if line.startswith("> ")]
    return lines[commands[-1] + 1 :] if commands else lines
