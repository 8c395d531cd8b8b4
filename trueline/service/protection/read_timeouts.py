"""Read timeouts: a connection whose request does not begin, or whose head does not end, makes room for others."""

from asyncio import Transport
from asyncio.events import TimerHandle

from trueline.service.protection.protocol import BaseProtocol


class ReadTimeoutProtocol(BaseProtocol):
    """Answers 408 if a head is not complete in time, and drops a connection whose bytes begin no request.

    The time runs from the start of the connection or, on one that is kept alive, from the first byte; later bytes do
    not renew it. Bytes that begin no request cancel uvicorn's keep-alive timeout, which would leave the connection
    without any.
    """

    head_timeout_seconds = 10.0
    _head_timer: TimerHandle | None = None
    _is_reading_head = False  # a head has begun and is not complete

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if (
            self._head_timer is None
            and (self._is_reading_head or not self.is_answering)
            and not self.transport.is_closing()
        ):
            self._start_head_timer()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_reading_head = True
        if self.cycle is not None:  # a first head keeps the timer that the connection started
            self._stop_head_timer()

    def on_headers_complete(self) -> None:
        self._is_reading_head = False
        self._stop_head_timer()
        super().on_headers_complete()

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(self.head_timeout_seconds, self._handle_head_timeout)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _handle_head_timeout(self) -> None:
        self._head_timer = None
        if self.is_answering:  # an earlier request of this connection
            self._start_head_timer()
        elif self._is_reading_head or self.cycle is None:
            message = (
                f"The request's head did not arrive within {self.head_timeout_seconds:g} seconds; send it in one go."
            )
            self.refuse_request(408, message)
        else:
            self.drop_connection()
