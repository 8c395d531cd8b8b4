"""Brief: a head, or what follows a body, is no longer than anybody needs; else one connection fills the memory."""

from trueline.service.protection.protocol import BaseProtocol


class HeaderLimitProtocol(BaseProtocol):
    """Answers 431 where more bytes come than allowed, and one read, that end no head and belong to no body.

    An answer under way is cut off, for nothing can be said before it is sent.
    """

    max_bare_bytes = 65_536  # bytes
    _bare_bytes = 0  # bytes since a whole head or a piece of a body

    def data_received(self, data: bytes) -> None:
        self._bare_bytes += len(data)
        super().data_received(data)
        if self._bare_bytes <= self.max_bare_bytes or self.transport.is_closing():
            return
        if self.is_answering:
            self.transport.abort()
        else:
            message = f"More than {self.max_bare_bytes:,} bytes came that are neither a whole head nor a body; send shorter headers."
            self.refuse_request(431, message)

    def on_headers_complete(self) -> None:
        self._bare_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._bare_bytes = 0
        super().on_body(body)
