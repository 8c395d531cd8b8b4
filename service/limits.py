"""Limits: who may ask, how much, and how long sending it may take. Plain ASGI, which costs microseconds a request."""

import asyncio
import hmac
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.refused import refused

DIGITS = 15  # of a length that could be true
UPGRADE = "The head asks for another protocol with Upgrade, which ends HTTP before the body; send it without Upgrade."
OPEN = {"/health"}  # what monitors ask; it says nothing that an outsider could use


class Limits:
    """Let through what has the token, is small enough and comes in time; answer the rest."""

    def __init__(self, app: ASGIApp, body_bytes: int, body_seconds: float, token: str | None) -> None:
        self._app, self._bytes, self._seconds = app, body_bytes, body_seconds
        self._token = None if token is None else token.strip().encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if not self._known(scope["path"], headers.get(b"authorization", b"")):
            said = "This address needs the header Authorization: Bearer, and the token that the service was given."
            await refused(401, said, {"WWW-Authenticate": "Bearer"})(scope, receive, send)
        elif self._too_long(headers.get(b"content-length", b"0")):
            await self._let_go(receive, 0)
            await refused(413, self._too_large(), {"Connection": "close"})(scope, receive, send)
        elif b"upgrade" in headers and _upgraded_with_body(headers):
            await refused(400, UPGRADE, {"Connection": "close"})(scope, receive, send)
        else:
            await self._app(scope, self._within(receive), send)

    def _known(self, path: str, told: bytes) -> bool:
        if self._token is None or path in OPEN:
            return True
        found = _bearer(told)
        return found != b"" and hmac.compare_digest(found, self._token)

    def _too_long(self, told: bytes) -> bool:
        """Whether a body is longer than allowed as its header has it; Python refuses to read thousands of digits."""
        return told.isdigit() and (len(told) > DIGITS or int(told) > self._bytes)

    def _too_large(self) -> str:
        return f"The body is longer than {self._bytes:,} bytes; send fewer at a time."

    async def _let_go(self, receive: Receive, taken: int) -> None:
        """Read the rest of a long body and keep none of it, for many clients hear no answer before they have sent all.

        At ten times what is allowed, or when the time is up, the connection is closed without regard to that.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                while taken <= 10 * self._bytes:
                    message = await receive()
                    taken += len(message.get("body", b""))
                    if not message.get("more_body", False):
                        return

    def _within(self, receive: Receive) -> Receive:
        """Return a `receive` that counts bytes and keeps to the time; what it raises becomes an answer."""
        taken, ends, whole = 0, asyncio.get_running_loop().time() + self._seconds, False

        async def counted() -> Message:
            nonlocal taken, whole
            if whole:  # what comes after the body is only that the client is gone
                return await receive()
            try:
                async with asyncio.timeout_at(ends):
                    message: MutableMapping[str, Any] = await receive()
            except TimeoutError:
                said = f"The body did not come within {self._seconds:g} seconds; send it in one go."
                raise HTTPException(408, said, {"Connection": "close"}) from None
            taken += len(message.get("body", b""))
            if taken > self._bytes:
                if message.get("more_body", False):
                    await self._let_go(receive, taken)
                raise HTTPException(413, self._too_large(), {"Connection": "close"})
            whole = not message.get("more_body", False)
            return message

        return counted


def _bearer(told: bytes) -> bytes:
    """Return the token of an Authorization header; RFC 9110 has its scheme in any case, and outer blanks not count."""
    scheme, _, token = told.partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else b""


def _upgraded_with_body(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a head names a body that no parser reads, for what follows is in the other protocol."""
    bodied = b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"
    return bodied and b"upgrade" in headers.get(b"connection", b"").lower()
