"""Shadow traffic: a challenger answers the champion's requests in a process of its own; its answers are only logged.

The champion's answer has priority. Requests for the challenger go into a queue, which a thread empties now and then
into the challenger's process (challenger_process.py), which runs at a lower priority than this one: many at a time,
since the thread holds up the champion whenever it runs. A full queue drops requests; a challenger that fails, hangs or
dies is counted, logged and restarted, and the requests that were sent to it together are lost.
"""

import logging
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from time import monotonic, sleep, time_ns
from typing import Any, Literal, Protocol

from trueline.core.errors import UserError
from trueline.service.model_loading import parse_task_name
from trueline.service.settings import SETTINGS_VARIABLE, Settings

MAX_WAITING_REQUESTS = 256  # requests that may wait for the challenger's answer
MAX_WAITING_BYTES = 16_000_000  # bytes of their bodies
BATCH_BYTES = 1_000_000  # of bodies that are sent together, at least one
PAUSE_SECONDS = 0.02  # between two batches, in which requests gather
LOAD_TIMEOUT_SECONDS = 120.0  # for the challenger to load its model
ANSWER_TIMEOUT_SECONDS = 60.0  # for it to answer one request, even one of a thousand rows
CLOSE_TIMEOUT_SECONDS = 2.0  # for it to end when the service does
RESTART_EVERY_SECONDS = 10.0  # between two starts of it, and between two log lines about its failures
READY_PREFIX = "ready "  # followed by the version

Outcome = Literal["answered", "failed", "dropped"]
LogRows = list[dict[str, Any]]
QueuedRequest = tuple[str, bytes]  # a request's id and its body


class ShadowCounter(Protocol):
    """Counts the outcomes of shadow requests, as ServiceMetrics does (monitoring/prometheus_metrics.py)."""

    def count_shadow_requests(self, task: str, outcome: str, requests: int) -> None:
        """Count requests that the challenger answered, failed on or never received."""


class Shadow:
    """The challenger of one task and one worker process."""

    def __init__(self, task: str, model: str, settings: Settings, counter: ShadowCounter) -> None:
        self.task, self.model, self.version = task, model, ""
        self.counts: Counter[Outcome] = Counter()
        self._settings, self._counter = settings, counter
        self._queue: SimpleQueue[QueuedRequest | None] = SimpleQueue()
        self._waiting_requests, self._waiting_bytes, self._lock = 0, 0, Lock()
        self._unread = b""  # that the challenger has sent beyond the last reply
        self._request_numbers, self._request_prefix = count(), f"{os.getpid()}-{time_ns():x}"
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at, self._last_logged_at, self._is_closed = -RESTART_EVERY_SECONDS, -RESTART_EVERY_SECONDS, False
        self._thread = Thread(target=self._run_queue, name=f"shadow of {task}", daemon=True)

    def start(self) -> "Shadow":
        """Load the challenger's model, start the thread and return the shadow. Raises UserError if loading fails."""
        self._start_challenger()
        self._thread.start()
        return self

    def create_request_id(self) -> str:
        """Return an id that no other request has."""
        return f"{self._request_prefix}-{next(self._request_numbers)}"

    def offer_request(self, request_id: str, body: bytes) -> None:
        """Queue a request that the champion has answered; returns within microseconds, whatever happens."""
        with self._lock:
            is_accepted = (
                self._waiting_requests < MAX_WAITING_REQUESTS and self._waiting_bytes + len(body) <= MAX_WAITING_BYTES
            )
            if is_accepted:
                self._waiting_requests += 1
                self._waiting_bytes += len(body)
                self._queue.put((request_id, body))
        if not is_accepted:
            self._count_outcomes("dropped", 1)

    def close(self) -> None:
        """End the challenger; waiting requests are answered first, as far as there is time."""
        self._is_closed = True
        self._queue.put(None)
        self._thread.join(CLOSE_TIMEOUT_SECONDS)
        if self._thread.is_alive() and self._process is not None:
            self._process.kill()
            self._thread.join(CLOSE_TIMEOUT_SECONDS)
        self._stop_challenger()

    def _run_queue(self) -> None:
        while batch := self._take_batch():
            failures = self._ask_challenger(batch)
            with self._lock:
                self._waiting_requests -= len(batch)
                self._waiting_bytes -= sum(len(body) for _, body in batch)
            failed_count = sum(map(bool, failures))
            if failed_count:
                self._log_failure(next(filter(None, failures)), failed_count)
            self._count_outcomes("failed", failed_count)
            self._count_outcomes("answered", len(failures) - failed_count)
            if not self._is_closed:
                sleep(PAUSE_SECONDS)

    def _take_batch(self) -> list[QueuedRequest]:
        """Return the requests that wait, as many as may be sent together, after waiting for the first; none at the end.

        The end is None in the queue, which stays there.
        """
        batch, batch_bytes = list[QueuedRequest](), 0
        while not batch or (batch_bytes < BATCH_BYTES and not self._queue.empty()):
            if (queued := self._queue.get()) is None:
                self._queue.put(None)
                break
            batch.append(queued)
            batch_bytes += len(queued[1])
        return batch

    def _ask_challenger(self, batch: Sequence[QueuedRequest]) -> list[str]:
        """Return for each request why the challenger has no answer, empty if it has one."""
        failures = list[str]()
        try:
            if self._process is None:
                if self._is_closed or monotonic() - self._started_at < RESTART_EVERY_SECONDS:
                    raise UserError("its process ended a moment ago and is not restarted yet")
                self._start_challenger()
            messages = [f"{request_id} {len(body)}\n".encode() + body for request_id, body in batch]
            self._connection.sendall(b"".join(messages))
            while len(failures) < len(batch):
                failures.append(self._read_reply())
        except (OSError, UserError) as error:
            self._stop_challenger()
            failures += [str(error)] * (len(batch) - len(failures))
        return failures

    def _start_challenger(self) -> None:
        self._started_at = monotonic()
        self._connection, child_socket = socket.socketpair()
        with child_socket:
            self._process = _spawn_challenger(self._settings, self.model, child_socket)
        self._connection.settimeout(LOAD_TIMEOUT_SECONDS)
        try:
            reply = self._read_reply()
        except OSError as error:
            reply = str(error)
        if not reply.startswith(READY_PREFIX):
            self._stop_challenger()
            raise UserError(f"--shadow {self.model}: {reply}")
        self._connection.settimeout(ANSWER_TIMEOUT_SECONDS)
        self.version = reply.removeprefix(READY_PREFIX)

    _connection: socket.socket

    def _read_reply(self) -> str:
        """Return the challenger's next line. Raises TimeoutError or ConnectionError if none comes."""
        while b"\n" not in self._unread:
            try:
                self._unread += (chunk := self._connection.recv(65_536))
            except TimeoutError:
                raise TimeoutError(f"it did not reply for {self._connection.gettimeout():g} seconds") from None
            if not chunk:
                raise ConnectionError("its process ended")
        reply, _, self._unread = self._unread.partition(b"\n")
        return reply.decode()

    def _stop_challenger(self) -> None:
        process, self._process, self._unread = self._process, None, b""
        if process is not None:
            process.kill()
            process.wait()
            self._connection.close()

    def _count_outcomes(self, outcome: Outcome, requests: int) -> None:
        if requests:
            self.counts[outcome] += requests
            self._counter.count_shadow_requests(self.task, outcome, requests)

    def _log_failure(self, failure: str, requests: int) -> None:
        """Log why the challenger failed at some requests, at most once every RESTART_EVERY_SECONDS."""
        if monotonic() - self._last_logged_at >= RESTART_EVERY_SECONDS:
            self._last_logged_at = monotonic()
            logging.getLogger("uvicorn.error").error(
                "the shadow %s failed (%s times so far): %s", self.model, self.counts["failed"] + requests, failure
            )


def start_shadows(settings: Settings, loaded: Iterable[str], counter: ShadowCounter) -> dict[str, Shadow]:
    """Return the challengers that the settings ask for, by task, each with its model loaded.

    Raises UserError for a challenger whose task has no champion here, for two of one task, and for any if nothing is
    logged.
    """
    models_by_task = {parse_task_name(model): model for model in settings.shadow}
    if len(models_by_task) < len(settings.shadow):
        raise UserError(
            f"--shadow names two challengers for one task ({', '.join(settings.shadow)}); name one per task."
        )
    if models_by_task and settings.log_folder is None:
        raise UserError("--shadow needs the log, the only place where a challenger's answers go; leave out --log ''.")
    if unloaded_tasks := sorted(set(models_by_task) - set(loaded)):
        task = unloaded_tasks[0]
        raise UserError(f"--shadow {models_by_task[task]} has no champion: {task} is not loaded; add it to --tasks.")
    started: dict[str, Shadow] = {}
    try:
        for task, model in models_by_task.items():
            started[task] = Shadow(task, model, settings, counter).start()
    except UserError:
        for shadow in started.values():
            shadow.close()
        raise
    return started


def pair_rows(rows: LogRows, request_id: str, role: Literal["champion", "shadow"]) -> LogRows:
    """Return log rows with the columns that pair the champion's rows with the challenger's."""
    return [{"role": role, "request": request_id, "place": index} | row for index, row in enumerate(rows)]


def _spawn_challenger(settings: Settings, model: str, connection: socket.socket) -> "subprocess.Popen[bytes]":
    inherited = replace(settings, root=str(settings.root_folder.resolve()))
    return subprocess.Popen(
        [sys.executable, "-m", "trueline.service.shadow.challenger_process", model, str(connection.fileno())],
        cwd=Path(__file__).parents[3],
        env=os.environ | {SETTINGS_VARIABLE: inherited.format_as_json()},
        stdin=subprocess.DEVNULL,
        pass_fds=[connection.fileno()],
    )
