"""Disconnects: a client's leaving ends all its pending requests; one that only stopped sending is still answered."""

from trueline.service.protection.protocol import BaseProtocol


class DisconnectProtocol(BaseProtocol):
    """Marks pending requests of a lost connection as disconnected; closes a half-closed one after its last answer."""

    def eof_received(self) -> bool:  # type: ignore[override]
        if not self.is_answering or self.cycle.more_body:
            self.close_connection()
            return False
        self.cycle.keep_alive = False
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        for cycle in (self.running_cycle, *(cycle for cycle, _ in self.pipeline)):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        self.pipeline.clear()
        super().connection_lost(exc)
