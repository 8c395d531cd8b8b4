"""Five hundred hostile inputs: never a 5xx, always a sentence, and nothing of it corrupts the log."""

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from tests.service.hostile_inputs import Sent, inputs
from trueline.benchmarks._http_clients import KeepAliveClient, build_request, run_server
from trueline.service.app import create_app
from trueline.service.monitoring.prediction_log import read_log
from trueline.service.settings import Settings
from trueline.service.tasks.events import EXAMPLE

LogAndAnswers = tuple[Path, list[tuple[Sent, int, bytes]]]

NUMBER = 500
VALID = {"/predict/events": {"events": [EXAMPLE, {"name": "Tea", "id": None}], "top": 3, "tags": ["tea"]}}


@pytest.fixture(scope="module")
def log_and_answers(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> LogAndAnswers:
    """The folder of the log, and the response to each input."""
    log = tmp_path_factory.mktemp("log")
    app = create_app(Settings(root=str(repository), tasks=("events",), log=str(log)))
    paths = sorted({*app.openapi()["paths"], "/docs", "/redoc", "/openapi.json"})

    async def all_of_them() -> list[tuple[Sent, int, bytes]]:
        return [(sent, *await answered(app, sent)) for sent in inputs(NUMBER, VALID, paths)]

    found = asyncio.run(all_of_them())
    app.state.service.close()
    return log / "events", found


async def answered(app: FastAPI, sent: Sent) -> tuple[int, bytes]:
    """Return status and body; 599 and the error if the app raised one."""
    pieces = [
        {"type": "http.request", "body": piece, "more_body": number < len(sent.body)}
        for number, piece in enumerate(sent.body or [b""], 1)
    ]
    messages: list[Any] = []

    async def receive() -> Any:
        return pieces.pop(0) if pieces else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        messages.append(message)

    has_host = any(name == b"host" for name, _ in sent.headers)
    headers = sent.headers if has_host else [*sent.headers, (b"host", b"localhost")]  # as HTTP/1.1 demands
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": sent.method, "scheme": "http",
        "path": sent.path, "raw_path": sent.path.encode(errors="surrogatepass"), "query_string": sent.query,
        "root_path": "", "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000),
    }  # fmt: skip
    try:
        await app(scope, receive, send)
    except Exception as error:
        return 599, repr(error).encode()
    status = next(message["status"] for message in messages if message["type"] == "http.response.start")
    return status, b"".join(message.get("body", b"") for message in messages)


def test_none_of_them_makes_the_service_fail(log_and_answers: LogAndAnswers) -> None:
    failed = [f"{status} to {sent}: {body[:200]!r}" for sent, status, body in log_and_answers[1] if status >= 500]
    assert failed == []
    assert len(log_and_answers[1]) == NUMBER


def test_every_rejected_input_gets_its_reason_in_a_sentence(log_and_answers: LogAndAnswers) -> None:
    rejected = [(sent, body) for sent, status, body in log_and_answers[1] if status >= 400]
    assert len(rejected) > NUMBER / 2
    for sent, body in rejected:
        if sent.method == "HEAD":
            continue
        error = json.loads(body)
        assert list(error)[:4] == ["type", "title", "status", "detail"], str(sent)
        assert 10 < len(error["detail"]) < 400, str(sent)
        assert error["detail"].endswith("."), str(sent)
        assert "\n" not in error["detail"], str(sent)
        assert "Traceback" not in error["detail"], str(sent)


def test_the_log_holds_what_was_answered_and_nothing_else(log_and_answers: LogAndAnswers) -> None:
    log, found = log_and_answers
    answers = [json.loads(body) for sent, status, body in found if (sent.method, sent.path, status) == _asked(status)]
    rows = read_log(log)
    lines = [line for file in log.glob("*.jsonl") for line in file.read_bytes().split(b"\n") if line]
    assert len(lines) == len(rows) == sum(len(answer["events"]) for answer in answers) > 50
    assert [row["given"] for row in rows] == [one["tags"] for answer in answers for one in answer["events"]]


def _asked(status: int) -> tuple[str, str, int]:
    return "POST", "/predict/events", status if status == 200 else -1


def test_every_kind_of_error_occurred(log_and_answers: LogAndAnswers) -> None:
    assert {200, 404, 405, 413, 415, 422} <= {status for _, status, _ in log_and_answers[1]}


BODY = json.dumps({"events": [{"name": "Tea"}]}).encode()
HEAD = b"POST /predict/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
SIZE = f"{len(BODY):x}".encode()
WIRE = {
    CHUNKED + SIZE + b"\r\n" + BODY + b"\r\n0\r\n\r\n": b"200",
    CHUNKED + SIZE + b";x=y\r\n" + BODY + b"\r\n0\r\nTrailer: z\r\n\r\n": b"200",
    CHUNKED + b"3\r\n{}\n\r\n0\r\n\r\n": b"422",
    CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n": b"400",
    CHUNKED + b"-1\r\n{}\r\n0\r\n\r\n": b"400",
    CHUNKED + b"f" * 40 + b"\r\n{}\r\n0\r\n\r\n": b"400",
    HEAD + b"Content-Length: 9999999999\r\n\r\n{}": b"413",
    HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}": b"400",
    HEAD + b"Content-Length: -1\r\n\r\n": b"400",
    HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}": b"400",
    HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n": b"400",
    HEAD + b"Content-Length: 2\r\nX: " + b"a" * 30_000 + b"\r\n\r\n{}": b"422",
    b"GET /predict/events/?\xff HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n": b"400",
    b"GET http://elsewhere/%00/%ff HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n": b"404",
    b"BREW / HTTP/1.1\r\n\r\n": b"400",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03": b"400",
    b"GET / HTTP/9.9\r\n\r\n": b"400",
}


def test_what_is_no_http_is_rejected_by_the_protocol_and_the_service_lives_on(repository: Path, tmp_path: Path) -> None:
    with run_server("-m", "trueline.service", "--tasks", "events", "--log", str(tmp_path), cwd=repository) as service:
        found = {sent: _said(service.port, sent) for sent in WIRE}
        assert {sent: status for sent, (status, _) in found.items()} == WIRE
        assert all(body for _, body in found.values())
        line = KeepAliveClient(service.port)
        assert line.send_request(build_request("/predict/events", BODY))[0] == 200
        line.close()
    assert len(read_log(tmp_path / "events")) == 3


def _said(port: int, sent: bytes) -> tuple[bytes, bytes]:
    """Return status and body of the response that arrives until the connection ends."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(sent)
        held = b""
        while part := line.recv(1 << 16):
            held += part
    return held[9:12], held.partition(b"\r\n\r\n")[2]
