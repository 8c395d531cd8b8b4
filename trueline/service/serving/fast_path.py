"""Fast path: a plain post of a short prediction passes one check instead of every middleware and the router.

Those take as long as scoring a cached text. What is not plain takes their way, and gets the same answer.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from time import perf_counter

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from trueline.service.monitoring.prometheus_metrics import ServiceMetrics
from trueline.service.protection.disconnects import SENDS_NO_MORE
from trueline.service.protection.error_responses import build_error_response
from trueline.service.protection.host_check import is_allowed_host, normalize_hosts
from trueline.service.protection.path_prefix import remove_prefix
from trueline.service.protection.request_limits import build_late_error, encode_token, is_authorised
from trueline.service.serving.endpoint import DEPARTED_RESPONSE, JSON_TYPE, PredictionEndpoint
from trueline.service.settings import Settings

PLAIN_TYPE = JSON_TYPE.encode()
# of which others decide
SPECIAL_HEADERS = (b"upgrade", b"transfer-encoding", b"content-encoding", b"x-forwarded-prefix")
MAX_LENGTH_DIGITS = 6  # of the Content-Length of a short body


@dataclass(frozen=True)
class Admission:
    """What a request needs to be answered here: one of the hosts, if any are named, and the token, if there is one."""

    allowed_hosts: frozenset[str]
    token: bytes | None

    def is_plain(self, scope: Scope, max_bytes: int) -> bool:
        """Whether a request is admitted, and is a JSON body of a length that it names and that is short enough."""
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"")
        return (
            len(headers) == len(scope["headers"])  # none twice
            and headers.get(b"content-type") == PLAIN_TYPE
            and length.isdigit()
            and len(length) <= MAX_LENGTH_DIGITS
            and int(length) <= max_bytes
            and not any(map(headers.__contains__, SPECIAL_HEADERS))
            and b"host" in headers
            and is_allowed_host(headers[b"host"].decode("latin-1"), self.allowed_hosts)
            and is_authorised(scope["path"], headers.get(b"authorization", b""), self.token)
        )


class FastPathMiddleware:
    """Answer plain posts of predictions that need no thread; pass everything else on to the app."""

    def __init__(
        self,
        app: ASGIApp,
        endpoints: Iterable[PredictionEndpoint],
        counters: ServiceMetrics,
        settings: Settings,
        token: str | None,
    ) -> None:
        self._app, self._counters, self._body_timeout_seconds = app, counters, settings.body_seconds
        self._endpoints = {
            path: endpoint
            for endpoint in endpoints
            for path in (endpoint.form.path, settings.root_path + endpoint.form.path)
            if endpoint.form.max_inline_bytes and remove_prefix(path, settings.root_path) == endpoint.form.path
        }
        self._admission = Admission(normalize_hosts(settings.allowed_hosts), encode_token(token))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_post = scope["type"] == "http" and scope["method"] == "POST"
        endpoint = self._endpoints.get(scope["path"]) if is_post else None
        if endpoint is None or not self._admission.is_plain(scope, endpoint.form.max_inline_bytes):
            await self._app(scope, receive, send)
            return
        start, status = perf_counter(), 500
        try:
            response = await self._answer(endpoint, scope, receive)
            status = response.status_code
            await response(scope, receive, send)
        finally:
            self._counters.count_request("POST", endpoint.form.path, status, perf_counter() - start)

    async def _answer(self, endpoint: PredictionEndpoint, scope: Scope, receive: Receive) -> Response:
        try:
            body = await _read_body(receive, self._body_timeout_seconds)
        except ClientDisconnect:
            return DEPARTED_RESPONSE
        except HTTPException as error:  # the body is too slow
            return build_error_response(error.status_code, str(error.detail), error.headers)
        return await endpoint.answer(body, receive, scope.get(SENDS_NO_MORE))


async def _read_body(receive: Receive, timeout_seconds: float) -> bytes:
    """Return the whole body. Raises HTTPException if it takes longer, and ClientDisconnect if the client leaves."""
    body, is_complete = b"", False
    try:
        async with asyncio.timeout(timeout_seconds):
            while not is_complete:
                message = await receive()
                if message["type"] != "http.request":
                    raise ClientDisconnect
                body += message.get("body", b"")
                is_complete = not message.get("more_body", False)
    except TimeoutError:
        raise build_late_error(timeout_seconds) from None
    return body
