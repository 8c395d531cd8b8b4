"""Base protocol: what the modules of this package share."""

from typing import Any, ClassVar

from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from trueline.service.monitoring.prometheus_metrics import ServiceMetrics
from trueline.service.protection.error_responses import build_error_response

CLOSE_HEADERS = {"Connection": "close"}
FULL_RESPONSE: Any = build_error_response(
    503, "Too many connections are open; close those you do not need, and try again later.", CLOSE_HEADERS
)
NO_HTTP_MESSAGE = "This is not an HTTP/1.1 request; send a head, and a body of the length that it announces."


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

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self.running_cycle = cycle
        if app is service_unavailable:
            self.count_refusal("503")
        super()._start_asgi_task(cycle, FULL_RESPONSE if app is service_unavailable else app)
