"""Draining: a service that stops answers what was sent before the client could know of it."""

from trueline.service.protection.protocol import BaseProtocol


class DrainProtocol(BaseProtocol):
    """Leaves an idle connection open for a moment at shutdown; a request on it is answered, with Connection: close.

    A client that keeps a connection alive may be sending its next request just when the service is told to stop. It
    then gets an answer instead of a reset.
    """

    idle_grace_seconds = 1.0
    _is_draining = False

    def shutdown(self) -> None:
        self._is_draining = True
        if self.is_answering:
            super().shutdown()
        else:
            self.loop.call_later(self.idle_grace_seconds, self._close_if_idle)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if self._is_draining:
            self.cycle.keep_alive = False

    def _close_if_idle(self) -> None:
        if not self.is_answering and not self.transport.is_closing():
            self.close_connection()
