"""Brief: a head, or what follows a body, is no longer than anybody needs; else one connection fills the memory."""

from service.wire.connection import Connection


class Brief(Connection):
    """Answers 431 where more bytes come than allowed, and one read, that end no head and belong to no body.

    An answer under way is cut off, for nothing can be said before it is sent.
    """

    most = 65_536  # bytes
    _bare = 0  # bytes since a whole head or a piece of a body

    def data_received(self, data: bytes) -> None:
        self._bare += len(data)
        super().data_received(data)
        if self._bare <= self.most or self.transport.is_closing():
            return
        if self.answering:
            self.transport.abort()
        else:
            said = f"More than {self.most:,} bytes came that are neither a whole head nor a body; send shorter headers."
            self.refuse(431, said)

    def on_headers_complete(self) -> None:
        self._bare = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._bare = 0
        super().on_body(body)
