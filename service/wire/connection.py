"""Connection: what the parts of the wire share."""

from typing import Any

from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from service.refused import refused

CLOSE = {"Connection": "close"}
FULL: Any = refused(503, "Too many connections are open; close those you do not need, and try again later.", CLOSE)
NO_HTTP = "What came is no HTTP/1.1 request; send a head, and a body as long as it says."


class Connection(HttpToolsProtocol):
    """uvicorn's protocol, whose own refusals are sentences too."""

    running: RequestResponseCycle | None = None  # what is being answered; `cycle` is what was asked last

    @property
    def answering(self) -> bool:
        """Whether an answer is under way, or a request waits for its own."""
        return self.cycle is not None and not self.cycle.response_complete

    def refuse(self, status: int, sentence: str) -> None:
        """Say why nothing more is heard, and hang up."""
        response = refused(status, sentence, CLOSE)
        head = b"".join(name + b": " + value + b"\r\n" for name, value in response.raw_headers)
        self.transport.write(STATUS_LINE[status] + head + b"\r\n" + bytes(response.body))
        self.hang_up()

    def hang_up(self) -> None:
        """Close the connection once what was written is sent."""
        self.transport.close()

    def send_400_response(self, msg: str) -> None:
        if self.answering and not self.cycle.more_body:
            self.cycle.keep_alive = False  # the answers to what came before go first; a 400 now would stand for them
        else:
            self.refuse(400, NO_HTTP)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self.running = cycle
        super()._start_asgi_task(cycle, FULL if app is service_unavailable else app)
