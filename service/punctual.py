"""Punctual: a connection whose request does not begin, or whose head does not end, gives its place to others.

The limits of the app begin when a head is whole; before that nobody but the protocol knows of the client.
"""

from asyncio import Transport
from asyncio.events import TimerHandle

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from service.refused import refused


class Punctual(HttpToolsProtocol):
    """uvicorn's protocol that answers 408 where a head is not whole in time, whatever drops of it came meanwhile.

    The time runs from the connection or, on one that is kept alive, from the first byte of a request.
    """

    seconds = 10.0
    _late: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._late is None:
            self._wait()

    def on_headers_complete(self) -> None:
        self._rest()
        super().on_headers_complete()

    def _wait(self) -> None:
        self._late = self.loop.call_later(self.seconds, self._give_up)

    def _rest(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _give_up(self) -> None:
        self._late = None
        if self.cycle is not None and not self.cycle.response_complete:
            self._wait()  # an earlier request of this connection is being answered
            return
        said = f"The head of the request did not come within {self.seconds:g} seconds; send it in one go."
        response = refused(408, said, {"Connection": "close"})
        head = b"".join(name + b": " + value + b"\r\n" for name, value in response.raw_headers)
        self.transport.write(STATUS_LINE[408] + head + b"\r\n" + bytes(response.body))
        self.transport.close()
