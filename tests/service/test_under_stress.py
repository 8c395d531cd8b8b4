"""Real processes under more load than they can answer: nobody is reset, nothing is lost, and /health answers."""

import asyncio
import json
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.service.service_process import ServiceProcess, start_service, wait_until
from trueline.benchmarks._http_clients import HOST, KeepAliveClient, build_request
from trueline.service.monitoring.prediction_log import read_log

EVENTS = 900  # of a request: too many to be answered on the event loop
NUMBERS = count()  # no two requests have a text in common, so that no answer comes from the cache


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log")


@pytest.fixture(scope="module")
def service(repository: Path, log: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service of one worker; the tests of this file use it one after the other."""
    with start_service(repository, "--log", str(log), "--tasks", "events") as started:
        yield started


def build_slow_request(name: str) -> bytes:
    number = next(NUMBERS)
    events = [{"id": name, "name": f"Tea in garden {number} {index}"} for index in range(EVENTS)]
    return build_request("/predict/events", json.dumps({"events": events, "top": 1}).encode())


def list_logged(log: Path, prefix: str) -> list[str]:
    """Return the names of the logged requests, each once if all its rows were logged once."""
    rows = Counter(row["id"] for row in read_log(log / "events") if str(row["id"]).startswith(prefix))
    assert set(rows.values()) <= {EVENTS}
    return sorted(rows)


async def send_all(port: int, names: list[str]) -> dict[str, tuple[int, bytes]]:
    """Return the status and head of every answer to concurrent requests; a reset raises an error."""

    async def send(name: str) -> tuple[int, bytes]:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(build_slow_request(name))
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await asyncio.wait_for(reader.readexactly(length), 30)
        writer.close()
        return int(head[9:12]), head

    answers = await asyncio.gather(*(send(name) for name in names))
    return dict(zip(names, answers, strict=True))


def test_what_cannot_be_answered_in_time_gets_a_503_that_says_when_to_come_back(
    service: ServiceProcess, log: Path
) -> None:
    async def load() -> tuple[dict[str, tuple[int, bytes]], list[float]]:
        loading = asyncio.ensure_future(send_all(service.port, [f"busy-{number}" for number in range(110)]))
        seconds = []
        while not loading.done():
            start = time.perf_counter()
            reader, writer = await asyncio.open_connection(HOST, service.port)
            writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert b"200 OK" in await reader.read()
            writer.close()
            seconds.append(time.perf_counter() - start)
            await asyncio.sleep(0.02)
        return await loading, seconds

    answers, seconds = asyncio.run(load())
    statuses = Counter(status for status, _ in answers.values())
    assert set(statuses) == {200, 503}
    assert statuses[503] >= 24  # two are computed and 64 may wait; some are answered while the last ones come
    refused = [head.lower() for status, head in answers.values() if status == 503]
    assert all(b"retry-after: " in head and b"application/problem+json" in head for head in refused)
    assert list_logged(log, "busy") == sorted(name for name, (status, _) in answers.items() if status == 200)
    seconds.sort()
    print(
        f"/health meanwhile: median {seconds[len(seconds) // 2]:.3f} s, p99 {seconds[len(seconds) * 99 // 100]:.3f} s"
    )
    assert seconds[len(seconds) // 2] < 0.1  # the clients of this test are on the same processors


def count_abandoned(service: ServiceProcess) -> int:
    """Return how many requests the metrics count whose clients left."""
    counted = service.get("/metrics").partition('status="499"} ')[2].partition("\n")[0]
    return int(float(counted or 0))


def test_requests_whose_clients_left_are_not_computed_logged_or_counted_as_answered(
    service: ServiceProcess, log: Path
) -> None:
    for number in range(30):
        with socket.create_connection((HOST, service.port)) as client:
            client.sendall(build_slow_request(f"gone-{number}"))
            if number < 2:
                time.sleep(0.05)  # so that the others wait
    wait_until(lambda: len(list_logged(log, "gone")) + count_abandoned(service) == 30)
    assert count_abandoned(service) >= 15  # a few are begun before the service notices, more on a busy machine


def test_refusals_of_the_connection_layer_and_the_workers_memory_are_in_the_metrics(service: ServiceProcess) -> None:
    with socket.create_connection((HOST, service.port)) as client:
        client.sendall(b"nonsense\r\n\r\n")
        assert b"400 Bad Request" in client.recv(4096)
    metrics = service.get("/metrics")
    assert 'trueline_refused_connections_total{status="400"} 1.0' in metrics
    memory = float(metrics.split("trueline_process_resident_memory_bytes{")[1].split("} ")[1].split("\n")[0])
    assert 30e6 < memory < 500e6


def test_head_options_hosts_and_untyped_bodies_are_answered_as_http_says(service: ServiceProcess) -> None:
    def send(head: str) -> bytes:
        with socket.create_connection((HOST, service.port), timeout=20) as client:
            client.sendall(f"{head}\r\nConnection: close\r\n\r\n".encode())
            return b"".join(iter(lambda: client.recv(65_536), b""))

    headers, _, body = send("HEAD /health HTTP/1.1\r\nHost: localhost").partition(b"\r\n\r\n")
    assert (headers[:15], body) == (b"HTTP/1.1 200 OK", b"")
    assert int(headers.lower().split(b"content-length: ")[1].split(b"\r\n")[0]) > 10
    options = send("OPTIONS /predict/events HTTP/1.1\r\nHost: localhost").lower()
    assert options.startswith(b"http/1.1 204")
    assert b"allow: options, post" in options
    assert b"allow: get, head, options" in send("OPTIONS /health HTTP/1.1\r\nHost: localhost").lower()
    assert b"allow: get, head, options, post" in send("OPTIONS * HTTP/1.1\r\nHost: localhost").lower()
    assert b" 421 " in send("GET /health HTTP/1.1\r\nHost: rebound.example").splitlines()[0]
    untyped = send("POST /predict/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0")
    assert b" 415 " in untyped.splitlines()[0]
    assert b"The content type is none; send application/json." in untyped


def test_every_fault_of_a_batch_is_named_with_its_place(service: ServiceProcess) -> None:
    body = json.dumps({"events": [{"name": "Tea"}, {"name": ""}, {"title": "Tea"}]}).encode()
    status, answer = service.post(body)
    problem = json.loads(answer)
    assert (status, problem["status"], problem["type"]) == (422, 422, "about:blank")
    assert [fault["pointer"] for fault in problem["errors"]] == ["/events/1/name", "/events/2/name", "/events/2/title"]
    assert problem["errors"][0]["detail"] == problem["detail"]


def test_on_sigterm_everything_in_flight_is_answered_and_nothing_is_reset(service: ServiceProcess, log: Path) -> None:
    idle = KeepAliveClient(service.port)
    assert idle.send_request(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")[0] == 200
    stopped_at = 0.0

    async def load() -> dict[str, tuple[int, bytes]]:
        nonlocal stopped_at
        loading = asyncio.ensure_future(send_all(service.port, [f"last-{number}" for number in range(50)]))
        await asyncio.sleep(0.5)
        service.process.send_signal(signal.SIGTERM)
        stopped_at = time.monotonic()
        assert await asyncio.to_thread(idle.send_request, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return await loading

    answers = asyncio.run(load())
    assert service.process.wait(20) == 0
    assert time.monotonic() - stopped_at < 11
    assert {status for status, _ in answers.values()} <= {200, 503}
    assert list_logged(log, "last") == sorted(name for name, (status, _) in answers.items() if status == 200)
    idle.close()
