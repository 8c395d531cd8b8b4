"""Run a service in its own process, and clients on plain sockets that cost less than what they measure."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil  # type: ignore[import-untyped,unused-ignore]

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
START_TIMEOUT_SECONDS = 120.0
STOP_TIMEOUT_SECONDS = 20.0
# A server is idle if it uses less than the first, in CPU seconds, within a window of the second, in seconds.
IDLE_CPU_SECONDS, IDLE_WINDOW_SECONDS = 0.03, 0.5
REQUESTS_PER_CONNECTION = 20  # requests after which a client reconnects, perhaps to another worker


@dataclass
class RunningServer:
    """A server that has answered /health."""

    process: "subprocess.Popen[bytes]"
    port: int
    start_seconds: float  # seconds from its start to its first healthy answer

    def measure_cpu(self) -> float:
        """Return the CPU seconds of all its processes so far, which a busy machine does not stretch."""
        spent = 0.0
        for process in self._list_processes():
            with suppress(psutil.NoSuchProcess):
                spent += sum(process.cpu_times()[:2])
        return spent

    def wait_until_idle(self) -> None:
        """Wait until all its processes have finished starting up."""
        deadline, idle_windows = time.perf_counter() + START_TIMEOUT_SECONDS, 0
        while idle_windows < 2 and time.perf_counter() < deadline:
            cpu_before = self.measure_cpu()
            time.sleep(IDLE_WINDOW_SECONDS)
            idle_windows = idle_windows + 1 if self.measure_cpu() - cpu_before < IDLE_CPU_SECONDS else 0

    def measure_memory(self) -> float:
        """Return the resident memory of all its processes, in MB."""
        resident_bytes: int = sum(process.memory_info().rss for process in self._list_processes())
        return resident_bytes / 1024**2

    def _list_processes(self) -> list[psutil.Process]:
        first_process = psutil.Process(self.process.pid)
        return [first_process, *first_process.children(recursive=True)]


@contextmanager
def run_server(*arguments: str, cwd: Path = ROOT) -> Iterator[RunningServer]:
    """Run `python ARGUMENTS --port PORT` during the block; at its end terminate it, and kill it if it does not stop."""
    port = _find_free_port()
    start = time.perf_counter()
    python_path = {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, *arguments, "--port", str(port)], cwd=cwd, env=os.environ | python_path)
    try:
        _wait_until_healthy(process, port)
        yield RunningServer(process, port, time.perf_counter() - start)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def build_request(path: str, body: bytes) -> bytes:
    """Return a POST request as bytes on the wire."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class KeepAliveClient:
    """A client with one keep-alive connection, for one request at a time."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((HOST, port), timeout=STOP_TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send_request(self, request: bytes) -> tuple[int, bytes]:
        """Send a request and return the status and body of the answer."""
        self._socket.sendall(request)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._receive_bytes()
        head, _, body = received.partition(b"\r\n\r\n")
        chunks, length = [body], _parse_content_length(head) - len(body)
        while length > 0:
            chunks.append(self._receive_bytes())
            length -= len(chunks[-1])
        return int(head[9:12]), b"".join(chunks)

    def time_requests(self, requests: Sequence[bytes]) -> list[float]:
        """Return the seconds of each request up to its last byte; raises RuntimeError if an answer is not 200."""
        durations = []
        for request in requests:
            start = time.perf_counter()
            status, body = self.send_request(request)
            durations.append(time.perf_counter() - start)
            if status != 200:
                raise RuntimeError(f"the service answered {status}: {body[:200]!r}")
        return durations

    def close(self) -> None:
        self._socket.close()

    def _receive_bytes(self) -> bytes:
        received = self._socket.recv(1 << 16)
        if not received:
            raise ConnectionError("the service closed the connection")
        return received


@dataclass
class LoadResult:
    """What concurrent clients received."""

    answered: set[str] = field(default_factory=set)  # ids
    seconds: list[float] = field(default_factory=list)
    refused: list[bytes] = field(default_factory=list)  # first bytes of head and body of answers other than 200
    broken: int = 0  # connections that broke during a request; the client reconnected


def run_load(port: int, clients: int, seconds: float, body: Callable[[str], bytes]) -> LoadResult:
    """Send requests to /predict/events from concurrent clients for some seconds; `body(id)` makes one for a new id."""
    result, deadline = LoadResult(), time.perf_counter() + seconds

    async def run_clients() -> None:
        await asyncio.gather(*(_run_client(port, f"{number}", deadline, body, result) for number in range(clients)))

    asyncio.run(run_clients())
    return result


async def _run_client(port: int, name: str, deadline: float, body: Callable[[str], bytes], result: LoadResult) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    number = 0
    while time.perf_counter() < deadline:
        number += 1
        if number % REQUESTS_PER_CONNECTION == 0:
            writer.close()
            reader, writer = await _reconnect(port)
        event_id = f"{name}-{number}"
        start = time.perf_counter()
        try:
            writer.write(build_request("/predict/events", body(event_id)))
            head = await reader.readuntil(b"\r\n\r\n")
            answer = await reader.readexactly(_parse_content_length(head))
        except (OSError, EOFError):
            result.broken += 1
            writer.close()
            await asyncio.sleep(0.01)
            reader, writer = await _reconnect(port)
            continue
        if head[9:12] == b"200":
            result.answered.add(event_id)
            result.seconds.append(time.perf_counter() - start)
        else:
            result.refused.append(head[:40] + answer[:200])
    writer.close()


async def _reconnect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    deadline = time.perf_counter() + STOP_TIMEOUT_SECONDS
    while True:
        try:
            return await asyncio.open_connection(HOST, port)
        except OSError:
            if time.perf_counter() > deadline:
                raise
            await asyncio.sleep(0.05)


def list_worker_ids(log: Path) -> set[int]:
    """Return the ids of the processes that have written to a folder of the prediction log."""
    return {int(file.stem.split("-")[0]) for file in log.glob("*.jsonl")}


def count_torn_lines(log: Path) -> int:
    """Return how many lines of the log are incomplete."""
    lines = [line for file in log.glob("*.jsonl") for line in file.read_bytes().split(b"\n") if line]
    return sum(not _is_complete(line) for line in lines)


def _is_complete(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _parse_content_length(head: bytes) -> int:
    return int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.perf_counter() + START_TIMEOUT_SECONDS
    while time.perf_counter() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode} before it answered")
        try:
            client = KeepAliveClient(port)
            try:
                if client.send_request(f"GET /health HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())[0] == 200:
                    return
            finally:
                client.close()
        except OSError:
            time.sleep(0.005)
    raise RuntimeError(f"the server did not answer within {START_TIMEOUT_SECONDS:g} seconds")
