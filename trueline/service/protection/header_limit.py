"""Header limit: caps headers, and what follows a body, since one connection could otherwise fill the memory."""

from trueline.service.protection.protocol import BaseProtocol


class HeaderLimitProtocol(BaseProtocol):
    """Answers 431 to more than `max_bare_bytes` bytes, plus one read, that end no head and belong to no body.

    If an answer is under way, the connection is aborted instead, since no error can be sent before that answer.
    """

    max_bare_bytes = 65_536
    _bare_bytes = 0  # bytes since the last complete head or piece of a body

    def data_received(self, data: bytes) -> None:
        self._bare_bytes += len(data)
        super().data_received(data)
        if self._bare_bytes <= self.max_bare_bytes or self.transport.is_closing():
            return
        if self.is_answering:
            self.drop_connection()
        else:
            message = f"More than {self.max_bare_bytes:,} bytes are neither a complete head nor a body"
            self.refuse_request(431, f"{message}; send shorter headers.")

    def on_headers_complete(self) -> None:
        self._bare_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._bare_bytes = 0
        super().on_body(body)
