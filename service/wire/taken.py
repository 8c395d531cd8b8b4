"""Taken: a client that does not take its answer does not keep its place, nor the service from ending."""

from asyncio import Transport
from asyncio.events import TimerHandle

from service.wire.connection import Connection

HIGH = 65_536  # bytes that wait to be sent, above which no more are made
PACE = 1_000_000  # bytes that a client must take within the patience, if so many wait


class Taken(Connection):
    """Hangs up on a client that takes in time neither PACE bytes of what waits for it nor all of it."""

    patience = 30.0  # seconds
    leaving = 5.0  # seconds, once the service is told to end; less than it waits for answers (service/__main__.py)
    _slow: TimerHandle | None = None
    _waiting = 0  # bytes, when the time began

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=HIGH, low=0)

    def connection_lost(self, exc: Exception | None) -> None:
        self._taken()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._taken()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._watch()

    def hang_up(self) -> None:
        super().hang_up()
        self._watch()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._watch()

    def shutdown(self) -> None:
        self.patience = self.leaving
        super().shutdown()
        self._taken()
        self._watch()

    def _watch(self) -> None:
        size = self.transport.get_write_buffer_size()
        if size and self._slow is None:
            self._waiting, self._slow = size, self.loop.call_later(self.patience, self._look)

    def _taken(self) -> None:
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None

    def _look(self) -> None:
        self._slow = None
        if self.transport.get_write_buffer_size() > max(self._waiting - PACE, 0):
            self.transport.abort()
        else:
            self._watch()
