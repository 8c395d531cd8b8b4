"""The service's protocol in front of a small app, with short timeouts, and clients on raw sockets."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from trueline.service.protection import ServiceProtocol

WHOLE = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
LARGE = 30_000_000  # bytes of the answer at /large: more than the kernel keeps for a client


class Hasty(ServiceProtocol):
    """The protocol with timeouts of a few tenths of a second."""

    head_timeout_seconds = 0.2
    write_timeout_seconds = 0.3
    shutdown_timeout_seconds = 0.2


async def app(scope: Any, receive: Any, send: Any) -> None:
    await asyncio.sleep(0.5 if scope["path"] == "/long" else 0)
    body = b"a" * LARGE if scope["path"] == "/large" else b"ok"
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def serving(protocol: type[ServiceProtocol] = Hasty, **options: Any) -> Iterator[uvicorn.Server]:
    """Yield a running server; it has stopped when the block ends."""
    config = uvicorn.Config(app, port=0, http=protocol, ws="none", lifespan="off", log_level="error", **options)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield server
    finally:
        server.should_exit = True
        thread.join()


def connected(server: uvicorn.Server) -> socket.socket:
    """Return a connection to a server, with a small buffer for what the client does not read."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(5)
    client.connect(("127.0.0.1", server.servers[0].sockets[0].getsockname()[1]))
    return client


def to_the_end(client: socket.socket) -> bytes:
    """Return what arrives until the server closes or aborts the connection."""
    came = b""
    try:
        while part := client.recv(65_536):
            came += part
    except ConnectionError:
        pass
    return came


def detail(answer: bytes) -> str:
    """Return the sentence of an error response."""
    sentence: str = json.loads(answer.partition(b"\r\n\r\n")[2])["detail"]
    return sentence


def emptied(server: uvicorn.Server, seconds: float = 5.0) -> bool:
    """Whether a server has no more connections, waiting for that for some seconds at most."""
    ends = time.monotonic() + seconds
    while server.server_state.connections and time.monotonic() < ends:
        time.sleep(0.01)
    return not server.server_state.connections
