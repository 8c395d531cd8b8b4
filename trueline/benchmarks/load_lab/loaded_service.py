"""Loaded service: a service in processes of its own, whose lines are timed as they are printed."""

import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped,unused-ignore]

from trueline.benchmarks._http_clients import list_worker_ids
from trueline.core.errors import UserError
from trueline.service.settings import TOKEN_VARIABLE

ROOT = Path(__file__).parents[3]
START_SECONDS = 300.0  # on a machine that does much else
STOP_SECONDS = 30.0


class LoadedService:
    """A running service and what it printed: (seconds of the monotonic clock, line)."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.printed_lines: list[str] = []
        self._lines: queue.Queue[tuple[float, str]] = queue.Queue()
        threading.Thread(target=self._read_lines, daemon=True).start()
        first_line = self.wait_for_line(" listens on ", seconds=START_SECONDS)[1]
        self.port = int(first_line.partition(" with ")[0].rpartition(":")[2])

    def wait_for_line(self, *texts: str, seconds: float) -> tuple[float, str]:
        """Return when a line with one of the texts was printed, and the line. Raises UserError if none is in time."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                printed_at, line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise UserError(f"the service did not print {texts[0]!r} within {seconds:g} seconds.") from None
            if not line:
                raise UserError("the service ended; what it printed says why.")
            if any(text in line for text in texts):
                return printed_at, line

    def kill_worker(self, log: Path) -> float | None:
        """Kill one of the workers that have answered, as the log shows, and return when; None without any."""
        answering = {pid for folder in log.glob("*") for pid in list_worker_ids(folder)}
        workers = [child for child in psutil.Process(self.process.pid).children() if child.pid in answering]
        if not workers:
            return None
        random.choice(workers).send_signal(signal.SIGKILL)
        return time.monotonic()

    def _read_lines(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed_lines.append(line.rstrip("\n"))
            self._lines.put((time.monotonic(), self.printed_lines[-1]))
        self._lines.put((time.monotonic(), ""))


@contextmanager
def run_service(folder: Path, models: Sequence[str], log: str, workers: int) -> Iterator[LoadedService]:
    """Run a service of promoted models in a folder during the block; at its end stop it and wait for that."""
    model_options = [f"--model={model}" for model in models]
    options = ["--port", "0", "--log", log, "--workers", str(workers), *model_options]
    command = [sys.executable, "-m", "trueline.service", *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT), TOKEN_VARIABLE: ""}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield LoadedService(process)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
