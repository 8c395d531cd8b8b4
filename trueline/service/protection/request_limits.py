"""Request limits: the token, the size of a body and the time to send it. Plain ASGI: microseconds per request."""

import asyncio
import base64
import hmac
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trueline.service.protection.error_responses import build_error_response

MAX_LENGTH_DIGITS = 15  # digits of a plausible Content-Length
UPGRADE_MESSAGE = (
    "The Upgrade header asks for another protocol, which ends HTTP before the body; send it without Upgrade."
)
BROWSER_PATHS = {"/docs", "/openapi.json"}  # for which a browser asks for the token, as a password
OPEN_PATHS = {"/health"}  # for monitors; it reveals nothing that an outsider could use


class RequestLimitMiddleware:
    """Pass on requests that have the token, are small enough and arrive in time; answer the others with an error."""

    def __init__(self, app: ASGIApp, body_bytes: int, body_seconds: float, token: str | None) -> None:
        self._app, self._max_body_bytes, self._body_timeout_seconds = app, body_bytes, body_seconds
        self._token = encode_token(token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if not is_authorised(scope["path"], headers.get(b"authorization", b""), self._token):
            message = "This address needs the header Authorization: Bearer <token>, with the service's token."
            scheme = 'Basic realm="Trueline"' if scope["path"] in BROWSER_PATHS else "Bearer"
            await build_error_response(401, message, {"WWW-Authenticate": scheme})(scope, receive, send)
        elif self._is_too_long(headers.get(b"content-length", b"0")):
            await self._drain_body(receive, 0)
            await build_error_response(413, self._describe_limit(), {"Connection": "close"})(scope, receive, send)
        elif b"upgrade" in headers and _is_upgrade_with_body(headers):
            await build_error_response(400, UPGRADE_MESSAGE, {"Connection": "close"})(scope, receive, send)
        else:
            await self._app(scope, self._limit_receive(receive), send)

    def _is_too_long(self, content_length: bytes) -> bool:
        """Whether a Content-Length exceeds the limit; long ones stay unparsed: Python rejects thousands of digits."""
        return content_length.isdigit() and (
            len(content_length) > MAX_LENGTH_DIGITS or int(content_length) > self._max_body_bytes
        )

    def _describe_limit(self) -> str:
        return f"The body is longer than {self._max_body_bytes:,} bytes; send fewer at a time."

    async def _drain_body(self, receive: Receive, received_bytes: int) -> None:
        """Read and discard the rest of a long body, since many clients read no answer before they have sent all of it.

        At ten times the limit, or when the time is up, reading stops and the connection is closed all the same.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(self._body_timeout_seconds):
                while received_bytes <= 10 * self._max_body_bytes:
                    message = await receive()
                    received_bytes += len(message.get("body", b""))
                    if not message.get("more_body", False):
                        return

    def _limit_receive(self, receive: Receive) -> Receive:
        """Return a `receive` that enforces the size and time limits; the HTTPException it raises becomes an answer."""
        received_bytes, deadline, is_complete = 0, asyncio.get_running_loop().time() + self._body_timeout_seconds, False

        async def receive_within_limits() -> Message:
            nonlocal received_bytes, is_complete
            if is_complete:  # after the body only the client's disconnect can follow
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message: MutableMapping[str, Any] = await receive()
            except TimeoutError:
                raise build_late_error(self._body_timeout_seconds) from None
            received_bytes += len(message.get("body", b""))
            if received_bytes > self._max_body_bytes:
                if message.get("more_body", False):
                    await self._drain_body(receive, received_bytes)
                raise HTTPException(413, self._describe_limit(), {"Connection": "close"})
            is_complete = not message.get("more_body", False)
            return message

        return receive_within_limits


def build_late_error(timeout_seconds: float) -> HTTPException:
    """Return the error of a body that takes longer than it may."""
    detail = f"The body did not arrive within {timeout_seconds:g} seconds; send it in one go."
    return HTTPException(408, detail, {"Connection": "close"})


def encode_token(token: str | None) -> bytes | None:
    """Return the service's token as `is_authorised` compares it; None if it has none."""
    return None if token is None else token.strip().encode()


def is_authorised(path: str, authorization: bytes, token: bytes | None) -> bool:
    """Whether a request may ask for a path: it has the service's token in its header, or needs none."""
    if token is None or path in OPEN_PATHS:
        return True
    sent_token = _parse_token(authorization)
    return sent_token != b"" and hmac.compare_digest(sent_token, token)


def _parse_token(header: bytes) -> bytes:
    """Return the token of an Authorization header, empty without one; as Basic it is the password of any user.

    By RFC 9110 the scheme may be in any case, and outer blanks do not count.
    """
    scheme, _, credentials = header.partition(b" ")
    if scheme.lower() == b"basic":
        with suppress(ValueError):
            return base64.b64decode(credentials.strip(), validate=True).partition(b":")[2].strip()
    return credentials.strip() if scheme.lower() == b"bearer" else b""


def _is_upgrade_with_body(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a head announces a body that no parser reads, because the other protocol begins after the head."""
    has_body = b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"
    return has_body and b"upgrade" in headers.get(b"connection", b"").lower()
