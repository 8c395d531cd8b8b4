"""Base protocol: what the modules of this package share."""

from asyncio import Transport
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from trueline.service.monitoring.prometheus_metrics import ServiceMetrics
from trueline.service.protection.error_responses import build_error_response

CLOSE_HEADERS = {"Connection": "close"}
FULL_RESPONSE: Any = build_error_response(
    503, "Too many connections are open; close those you do not need, and try again later.", CLOSE_HEADERS
)
INTERIM_PREFIX = b"HTTP/1.1 1"  # begins a head that another follows, such as 100 Continue
NO_HTTP_MESSAGE = "This is not an HTTP/1.1 request; send a head, and a body of the length that it announces."


class AnswerTransport:
    """The transport of one answer: sends its head together with the first of its body, in one call of the system.

    uvicorn writes the two apart, and so wakes a client that waits for both twice.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport, self._held_head, self._is_head_due = transport, b"", True

    def write(self, content: bytes) -> None:
        """Send content, after the head if that is held; hold it if it is the head."""
        if self._is_head_due and not content.startswith(INTERIM_PREFIX):
            self._held_head, self._is_head_due = content, False
        else:
            self._transport.write(self._held_head + content)
            self._held_head = b""

    def flush(self) -> None:
        """Send a head that no body has followed."""
        if self._held_head:
            self.write(b"")

    def close(self) -> None:
        """See asyncio.Transport."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """See asyncio.Transport."""
        return self._transport.is_closing()


class BaseProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, its own errors replaced by JSON sentences."""

    counters: ClassVar[ServiceMetrics | None] = None  # where refusals are counted; set by the worker
    running_cycle: RequestResponseCycle | None = None  # the request being answered; `cycle` is the last one received

    @property
    def is_answering(self) -> bool:
        """Whether an answer is under way, or a request waits for its own."""
        return self.cycle is not None and not self.cycle.response_complete

    def count_refusal(self, outcome: str) -> None:
        """Count a connection that gets no answer from the app."""
        if self.counters is not None:
            self.counters.count_refusal(outcome)

    def refuse_request(self, status: int, message: str) -> None:
        """Send an error response and close the connection."""
        self.count_refusal(str(status))
        response = build_error_response(status, message, CLOSE_HEADERS)
        head = b"".join(name + b": " + value + b"\r\n" for name, value in response.raw_headers)
        self.transport.write(STATUS_LINE[status] + head + b"\r\n" + bytes(response.body))
        self.close_connection()

    def close_connection(self) -> None:
        """Close the connection once everything written has been sent."""
        self.transport.close()

    def drop_connection(self) -> None:
        """Close the connection without an answer."""
        self.count_refusal("dropped")
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        if self.is_answering and not self.cycle.more_body:
            self.cycle.keep_alive = False  # earlier answers go first; a 400 now would be taken for one of them
        else:
            self.refuse_request(400, NO_HTTP_MESSAGE)

    def on_response_complete(self) -> None:
        if self.running_cycle is not None:
            cast(AnswerTransport, self.running_cycle.transport).flush()
        super().on_response_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self.running_cycle = cycle
        cycle.transport = cast(Transport, AnswerTransport(cycle.transport))
        if app is service_unavailable:
            self.count_refusal("503")
        super()._start_asgi_task(cycle, FULL_RESPONSE if app is service_unavailable else app)
