"""Write timeouts: a client that does not read its answer loses its connection and does not delay shutdown."""

from asyncio import Transport
from asyncio.events import TimerHandle

from trueline.service.protection.protocol import BaseProtocol

MAX_BUFFERED_BYTES = 65_536  # unsent bytes above which writing pauses
MIN_BYTES_PER_TIMEOUT = 1_000_000  # that a client must take within the timeout, if that many wait


class WriteTimeoutProtocol(BaseProtocol):
    """Drops a client that takes in time neither MIN_BYTES_PER_TIMEOUT of the bytes waiting for it nor all of them."""

    write_timeout_seconds = 30.0
    shutdown_timeout_seconds = 5.0  # less than the service waits for answers at shutdown (__main__.py)
    _write_timer: TimerHandle | None = None
    _buffered_bytes = 0  # unsent bytes when the timer started

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=MAX_BUFFERED_BYTES, low=0)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_write_timer()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._start_write_timer()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_write_timer()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._start_write_timer()

    def close_connection(self) -> None:
        super().close_connection()
        self._start_write_timer()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._start_write_timer()

    def shutdown(self) -> None:
        self.write_timeout_seconds = self.shutdown_timeout_seconds
        super().shutdown()
        self._stop_write_timer()
        self._start_write_timer()

    def _start_write_timer(self) -> None:
        size = self.transport.get_write_buffer_size()
        if size and self._write_timer is None:
            self._buffered_bytes, self._write_timer = (
                size,
                self.loop.call_later(self.write_timeout_seconds, self._check_write_progress),
            )

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _check_write_progress(self) -> None:
        self._write_timer = None
        if self.transport.get_write_buffer_size() > max(self._buffered_bytes - MIN_BYTES_PER_TIMEOUT, 0):
            self.drop_connection()
        else:
            self._start_write_timer()
