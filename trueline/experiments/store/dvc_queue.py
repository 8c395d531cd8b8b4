"""DVC's local experiment queue: read its true state, start its worker, and clean up after killed tasks.

When a worker is killed, DVC reports its task as running for ever. Here a task is running only while the worker that
took it is alive. The state is read from the files that DVC and celery keep under `.dvc/tmp/exps`; nothing else is
stored.
"""

import base64
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
from filelock import FileLock

from trueline.core.errors import UserError

Status = Literal["pending", "running", "completed", "failed"]
QUEUE_FOLDER = Path(".dvc/tmp/exps")
WORKER_START_SECONDS = 20  # how long a worker may take to start
EXPERIMENT_TASK = "dvc.repo.experiments.queue.tasks.run_exp"  # the celery task of messages that hold an experiment


@dataclass(frozen=True)
class QueuedTask:
    """One experiment that went through the queue; if a name occurs twice, the older task comes first.

    `rev` is the commit of the queue entry, which holds its params. `error` is one line, set for failed tasks only.
    """

    name: str
    rev: str
    status: Status
    created: datetime
    error: str | None


@dataclass(frozen=True)
class _Message:
    """A celery message that holds an experiment; when a worker takes it, its file is moved."""

    file: Path
    id: str
    name: str
    rev: str
    is_taken: bool
    created_at: float
    moved_at: float

    def get_record_path(self, ending: str) -> Path:
        """Return the path of DVC's record of the run; endings: `json` its process, `run` its result, `out` its log."""
        return QUEUE_FOLDER / "run" / self.rev / f"{self.rev}.{ending}"


def list_tasks() -> list[QueuedTask]:
    """Return the tasks in the queue of this repository, finished ones included, oldest first."""
    queued = [_build_task(message) for message in _list_messages()]
    return sorted(queued, key=lambda task: task.created)


def read_log(rev: str) -> str:
    """Return the output so far of the run of a queue entry."""
    file = QUEUE_FOLDER / "run" / rev / f"{rev}.out"
    return file.read_text(errors="replace") if file.exists() else ""


def extract_stages(log_text: str) -> list[str]:
    """Return the stages that have run according to a log, in order."""
    return re.findall(r"^Running stage '(.+)'", log_text, flags=re.MULTILINE)


def find_last_error(log_text: str) -> str:
    """Return the line of a log that says what went wrong: the stage's own last line, or that it was killed."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", log_text) if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    if errors and re.search(r"exited with -\d+$", errors[-1]):
        return errors[-1]
    if errors:
        first_index = lines.index(f"ERROR: {errors[0]}")
        command_lines = _select_after_last_command(lines[:first_index])
        stage_lines = [line for line in command_lines if not line.startswith("WARNING")]
        return stage_lines[-1] if stage_lines else errors[0]
    started_stages = extract_stages(log_text)
    return f"killed while {started_stages[-1]} ran" if started_stages else "killed before its first stage"


def has_worker() -> bool:
    """Return whether a worker of this repository is alive."""
    return any(True for _ in _iterate_workers())


def start_worker() -> None:
    """Start a worker unless one is alive; a shutdown request left over from `dvc queue stop` is removed first.

    Messages that a dead worker took without starting their run are put back into the queue.
    """
    with FileLock(QUEUE_FOLDER / "starting"):  # two watchers at once would start two
        if not has_worker():
            for file in _list_message_files("in", "*.pidbox.msg"):
                file.unlink(missing_ok=True)
            for message in _list_messages():
                if message.is_taken and _build_task(message).status == "pending":
                    message.file.rename(QUEUE_FOLDER / "celery/broker/in" / message.file.name)
            _spawn_worker()


def clean_up_dead_tasks() -> list[str]:
    """Stop processes of ended tasks, remove their folders, mark dead tasks as failed in DVC and return their names."""
    taken_messages = (message for message in _list_messages() if message.is_taken)
    ended = [message for message in taken_messages if _build_task(message).status in ("completed", "failed")]
    unmarked = [message for message in ended if not _read_answer(message)]
    for folder in {*filter(None, map(_find_task_folder, ended)), *_iterate_stray_folders()}:
        _stop_processes_in(folder)
        shutil.rmtree(folder, ignore_errors=True)
    if unmarked:
        _record_as_failed(unmarked)
    return [message.name for message in unmarked]


def build_dvc_command(*arguments: str) -> list[str]:
    """Return the command that runs the DVC of this environment."""
    return [sys.executable, "-m", "dvc", *arguments]


def build_environment() -> dict[str, str]:
    """Return environment variables with which stages find this Python."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path}


def _spawn_worker() -> None:
    # a session of its own, so that Ctrl-C here does not reach it; no pipe, which it would keep open while it lives
    quiet = subprocess.DEVNULL
    command = build_dvc_command("queue", "start")
    subprocess.run(command, env=build_environment(), stdout=quiet, stderr=quiet, start_new_session=True, check=False)
    deadline = time.monotonic() + WORKER_START_SECONDS
    while not has_worker():
        if time.monotonic() > deadline:
            raise UserError("DVC's worker does not start; run `dvc queue start -v` to see why.")
        time.sleep(0.1)


def _list_messages() -> list[_Message]:
    """Return the messages that hold an experiment; one taken during the listing is seen twice and counts as taken."""
    folders = ("in", "processed")
    files = [(file, folder == "processed") for folder in folders for file in _list_message_files(folder, "*.msg")]
    messages = [message for file, is_taken in files if (message := _read_message(file, is_taken))]
    return list({message.id: message for message in messages}.values())


def _read_message(file: Path, is_taken: bool) -> _Message | None:
    try:
        message, file_stat = json.loads(file.read_bytes()), file.stat()
    except (FileNotFoundError, ValueError):  # just being moved or written
        return None
    if message["headers"].get("task") != EXPERIMENT_TASK:
        return None
    entry = json.loads(base64.b64decode(message["body"]))[0][0]
    name = entry["name"] or entry["stash_rev"][:7]
    return _Message(
        file, message["headers"]["id"], name, entry["stash_rev"], is_taken, file_stat.st_mtime, file_stat.st_ctime
    )


def _list_message_files(folder: str, pattern: str) -> list[Path]:
    return sorted((QUEUE_FOLDER / "celery/broker" / folder).glob(pattern))


def _build_task(message: _Message) -> QueuedTask:
    created = datetime.fromtimestamp(message.created_at, UTC)
    if not message.is_taken:
        return QueuedTask(message.name, message.rev, "pending", created, None)
    answer = _read_answer(message)
    if not answer and _is_alive(message):
        return QueuedTask(message.name, message.rev, "running", created, None)
    if not answer and not message.get_record_path("run").exists():  # its worker died before the run began
        return QueuedTask(message.name, message.rev, "pending", created, None)
    if answer and _read_json(message.get_record_path("run")).get("result_ref"):
        return QueuedTask(message.name, message.rev, "completed", created, None)
    return QueuedTask(message.name, message.rev, "failed", created, _describe_failure(message, answer))


def _describe_failure(message: _Message, answer: dict[str, Any]) -> str:
    log_text, fault = read_log(message.rev), answer.get("result")
    if _read_json(message.get_record_path("json")).get("returncode") == 0:
        return "it ran to its end, but was stopped before its results were saved; run it again"
    if not log_text and isinstance(fault, dict):  # it never ran: its folder could not be made
        return " ".join(" ".join([fault["exc_type"], *map(str, fault.get("exc_message") or ())]).split())
    return find_last_error(log_text)


def _read_answer(message: _Message) -> dict[str, Any]:
    """Return the worker's result of a task; empty while the task is not done, and if the worker died."""
    return _read_json(QUEUE_FOLDER / "celery/result" / f"celery-task-meta-{message.id}")


def _is_alive(message: _Message) -> bool:
    """Return whether a task without a result is still running: the worker that took it is alive."""
    process = _find_process(_read_json(message.get_record_path("json")).get("pid"), "exec-run", message.rev)
    if process:
        return process.ppid() in {worker_process.pid for worker_process, _ in _iterate_workers()}
    return any(started_at <= message.moved_at for _, started_at in _iterate_workers())


def _iterate_workers() -> Iterator[tuple[psutil.Process, float]]:
    """Yield the living workers, each with its start time."""
    for file in (QUEUE_FOLDER / "celery").glob("dvc-exp-worker-*.json"):
        if process := _find_process(_read_json(file).get("pid"), "queue-worker"):
            yield process, file.stat().st_mtime


def _find_process(pid: Any, *required_words: str) -> psutil.Process | None:
    """Return the process with an id if its command contains some words: process ids are reused."""
    try:
        process = psutil.Process(int(pid))
        command = " ".join(process.cmdline())
        alive = process.status() != psutil.STATUS_ZOMBIE
    except (TypeError, ValueError, psutil.Error):
        return None
    return process if alive and all(required_word in command for required_word in required_words) else None


def _find_task_folder(message: _Message) -> Path | None:
    """Return the folder that a task ran in, if it is one of DVC's temporary folders."""
    root_dir = _read_json(message.get_record_path("run")).get("root_dir")
    folder = Path(root_dir) if root_dir else None
    if folder and folder.parent.resolve() == QUEUE_FOLDER.resolve() and folder.name.startswith("tmp"):
        return folder
    return None


def _iterate_stray_folders() -> Iterator[Path]:
    """Yield leftover task folders, if no worker is alive: one killed while it makes a folder leaves no record of it."""
    yield from () if has_worker() else (folder.absolute() for folder in QUEUE_FOLDER.glob("tmp*") if folder.is_dir())


def _stop_processes_in(folder: Path) -> None:
    """Kill the processes that work in a folder, parents first, so that they cannot start new children."""
    processes = [process for process in psutil.process_iter() if _is_working_in(process, folder)]
    for process in sorted(processes, key=lambda candidate: candidate.pid):
        process.kill()
    psutil.wait_procs(processes, timeout=10)


def _is_working_in(process: psutil.Process, folder: Path) -> bool:
    try:
        cwd = Path(process.cwd().removesuffix(" (deleted)"))
    except psutil.Error:
        return False
    return cwd == folder or folder in cwd.parents


def _record_as_failed(messages: Sequence[_Message]) -> None:
    """Mark tasks as failed in DVC and keep their entries; after `dvc queue kill` alone git would drop them."""
    from dvc.repo import Repo  # takes half a second to import, which readers are spared

    logging.getLogger("kombu").setLevel(logging.ERROR)  # kombu warns that a file queue has no host
    for message in messages:
        if process := _read_json(message.get_record_path("json")):  # or DVC would kill whichever process has the id now
            record = {**process, "returncode": process["returncode"] or -9}
            message.get_record_path("json").write_text(json.dumps(record))
    revs = {message.rev for message in messages}
    with Repo() as repo:
        queue = repo.experiments.celery_queue
        entries = [entry for entry in queue.iter_active() if entry.stash_rev in revs]
        queue.kill([entry.stash_rev for entry in entries])
        for entry in entries:
            queue.stash_failed(entry)


def _read_json(file: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return content


def _select_after_last_command(lines: Sequence[str]) -> Iterable[str]:
    """Return the lines after the last command that DVC ran."""
    commands = [index for index, line in enumerate(lines) if line.startswith("> ")]
    return lines[commands[-1] + 1 :] if commands else lines
