"""Punctual: who does not send a head in time is told so and let go; who does is answered, however often."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from service.punctual import Punctual

WHOLE = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


class Hasty(Punctual):
    """Two tenths of a second must do."""

    seconds = 0.2


async def app(scope: Any, receive: Any, send: Any) -> None:
    await asyncio.sleep(0.5 if scope["path"] == "/long" else 0)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def client() -> Iterator[socket.socket]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, http=Hasty, lifespan="off", log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with socket.create_connection(("127.0.0.1", port), timeout=5) as held:
        yield held
    server.should_exit = True
    thread.join()


def to_the_end(client: socket.socket) -> bytes:
    """Return what comes until the server hangs up."""
    came = b""
    while part := client.recv(1000):
        came += part
    return came


def test_a_client_that_says_nothing_is_told_so_in_a_sentence(client: socket.socket) -> None:
    head, _, body = to_the_end(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert json.loads(body)["detail"].startswith("The head of the request did not come within 0.2 seconds")


def test_a_head_that_comes_in_drops_does_not_gain_time_with_each(client: socket.socket) -> None:
    began = time.perf_counter()
    for letter in WHOLE[:10]:
        try:
            client.sendall(bytes([letter]))
        except OSError:
            break
        time.sleep(0.05)
    assert to_the_end(client).startswith(b"HTTP/1.1 408")
    assert time.perf_counter() - began < 3


def test_a_second_request_has_its_own_time(client: socket.socket) -> None:
    for _ in range(3):
        client.sendall(WHOLE)
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
        time.sleep(0.3)  # idle, which is no fault
    client.sendall(WHOLE[:9])
    assert to_the_end(client).startswith(b"HTTP/1.1 408")


def test_an_answer_under_way_is_not_cut_by_a_late_second_head(client: socket.socket) -> None:
    client.sendall(WHOLE.replace(b"/ ", b"/long ") + WHOLE[:9])
    came = to_the_end(client)
    assert came.startswith(b"HTTP/1.1 200")
    assert came.count(b"HTTP/1.1 408") == 1
