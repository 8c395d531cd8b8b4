"""Read timeouts: a client that sends no head in time gets a 408 and is dropped; others are answered, however often."""

import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.service.raw_sockets import WHOLE, connected, detail, serving, to_the_end


@pytest.fixture
def client() -> Iterator[socket.socket]:
    with serving() as server, connected(server) as held:
        yield held


def test_a_client_that_sends_nothing_gets_a_408_with_a_sentence(client: socket.socket) -> None:
    answer = to_the_end(client)
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert detail(answer).startswith("The request's head did not arrive within 0.2 seconds")


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
        time.sleep(0.3)  # idle, which is allowed
    client.sendall(WHOLE[:9])
    assert to_the_end(client).startswith(b"HTTP/1.1 408")


def test_an_answer_under_way_is_not_cut_by_a_late_second_head(client: socket.socket) -> None:
    client.sendall(WHOLE.replace(b"/ ", b"/long ") + WHOLE[:9])
    came = to_the_end(client)
    assert came.startswith(b"HTTP/1.1 200")
    assert came.count(b"HTTP/1.1 408") == 1


UNREAD = WHOLE[:-2] + b"Content-Length: 100\r\n\r\n"
CHUNKED = WHOLE[:-2] + b"Transfer-Encoding: chunked\r\n\r\n"
UPGRADED = WHOLE[:-2] + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


@pytest.mark.parametrize(
    ("first", "then"), [(WHOLE, b"\r\n"), (UNREAD, b"x"), (CHUNKED, b"5\r\nab"), (UPGRADED, b"\r\n")]
)
def test_bytes_that_begin_no_request_do_not_hold_a_place(client: socket.socket, first: bytes, then: bytes) -> None:
    client.sendall(first)
    assert client.recv(1000).startswith(b"HTTP/1.1 200")
    client.sendall(then)
    assert to_the_end(client) == b""


def test_no_later_byte_gains_time_for_them(client: socket.socket) -> None:
    client.sendall(WHOLE)
    client.recv(1000)
    began = time.perf_counter()
    with suppress(OSError):
        while time.perf_counter() - began < 3:
            client.sendall(b"\r\n")
            time.sleep(0.05)
    assert time.perf_counter() - began < 3


def test_a_request_after_such_bytes_is_answered_and_waited_for_again(client: socket.socket) -> None:
    for _ in range(3):
        client.sendall(WHOLE)
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
        client.sendall(b"\r\n")
        time.sleep(0.05)
    client.sendall(WHOLE)
    assert client.recv(1000).startswith(b"HTTP/1.1 200")
    time.sleep(0.4)
    client.sendall(WHOLE)
    assert client.recv(1000).startswith(b"HTTP/1.1 200")
