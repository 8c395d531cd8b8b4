"""Punctual: a connection whose request does not begin, or whose head does not end, gives its place to others."""

from asyncio import Transport
from asyncio.events import TimerHandle

from service.wire.connection import Connection


class Punctual(Connection):
    """Answers 408 where a head is not whole in time, and hangs up on bytes that begin no request.

    The time runs from the connection or, on one that is kept alive, from the first byte; no later one renews it. Such
    bytes end uvicorn's own waiting for the next request, which would leave the connection without any time.
    """

    seconds = 10.0
    _late: TimerHandle | None = None
    _heading = False  # a head has begun and is not whole

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._late is None and (self._heading or not self.answering) and not self.transport.is_closing():
            self._wait()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._heading = True
        if self.cycle is not None:  # a first head has what is left since the connection was made
            self._rest()

    def on_headers_complete(self) -> None:
        self._heading = False
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
        if self.answering:  # an earlier request of this connection
            self._wait()
        elif self._heading or self.cycle is None:
            said = f"The head of the request did not come within {self.seconds:g} seconds; send it in one go."
            self.refuse(408, said)
        else:
            self.transport.abort()
