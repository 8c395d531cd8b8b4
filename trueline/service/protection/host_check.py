"""Host check: a page that resolves its own name to this machine's address cannot ask the service for anything."""

from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from trueline.service.protection.error_responses import build_error_response

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")


class HostCheckMiddleware:
    """Answer 421 to a request whose Host header names none of the allowed hosts; an empty list allows any."""

    def __init__(self, app: ASGIApp, allowed_hosts: Iterable[str]) -> None:
        self._app, self._allowed_hosts = app, {host.lower() for host in allowed_hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._allowed_hosts:
            host = Headers(scope=scope).get("host")
            if host is not None and remove_port(host.lower()) not in self._allowed_hosts:
                message = f"This service does not answer for the host {host[:60]!r}; allow it with --allow-host."
                await build_error_response(421, message)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def remove_port(host: str) -> str:
    """Return the host of a Host header.

    >>> remove_port("localhost:8000"), remove_port("[::1]:8000"), remove_port("[::1]")
    ('localhost', '[::1]', '[::1]')
    """
    name, _, port = host.rpartition(":")
    return name if port.isdigit() and name else host
