"""Protocol: no client fills the memory, keeps a connection for ever or delays shutdown, and leaving is no error."""

import logging
import socket
import struct
import time

import pytest

from tests.service.raw_sockets import LARGE, WHOLE, Hasty, connected, detail, emptied, serving, to_the_end
from trueline.service.protection.protocol import AnswerTransport

CHUNKED = WHOLE[:-2] + b"Transfer-Encoding: chunked\r\n\r\n"
LONG = WHOLE.replace(b"/ ", b"/long ")
LINES = b"X: " + b"a" * 1000 + b"\r\n"


def sent(client: socket.socket, piece: bytes, most: int) -> int:
    """Send a piece again and again; return how many bytes the server takes before it closes, at most about `most`."""
    taken = 0
    try:
        while taken < most:
            client.sendall(piece)
            taken += len(piece)
    except OSError:
        pass
    return taken


def test_a_head_without_end_is_cut_off() -> None:
    with serving() as server, connected(server) as client:
        client.sendall(WHOLE[:-2])
        assert sent(client, LINES, 50_000_000) < 10_000_000


@pytest.mark.parametrize("head", [WHOLE[:-2] + LINES * 70, WHOLE[:-2] + b"X: " + b"a" * 70_000])
def test_a_head_that_is_too_long_is_rejected_in_a_sentence(head: bytes) -> None:
    with serving() as server, connected(server) as client:
        client.sendall(head)
        answer = to_the_end(client)
        assert answer.startswith(b"HTTP/1.1 431 ")
        assert detail(answer).startswith("More than 65,536 bytes are neither a complete head nor a body")


@pytest.mark.parametrize("piece", [LINES, b"a" * 1000])
def test_trailers_without_end_are_cut_off(piece: bytes) -> None:
    with serving() as server, connected(server) as client:
        client.sendall(CHUNKED)
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
        client.sendall(b"0\r\nX: ")
        assert sent(client, piece, 50_000_000) < 10_000_000


def test_a_long_body_and_many_requests_are_no_long_head() -> None:
    with serving() as server, connected(server) as client:
        for _ in range(3):
            client.sendall(WHOLE[:-2] + b"Content-Length: 300000\r\n\r\n" + b"a" * 300_000)
            assert client.recv(1000).startswith(b"HTTP/1.1 200")
        for _ in range(200):
            client.sendall(WHOLE[:-2] + LINES + b"\r\n")
            assert client.recv(1000).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("more", [b"", b"Connection: close\r\n"])
def test_a_client_that_does_not_take_its_answer_loses_its_place(more: bytes) -> None:
    with serving() as server, connected(server) as client:
        client.sendall(WHOLE.replace(b"/ ", b"/large ")[:-2] + more + b"\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        assert emptied(server)


def test_a_client_that_takes_its_answer_slowly_gets_all_of_it() -> None:
    with serving() as server, connected(server) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        client.sendall(WHOLE.replace(b"/ ", b"/large ")[:-2] + b"Connection: close\r\n\r\n")
        came = 0
        while part := client.recv(1 << 20):
            came += len(part)
            time.sleep(0.02)
        assert came > LARGE


class Stubborn(Hasty):
    """Waits long for its clients, but not at shutdown."""

    write_timeout_seconds = 60.0


def test_a_client_that_does_not_read_keeps_no_service_from_ending() -> None:
    with serving(Stubborn) as server, connected(server) as client:
        client.sendall(WHOLE.replace(b"/ ", b"/large "))
        client.recv(100)
        server.should_exit = True
        assert emptied(server)


@pytest.mark.parametrize("number", [1, 5])
def test_a_client_that_ends_sending_gets_every_answer(number: int) -> None:
    with serving() as server, connected(server) as client:
        client.sendall(LONG + WHOLE * (number - 1))
        client.shutdown(socket.SHUT_WR)
        assert to_the_end(client).count(b"HTTP/1.1 200") == number
        assert emptied(server)


def test_a_client_that_ends_sending_within_a_body_holds_no_place() -> None:
    with serving() as server, connected(server) as client:
        client.sendall(LONG[:-2] + b"Content-Length: 100\r\n\r\nabc")
        client.shutdown(socket.SHUT_WR)
        assert to_the_end(client) == b""
        assert emptied(server)


@pytest.mark.parametrize("reset", [False, True])
def test_a_client_that_leaves_many_requests_behind_is_no_error(reset: bool, caplog: pytest.LogCaptureFixture) -> None:
    with serving() as server:
        client = connected(server)
        client.sendall(WHOLE.replace(b"/ ", b"/large ") * 8)
        client.recv(100)
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        assert emptied(server)
        time.sleep(0.2)
        assert not server.server_state.tasks
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_too_many_connections_and_what_is_no_http_are_rejected_in_a_sentence() -> None:
    with serving(limit_concurrency=2) as server, connected(server), connected(server) as client:
        client.sendall(WHOLE)
        answer = to_the_end(client)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert detail(answer).startswith("Too many connections are open")
    with serving() as server, connected(server) as client:
        client.sendall(b"\x16\x03\x01\x02")
        answer = to_the_end(client)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert detail(answer).startswith("This is not an HTTP/1.1 request")


def test_what_is_no_http_corrupts_no_earlier_answer() -> None:
    with serving() as server, connected(server) as client:
        client.sendall(LONG + WHOLE + b"\x16\x03\x01\x02")
        came = to_the_end(client)
        assert (came.count(b"HTTP/1.1 200"), came.count(b"HTTP/1.1 400")) == (2, 0)


def test_a_head_and_its_body_leave_in_one_piece_and_a_head_alone_does_not_wait() -> None:
    with serving() as server, connected(server) as client:
        client.sendall(WHOLE)
        assert client.recv(65_536).endswith(b"\r\n\r\nok")
        client.sendall(WHOLE.replace(b"GET", b"HEAD"))
        assert client.recv(65_536).endswith(b"\r\n\r\n")
        client.sendall(WHOLE)
        assert client.recv(65_536).endswith(b"\r\n\r\nok")


def test_only_the_head_is_held_back_however_the_parts_of_an_answer_begin() -> None:
    sent_parts, is_closed = list[bytes](), False

    class Recorder:
        def write(self, content: bytes) -> None:
            sent_parts.append(content)

        def close(self) -> None:
            nonlocal is_closed
            is_closed = True

    transport = AnswerTransport(Recorder())  # type: ignore[arg-type]
    for part in (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"a", b"HTTP/1.1 200 OK"):
        transport.write(part)
    assert sent_parts == [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\na", b"HTTP/1.1 200 OK"]
    transport = AnswerTransport(Recorder())  # type: ignore[arg-type]
    transport.write(b"HTTP/1.1 500 no body follows")
    transport.close()
    assert (sent_parts[3:], is_closed) == ([b"HTTP/1.1 500 no body follows"], True)
