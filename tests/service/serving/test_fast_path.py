"""Real sockets: a plain post takes the fast path, any other the long way, and both get the same answer."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.service_process import ServiceProcess, start_service
from trueline.benchmarks._http_clients import HOST
from trueline.service.serving.fast_path import Admission

TOKEN = "secret"
BODY = json.dumps({"events": [{"name": "Tea in the garden"}]}).encode()
HEADERS = {"Host": HOST, "Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
# each makes a request take the long way, or none at all
DIFFERENCES = {
    "none": ("Content-Type: application/json", "Content-Type: application/json"),
    "charset": ("application/json", "application/json; charset=utf-8"),
    "no type": ("Content-Type: application/json\r\n", ""),
    "no token": (f"Authorization: Bearer {TOKEN}\r\n", ""),
    "two tokens": (f"Bearer {TOKEN}", f"Bearer wrong\r\nAuthorization: Bearer {TOKEN}"),
    "wrong token": (f"Bearer {TOKEN}", "Bearer other"),
    "password": (f"Bearer {TOKEN}", "Basic OnNlY3JldA=="),  # pragma: allowlist secret
    "another host": (f"Host: {HOST}", "Host: rebound.example"),
    "no host": (f"Host: {HOST}\r\n", ""),
    "two hosts": (f"Host: {HOST}", f"Host: {HOST}\r\nHost: rebound.example"),
    "compressed": ("Host", "Content-Encoding: gzip\r\nHost"),
    "not compressed": ("Host", "Content-Encoding: identity\r\nHost"),
    "upgrade": ("Host", "Connection: Upgrade\r\nUpgrade: h2c\r\nHost"),
}
STATUSES = {"no type": 415, "compressed": 415, "no token": 401, "wrong token": 401, "another host": 421}
STATUSES |= dict.fromkeys(("upgrade", "no host", "two hosts"), 400)


@pytest.fixture(scope="module")
def service(repository: Path) -> Iterator[ServiceProcess]:
    with start_service(repository, "--log", "", "--tasks", "events", token=TOKEN) as started:
        yield started


def write_head(length: int) -> str:
    lines = [f"{name}: {value}\r\n" for name, value in HEADERS.items()]
    return "".join(("POST /predict/events HTTP/1.1\r\n", *lines, f"Content-Length: {length}\r\n\r\n"))


@pytest.mark.parametrize("difference", DIFFERENCES)
def test_either_way_a_request_gets_what_it_is_due(service: ServiceProcess, difference: str) -> None:
    head = write_head(len(BODY)).replace(*DIFFERENCES[difference])
    status, answer = service.send(head.encode() + BODY)
    assert status == STATUSES.get(difference, 200)
    plain_answer = service.send(write_head(len(BODY)).encode() + BODY)[1]
    assert (answer == plain_answer) == (status == 200)
    assert status == 200 or json.loads(answer)["status"] == status


def test_a_body_in_pieces_or_in_chunks_or_of_a_client_that_leaves_is_answered_likewise(service: ServiceProcess) -> None:
    whole = service.send(write_head(len(BODY)).encode() + BODY)[1]
    with socket.create_connection((HOST, service.port), timeout=20) as client:
        client.sendall(write_head(len(BODY)).encode())
        for piece in (BODY[:10], BODY[10:30], BODY[30:]):
            time.sleep(0.05)
            client.sendall(piece)
        assert whole in client.recv(65_536)
        chunked = write_head(len(BODY)).replace(f"Content-Length: {len(BODY)}", "Transfer-Encoding: chunked")
        client.sendall(chunked.encode() + f"{len(BODY):x}\r\n".encode() + BODY + b"\r\n0\r\n\r\n")
        assert whole in client.recv(65_536)
    for sent in (b"", BODY[:10]):
        with socket.create_connection((HOST, service.port)) as client:
            client.sendall(write_head(len(BODY)).encode() + sent)
    assert service.send(write_head(len(BODY)).encode() + BODY)[1] == whole


def test_every_request_is_counted_once_whichever_way_it_took(service: ServiceProcess) -> None:
    def count_answers() -> dict[str, float]:
        lines = [line for line in service.get("/metrics", TOKEN).splitlines() if "/predict/events" in line]
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if "requests_total" in line}

    before = count_answers()
    for body in (BODY, b"{", b"[" * 4000, BODY.replace(b"Tea", b"Tea " * 200)):
        service.send(write_head(len(body)).encode() + body)
        service.send(write_head(len(body)).replace("json", "json; charset=utf-8").encode() + body)
    counted = {name.partition("status=")[2]: count - before.get(name, 0.0) for name, count in count_answers().items()}
    assert {status: count for status, count in counted.items() if count} == {'"200"}': 4.0, '"422"}': 4.0}


def test_only_a_short_body_of_known_length_without_doubled_headers_is_plain() -> None:
    def is_plain(*headers: tuple[bytes, bytes]) -> bool:
        known = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        scope = {"path": "/predict/events", "headers": [*known, *headers]}
        return Admission(frozenset(), None).is_plain(scope, 5000)

    assert is_plain((b"content-length", b"5000"))
    assert not is_plain()
    for length in (b"5001", b"-1", b"1e3", b"9" * 5000, "١".encode()):
        assert not is_plain((b"content-length", length))
    assert not is_plain((b"content-length", b"5"), (b"content-length", b"6"))
    assert not is_plain((b"content-length", b"5"), (b"transfer-encoding", b"chunked"))


def test_a_body_that_does_not_arrive_is_refused_in_time(service: ServiceProcess) -> None:
    started_at = time.monotonic()
    with socket.create_connection((HOST, service.port), timeout=30) as client:
        client.sendall(write_head(len(BODY)).encode())
        answer = client.recv(65_536)
    assert b" 408 " in answer.splitlines()[0]
    assert b"The body did not arrive within 10 seconds" in answer
    assert time.monotonic() - started_at < 25
