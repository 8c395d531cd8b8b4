"""Shadow: a challenger is asked what the champion was asked, unseen, in a process of its own.

The champion's answer goes out first of all. What the challenger needs is put in a queue that a thread empties into the
challenger's process (service/challenger.py), which is nicer to the processor than this one; a full queue drops, and a
challenger that fails, hangs or dies is counted, told of and begun again.
"""

import json
import logging
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, replace
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from time import monotonic, time_ns
from typing import Any, Literal, Protocol

from core.refusals import Refusal
from service.loaded import task_of
from service.settings import VARIABLE, Settings

MOST = 256  # requests that wait for the challenger
HEAVIEST = 16_000_000  # bytes of theirs
LOADING = 120.0  # seconds until the challenger must have its model loaded
PATIENCE = 60.0  # seconds until it must have answered one request, even one of a thousand rows
LEAVING = 2.0  # seconds that the service waits for it when it ends
AGAIN = 10.0  # seconds between two starts of it, and between two lines about its failures
READY = "ready "  # and the version

Outcome = Literal["answered", "failed", "dropped"]
Rows = list[dict[str, Any]]


class Tally(Protocol):
    """What counts what became of the requests (service/counters.py)."""

    def shadowed(self, task: str, outcome: str) -> None:
        """Count a request that the challenger answered, failed at or never saw."""


class Untold:
    """Counts nothing."""

    def shadowed(self, task: str, outcome: str) -> None:
        """Do nothing."""


class Shadow:
    """The challenger of one task and one worker process."""

    def __init__(self, task: str, model: str, settings: Settings, tally: Tally) -> None:
        self.task, self.model, self.version = task, model, ""
        self.counts: Counter[Outcome] = Counter()
        self._settings, self._tally = settings, tally
        self._waiting: SimpleQueue[tuple[str, bytes] | None] = SimpleQueue()
        self._bytes, self._lock = 0, Lock()
        self._requests, self._own = count(), f"{os.getpid()}-{time_ns():x}"
        self._child: subprocess.Popen[bytes] | None = None
        self._begun, self._told, self._closed = -AGAIN, -AGAIN, False
        self._thread = Thread(target=self._work, name=f"shadow of {task}", daemon=True)

    def start(self) -> "Shadow":
        """Return the shadow with its model loaded; refuse a model that cannot be."""
        self._begin()
        self._thread.start()
        return self

    def request(self) -> str:
        """Return a name for a request that no other has."""
        return f"{self._own}-{next(self._requests)}"

    def offer(self, request: str, body: bytes) -> None:
        """Have a request answered that the champion has answered; returns within microseconds, whatever happens."""
        with self._lock:
            taken = self._waiting.qsize() < MOST and self._bytes + len(body) <= HEAVIEST
            if taken:
                self._bytes += len(body)
                self._waiting.put((request, body))
        if not taken:
            self._became("dropped")

    def close(self) -> None:
        """End the challenger; what waits is answered first, as far as there is time."""
        self._closed = True
        self._waiting.put(None)
        self._thread.join(LEAVING)
        if self._thread.is_alive() and self._child is not None:
            self._child.kill()
            self._thread.join(LEAVING)
        self._end()

    def _work(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            with self._lock:
                self._bytes -= len(waiting[1])
            try:
                said = self._asked(*waiting)
            except (OSError, Refusal) as error:
                self._end()
                said = str(error)
            if said:
                self._tell(said)
            self._became("failed" if said else "answered")

    def _asked(self, request: str, body: bytes) -> str:
        """Return why the challenger has no answer, nothing where it has."""
        if self._child is None:
            if self._closed or monotonic() - self._begun < AGAIN:
                return "it ended a moment ago"
            self._begin()
        self._line.sendall(f"{request} {len(body)}\n".encode() + body)
        return self._heard()

    def _begin(self) -> None:
        self._begun = monotonic()
        self._line, theirs = socket.socketpair()
        with theirs:
            self._child = _child(self._settings, self.model, theirs)
        self._line.settimeout(LOADING)
        try:
            told = self._heard()
        except OSError as error:
            told = str(error)
        if not told.startswith(READY):
            self._end()
            raise Refusal(f"--shadow {self.model}: {told}")
        self._line.settimeout(PATIENCE)
        self.version = told.removeprefix(READY)

    _line: socket.socket

    def _heard(self) -> str:
        """Return the challenger's next line."""
        told = b""
        while not told.endswith(b"\n"):
            try:
                told += (part := self._line.recv(4096))
            except TimeoutError:
                raise TimeoutError(f"it said nothing for {self._line.gettimeout():g} seconds") from None
            if not part:
                raise ConnectionError("its process ended")
        return told.decode().rstrip("\n")

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()
            self._line.close()

    def _became(self, outcome: Outcome) -> None:
        self.counts[outcome] += 1
        self._tally.shadowed(self.task, outcome)

    def _tell(self, said: str) -> None:
        """Say why the challenger failed; a challenger that always fails is told of now and then."""
        if monotonic() - self._told >= AGAIN:
            self._told = monotonic()
            logging.getLogger("uvicorn.error").error(
                "the shadow %s failed (%s times so far): %s", self.model, self.counts["failed"] + 1, said
            )


def shadows(settings: Settings, loaded: Iterable[str], tally: Tally) -> dict[str, Shadow]:
    """Return the challengers that settings ask for, by task, each with its model loaded.

    Refuses one whose task has no champion here, two of one task, and any where nothing is logged.
    """
    named = {task_of(model): model for model in settings.shadow}
    if len(named) < len(settings.shadow):
        raise Refusal(f"--shadow came twice for one task ({', '.join(settings.shadow)}); name one challenger a task.")
    if named and settings.log_folder is None:
        raise Refusal("--shadow needs the log, for nobody sees what a challenger answers; leave --log '' out.")
    if strangers := sorted(set(named) - set(loaded)):
        raise Refusal(
            f"--shadow {named[strangers[0]]} has no champion: {strangers[0]} is not loaded; add it to --tasks."
        )
    found: dict[str, Shadow] = {}
    try:
        for task, model in named.items():
            found[task] = Shadow(task, model, settings, tally).start()
    except Refusal:
        for shadow in found.values():
            shadow.close()
        raise
    return found


def check(settings: Settings, loaded: Iterable[str]) -> None:
    """Refuse what `shadows` would, and keep nothing."""
    for shadow in shadows(settings, loaded, Untold()).values():
        shadow.close()


def paired(rows: Rows, request: str, role: Literal["champion", "shadow"]) -> Rows:
    """Return log rows with what brings those of the champion and of the challenger together again."""
    return [{"role": role, "request": request, "place": place} | row for place, row in enumerate(rows)]


def _child(settings: Settings, model: str, line: socket.socket) -> "subprocess.Popen[bytes]":
    told = asdict(replace(settings, root=str(settings.folder.resolve())))
    return subprocess.Popen(
        [sys.executable, "-m", "service.challenger", model, str(line.fileno())],
        cwd=Path(__file__).parent.parent,
        env=os.environ | {VARIABLE: json.dumps(told)},
        stdin=subprocess.DEVNULL,
        pass_fds=[line.fileno()],
    )
