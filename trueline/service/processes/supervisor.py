"""Supervisor: the parent process, which holds no model: it starts workers, replaces those that end, and stops them.

It also takes a newly promoted model over: new workers load it while the old ones answer; when all are ready they serve,
and the old ones finish what they have and end. If the model cannot be loaded, the old workers go on.
"""

import selectors
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import TextIO

from trueline.core.errors import UserError
from trueline.service.model_loading import pin_models
from trueline.service.processes.worker_process import WorkerProcess
from trueline.service.settings import Settings

POLL_SECONDS = 0.2  # between two looks at the workers; their messages and signals end the wait
STOP_MARGIN_SECONDS = 3.0  # that a worker may take beyond its time to finish, before it is killed
MAX_RESTART_DELAY_SECONDS = 30.0  # between two attempts to replace a worker whose models cannot be loaded
HANDLED_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
IGNORED_SIGNALS = (signal.SIGUSR1, signal.SIGUSR2)  # which tools that rotate logs send; they would end the process


class Supervisor:
    """Runs the workers of a service on a listening socket; `folder` is for what they leave behind."""

    def __init__(self, settings: Settings, listener: socket.socket, folder: Path) -> None:
        self._settings, self._listener, self._folder = settings, listener, folder
        self._workers: list[WorkerProcess] = []  # those that answer, or will when their models are loaded
        self._leaving: list[WorkerProcess] = []  # those that finish what they have
        self._starting: list[WorkerProcess] = []  # those of models that are being taken over
        self._versions: dict[str, str] = {}
        self._stop_signals, self._takeover_requested = 0, False
        self._failed_starts, self._restart_at = 0, 0.0
        self._next_watch_at, self._rejected_pins, self._last_failure = 0.0, None, ""
        self._selector = selectors.DefaultSelector()

    _rejected_pins: object  # those of the last takeover that failed, which is not tried again unless asked for

    def run_workers(self, announce_start: Callable[[dict[str, str]], None]) -> None:
        """Serve until SIGTERM, SIGINT or SIGQUIT; `announce_start` gets the versions when the service answers.

        SIGHUP takes over what the models' names mean now. Raises UserError if the models cannot be loaded at first.
        """
        with self._handle_signals():
            try:
                self._start(announce_start)
                while not self._stop_signals:
                    self._poll()
                    self._watch_tags()
                    if self._takeover_requested:
                        self._takeover_requested = False
                        self._take_over()
            finally:
                self._stop()

    def _start(self, announce_start: Callable[[dict[str, str]], None]) -> None:
        self._settings = pin_models(self._settings)
        if failure := self._start_generation(self._settings):
            raise UserError(failure)
        if not self._stop_signals:
            self._start_serving()
            announce_start(self._versions)
        self._next_watch_at = monotonic() + self._settings.watch_seconds

    def _take_over(self) -> None:
        """Replace all workers by ones with the models that the names mean now, or say why that cannot be done."""
        try:
            settings = pin_models(self._settings)
            failure = self._start_generation(settings)
        except (UserError, OSError) as error:
            self._abandon_starting()
            self._report_failure(str(error))
            return
        if failure:
            self._rejected_pins = settings.pins
            self._report_failure(failure)
            return
        if self._stop_signals:
            return
        self._settings, self._rejected_pins, self._last_failure = settings, None, ""
        self._start_serving()
        self._wait_until(lambda: not self._leaving)
        print_line(f"taken over: {_describe(self._versions)}; nothing else answers from now on")

    def _start_generation(self, settings: Settings) -> str:
        """Start workers and wait until their models are loaded; return why that failed, empty if it did not."""
        self._starting = []
        for _ in range(settings.workers):
            self._starting.append(self._start_worker(settings))
        self._wait_until(lambda: all(worker.versions or worker.has_ended for worker in self._starting))
        if self._stop_signals:
            return ""
        failed_worker = next((worker for worker in self._starting if worker.has_ended), None)
        if failed_worker is None and len({str(worker.versions) for worker in self._starting}) == 1:
            return ""
        self._abandon_starting()
        return failed_worker.describe_failure() if failed_worker else "the workspace changed while it was loaded."

    def _abandon_starting(self) -> None:
        """Remove the workers whose models are being loaded."""
        for worker in self._starting:
            self._remove_worker(worker)
        self._starting = []

    def _start_serving(self) -> None:
        """Let the started workers serve, and the former ones finish."""
        former_workers, self._workers, self._starting = self._workers, self._starting, []
        self._versions = dict(self._workers[0].versions or {})
        for worker in self._workers:
            worker.let_serve()
        self._wait_until(lambda: all(worker.is_serving or worker.has_ended for worker in self._workers))
        for worker in former_workers:
            self._close_worker(worker)

    def _watch_tags(self) -> None:
        """Ask for a takeover if the tags mean other commits than before."""
        if not self._settings.watch_seconds or monotonic() < self._next_watch_at:
            return
        self._next_watch_at = monotonic() + self._settings.watch_seconds
        try:
            pins = pin_models(self._settings).pins
        except UserError as error:
            if str(error) != self._last_failure:
                self._report_failure(str(error))
            return
        self._takeover_requested |= pins not in (self._settings.pins, self._rejected_pins)

    def _report_failure(self, failure: str) -> None:
        self._last_failure = failure
        print_line(f"not taken over: {failure} The former models go on: {_describe(self._versions)}", sys.stderr)
        for worker in self._workers:
            worker.control.send_message(failed_takeover=failure)

    def _poll(self) -> None:
        """Read what workers report and wait a moment for it; replace workers that ended."""
        for key, _ in self._selector.select(POLL_SECONDS):
            if isinstance(key.data, WorkerProcess):
                key.data.read_messages()
                if key.data.control.is_closed:
                    self._selector.unregister(key.data.control.connection)
            else:
                self._signal_reader.recv(4096)
        for worker in [worker for worker in self._leaving if worker.has_ended]:
            self._leaving.remove(worker)
            self._remove_worker(worker)
        if not self._stop_signals:
            self._replace_ended()

    _signal_reader: socket.socket

    def _replace_ended(self) -> None:
        for worker in list(self._workers):
            if worker.stop_if_silent():
                print_line(f"worker {worker.process.pid} did not respond and was killed", sys.stderr)
            if worker.has_ended:
                self._workers.remove(worker)
                self._report_end(worker)
                self._remove_worker(worker)
            elif worker.versions and not worker.is_serving:
                self._accept_replacement(worker)
        while self._versions and monotonic() >= self._restart_at and len(self._workers) < self._settings.workers:
            try:
                self._workers.append(self._start_worker(self._settings))
            except OSError as error:  # the system lacks memory, processes or room on a disk
                self._delay_restart(f"a worker cannot be started yet: {error}")

    def _report_end(self, worker: WorkerProcess) -> None:
        """Say that a worker ended; one that could not load its models is replaced after a delay."""
        if worker.versions:
            print_line(f"worker {worker.process.pid} ended and is replaced", sys.stderr)
            self._failed_starts = 0
        else:
            self._delay_restart(f"a worker cannot be replaced yet: {worker.describe_failure()}")

    def _delay_restart(self, reason: str) -> None:
        """Say why there are too few workers; each such failure in a row doubles the time to the next attempt."""
        print_line(reason, sys.stderr)
        self._failed_starts += 1
        self._restart_at = monotonic() + min(2.0**self._failed_starts, MAX_RESTART_DELAY_SECONDS)

    def _accept_replacement(self, worker: WorkerProcess) -> None:
        """Let a replacement serve if it answers as the others do; otherwise the workspace changed: replace them all."""
        if worker.versions == self._versions:
            worker.let_serve()
        else:
            self._workers.remove(worker)
            self._remove_worker(worker)
            self._takeover_requested = True

    def _start_worker(self, settings: Settings) -> WorkerProcess:
        taken_slots = {worker.slot for worker in (*self._workers, *self._leaving, *self._starting)}
        slot = next(number for number in range(len(taken_slots) + 1) if number not in taken_slots)
        worker = WorkerProcess(settings, self._listener, slot, self._folder)
        self._selector.register(worker.control.connection, selectors.EVENT_READ, worker)
        return worker

    def _close_worker(self, worker: WorkerProcess) -> None:
        worker.control.send_message(command="stop")
        self._leaving.append(worker)

    def _remove_worker(self, worker: WorkerProcess) -> None:
        if worker.control.connection in self._selector.get_map():
            self._selector.unregister(worker.control.connection)
        worker.clean_up()

    def _wait_until(self, is_done: Callable[[], bool]) -> None:
        """Go on polling until something is the case, or the service is to stop."""
        while not self._stop_signals and not is_done():
            self._poll()

    def _stop(self) -> None:
        """Accept no more connections and let the workers finish; kill them when time is up or at a second signal."""
        self._listener.close()
        for worker in self._starting:
            self._remove_worker(worker)
        for worker in self._workers:
            self._close_worker(worker)
        self._workers, self._starting = [], []
        deadline = monotonic() + self._settings.drain_seconds + STOP_MARGIN_SECONDS
        signals_before = self._stop_signals = max(self._stop_signals, 1)
        while self._leaving and monotonic() < deadline and self._stop_signals == signals_before:
            self._poll()
        for worker in self._leaving:
            self._remove_worker(worker)

    @contextmanager
    def _handle_signals(self) -> Iterator[None]:
        self._signal_reader, signal_writer = socket.socketpair()
        signal_writer.setblocking(False)
        self._selector.register(self._signal_reader, selectors.EVENT_READ)
        former_descriptor = signal.set_wakeup_fd(signal_writer.fileno())  # ends the wait in `_poll`
        former_handlers = {number: signal.signal(number, self._record_signal) for number in HANDLED_SIGNALS}
        former_handlers |= {number: signal.signal(number, signal.SIG_IGN) for number in IGNORED_SIGNALS}
        try:
            yield
        finally:
            for number, handler in former_handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(former_descriptor)
            self._selector.close()
            self._signal_reader.close()
            signal_writer.close()

    def _record_signal(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._takeover_requested = True
        else:
            self._stop_signals += 1


def print_line(message: str, stream: TextIO | None = None) -> None:
    """Print a line about what the service does, at once."""
    print(message, file=stream or sys.stdout, flush=True)


def _describe(versions: dict[str, str]) -> str:
    return ", ".join(f"{task} {version}" for task, version in sorted(versions.items()))
