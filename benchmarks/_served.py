"""A service in a process of its own, and clients on plain sockets that cost less than what they measure."""

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

ROOT = Path(__file__).parent.parent
HOST = "127.0.0.1"
STARTING = 120.0  # seconds
ENDING = 20.0  # seconds
QUIET, WINDOW = 0.03, 0.5  # seconds of the processor within seconds, below which a server has nothing left to do
RENEWED = 20  # requests after which a client takes a new connection, which may lead to another worker


@dataclass
class Served:
    """A server that answered /health."""

    process: "subprocess.Popen[bytes]"
    port: int
    began: float  # seconds from its start to its first healthy answer

    def cpu(self) -> float:
        """Return the processor time of its first process so far, in seconds: what a busy machine does not stretch."""
        told = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")

    def settle(self) -> None:
        """Wait until all its processes have done what they do at their start."""
        ends, quiet = time.perf_counter() + STARTING, 0
        while quiet < 2 and time.perf_counter() < ends:
            before = self._spent()
            time.sleep(WINDOW)
            quiet = quiet + 1 if self._spent() - before < QUIET else 0

    def resident(self) -> float:
        """Return the resident memory of its first process, in MB."""
        told = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(told.split("VmRSS:")[1].split()[0]) / 1024

    def _spent(self) -> float:
        own = psutil.Process(self.process.pid)
        spent = 0.0
        for process in [own, *own.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                spent += sum(process.cpu_times()[:2])
        return spent


@contextmanager
def served(*words: str, cwd: Path = ROOT) -> Iterator[Served]:
    """Run `python WORDS --port PORT` as long as the block lasts; it has ended, asked politely, when the block has."""
    port = _free()
    begun = time.perf_counter()
    path = {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, *words, "--port", str(port)], cwd=cwd, env=os.environ | path)
    try:
        _healthy(process, port)
        yield Served(process, port, time.perf_counter() - begun)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(ENDING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def posted(path: str, body: bytes) -> bytes:
    """Return a request as it goes over the wire."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Line:
    """A connection that is kept alive, one request at a time."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((HOST, port), timeout=ENDING)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Return status and body of the answer."""
        self._socket.sendall(request)
        held = b""
        while b"\r\n\r\n" not in held:
            held += self._taken()
        head, _, body = held.partition(b"\r\n\r\n")
        parts, length = [body], _length(head) - len(body)
        while length > 0:
            parts.append(self._taken())
            length -= len(parts[-1])
        return int(head[9:12]), b"".join(parts)

    def seconds(self, requests: Sequence[bytes]) -> list[float]:
        """Return how long each request took to its last byte; raises where one is not answered with 200."""
        found = []
        for request in requests:
            begun = time.perf_counter()
            status, body = self.ask(request)
            found.append(time.perf_counter() - begun)
            if status != 200:
                raise RuntimeError(f"the service answered {status}: {body[:200]!r}")
        return found

    def close(self) -> None:
        self._socket.close()

    def _taken(self) -> bytes:
        taken = self._socket.recv(1 << 16)
        if not taken:
            raise ConnectionError("the service closed the connection")
        return taken


@dataclass
class Load:
    """What many clients at once were told."""

    answered: set[str] = field(default_factory=set)  # ids
    seconds: list[float] = field(default_factory=list)
    refused: list[bytes] = field(default_factory=list)  # first lines and bodies of what was not 200
    broken: int = 0  # connections that ended within a request; the client went on with a new one


def load(port: int, clients: int, seconds: float, body: Callable[[str], bytes]) -> Load:
    """Ask /predict/events from many clients at once for some seconds; `body(id)` makes a request of a new id."""
    found, ends = Load(), time.perf_counter() + seconds

    async def all_of_them() -> None:
        await asyncio.gather(*(_client(port, f"{number}", ends, body, found) for number in range(clients)))

    asyncio.run(all_of_them())
    return found


async def _client(port: int, name: str, ends: float, body: Callable[[str], bytes], found: Load) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    number = 0
    while time.perf_counter() < ends:
        number += 1
        if number % RENEWED == 0:
            writer.close()
            reader, writer = await _again(port)
        one = f"{name}-{number}"
        begun = time.perf_counter()
        try:
            writer.write(posted("/predict/events", body(one)))
            head = await reader.readuntil(b"\r\n\r\n")
            told = await reader.readexactly(_length(head))
        except (OSError, EOFError):
            found.broken += 1
            writer.close()
            await asyncio.sleep(0.01)
            reader, writer = await _again(port)
            continue
        if head[9:12] == b"200":
            found.answered.add(one)
            found.seconds.append(time.perf_counter() - begun)
        else:
            found.refused.append(head[:40] + told[:200])
    writer.close()


async def _again(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    ends = time.perf_counter() + ENDING
    while True:
        try:
            return await asyncio.open_connection(HOST, port)
        except OSError:
            if time.perf_counter() > ends:
                raise
            await asyncio.sleep(0.05)


def workers(log: Path) -> set[int]:
    """Return the processes that have written to a folder of the prediction log."""
    return {int(file.stem.split("-")[0]) for file in log.glob("*.jsonl")}


def torn(log: Path) -> int:
    """Return how many lines of the log are not whole."""
    lines = [line for file in log.glob("*.jsonl") for line in file.read_bytes().split(b"\n") if line]
    return sum(not _whole(line) for line in lines)


def _whole(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _length(head: bytes) -> int:
    return int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])


def _free() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _healthy(process: "subprocess.Popen[bytes]", port: int) -> None:
    ends = time.perf_counter() + STARTING
    while time.perf_counter() < ends:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode} before it answered")
        try:
            line = Line(port)
            try:
                if line.ask(f"GET /health HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())[0] == 200:
                    return
            finally:
                line.close()
        except OSError:
            time.sleep(0.005)
    raise RuntimeError(f"the server did not answer within {STARTING:g} seconds")
