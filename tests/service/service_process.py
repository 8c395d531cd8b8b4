"""The service in processes of its own, as a user starts it, with what it prints."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped,unused-ignore]

from trueline.benchmarks._http_clients import HOST, KeepAliveClient, build_request
from trueline.service.settings import TOKEN_VARIABLE

ROOT = Path(__file__).parents[2]


@dataclass
class ServiceProcess:
    """A service that has printed where it listens."""

    process: "subprocess.Popen[bytes]"
    output: Path
    port: int

    def predict(self, name: str = "Tea") -> Any:
        """Return the answer for an event, asked on a new connection."""
        status, body = self.post(json.dumps({"events": [{"name": name}]}).encode())
        assert status == 200, body
        return json.loads(body)

    def post(self, body: bytes) -> tuple[int, bytes]:
        """Return the status and body of the answer to events, asked on a new connection."""
        return self.send(build_request("/predict/events", body))

    def get(self, path: str, token: str = "") -> str:
        """Return the body of what is at a path."""
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        status, body = self.send(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n{authorization}\r\n".encode())
        assert status == 200, body
        return body.decode()

    def send(self, request: bytes) -> tuple[int, bytes]:
        """Return the status and body of the answer to a request on a new connection."""
        client = KeepAliveClient(self.port)
        try:
            return client.send_request(request)
        finally:
            client.close()

    def list_workers(self) -> list[psutil.Process]:
        """Return the processes that the first one started."""
        children: list[psutil.Process] = psutil.Process(self.process.pid).children()
        return children

    def wait_for_line(self, text: str) -> str:
        """Return the first printed line that contains a text."""
        wait_until(lambda: any(text in line for line in self.output.read_text().splitlines()))
        return next(line for line in self.output.read_text().splitlines() if text in line)

    def stop(self) -> int:
        """Send SIGTERM and return the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


@contextmanager
def start_service(folder: Path, *words: str, token: str = "", **variables: str) -> Iterator[ServiceProcess]:
    """Yield a service that runs in a folder and answers; it is stopped at the end, and has printed no traceback."""
    output = folder / "printed.txt"
    environment = os.environ | {"PYTHONPATH": str(ROOT), TOKEN_VARIABLE: token} | variables
    with output.open("wb") as printed:
        process = subprocess.Popen(
            [sys.executable, "-m", "trueline.service", "--port", "0", *words],
            cwd=folder, env=environment, stdout=printed, stderr=printed,
        )  # fmt: skip
    try:
        wait_until(lambda: "listens on" in output.read_text() or process.poll() is not None)
        assert process.poll() is None, output.read_text()
        port = int(output.read_text().partition(" with ")[0].rpartition(":")[2])
        yield ServiceProcess(process, output, port)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
    assert "Traceback" not in output.read_text()


def wait_until(is_done: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something is the case."""
    ends = time.monotonic() + seconds
    while not is_done():
        assert time.monotonic() < ends, f"it did not happen in {seconds:g} seconds"
        time.sleep(0.05)
