"""Control channel: what the parent and a worker tell each other, as lines of JSON on a socket between the two."""

import json
import socket
from typing import Any

Message = dict[str, Any]
MAX_READ_BYTES = 65_536


class ControlChannel:
    """One end of the socket. Reading never waits; a lost other end is reported as `is_closed`."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.is_closed = connection, False
        self._unread = b""

    def send_message(self, **message: Any) -> None:
        """Send a message; if the other end is gone, do nothing but note it."""
        try:
            self.connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self.is_closed = True

    def read_lines(self, wait_seconds: float = 0.0) -> list[Message]:
        """Return the messages that have arrived, after waiting for the first byte of one for some seconds at most."""
        self.connection.settimeout(wait_seconds)
        try:
            while not self.is_closed:
                received = self.connection.recv(MAX_READ_BYTES)
                self.is_closed = not received
                self._unread += received
                self.connection.settimeout(0.0)
        except (BlockingIOError, TimeoutError):
            pass
        except OSError:
            self.is_closed = True
        finally:
            self.connection.settimeout(None)
        *lines, self._unread = self._unread.split(b"\n")
        return [json.loads(line) for line in lines]

    def close(self) -> None:
        """Close this end."""
        self.connection.close()
