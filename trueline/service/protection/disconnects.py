"""Disconnects: a client's leaving ends all its pending requests; one that only stopped sending is still answered.

The two look alike until something is sent. So the app is told when a client stops sending: it need not begin what would
take long (serving/compute_pool.py).
"""

import asyncio
from typing import cast

from starlette.types import Scope

from trueline.service.protection.protocol import BaseProtocol

SENDS_NO_MORE = "trueline.sends_no_more"  # in the scope: an event that is set when the client stops sending


class DisconnectProtocol(BaseProtocol):
    """Marks pending requests of a lost connection as disconnected; closes a half-closed one after its last answer."""

    def on_headers_complete(self) -> None:
        cast(Scope, self.scope)[SENDS_NO_MORE] = asyncio.Event()
        super().on_headers_complete()

    def eof_received(self) -> bool:  # type: ignore[override]
        if not self.is_answering or self.cycle.more_body:
            self.close_connection()
            return False
        self.cycle.keep_alive = False
        for cycle in (self.running_cycle, *(cycle for cycle, _ in self.pipeline)):
            if cycle is not None:
                cast(Scope, cycle.scope)[SENDS_NO_MORE].set()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        for cycle in (self.running_cycle, *(cycle for cycle, _ in self.pipeline)):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        self.pipeline.clear()
        super().connection_lost(exc)
