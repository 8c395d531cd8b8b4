"""Host check: a page that resolves its own name to this machine's address cannot ask the service for anything."""

import re
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from trueline.core.errors import UserError
from trueline.service.protection.error_responses import build_error_response

HOST_PATTERN = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")


class HostCheckMiddleware:
    """Answer 421 to a request whose Host header names none of the allowed hosts; an empty list allows any.

    HTTP/1.1 demands one Host header, neither none nor several: those get a 400 (RFC 9112).
    """

    def __init__(self, app: ASGIApp, allowed_hosts: Iterable[str]) -> None:
        self._app, self._allowed_hosts = app, normalize_hosts(allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hosts = Headers(scope=scope).getlist("host") if scope["type"] == "http" else []
        host = hosts[0] if hosts else None
        if len(hosts) != 1 and scope.get("http_version") == "1.1":
            message = f"The request has {len(hosts)} Host headers; send one, with the name of the host."
            await build_error_response(400, message)(scope, receive, send)
        elif is_allowed_host(host, self._allowed_hosts):
            await self._app(scope, receive, send)
        else:
            message = f"This service does not answer for the host {str(host)[:60]!r}; allow it with --allow-host."
            await build_error_response(421, message)(scope, receive, send)


def check_hosts(hosts: Iterable[str]) -> tuple[str, ...]:
    """Return hosts as --allow-host names them. Raises UserError for an address with a scheme, a port or a path.

    >>> check_hosts(["models.example.com", "[::1]"])
    ('models.example.com', '[::1]')
    """
    for host in hosts:
        if not HOST_PATTERN.fullmatch(host):
            problem = f"--allow-host is {host!r}, which no Host header can name"
            raise UserError(f"{problem}; give a host alone, such as models.example.com, without a port.")
    return tuple(hosts)


def normalize_hosts(hosts: Iterable[str]) -> frozenset[str]:
    """Return hosts as `is_allowed_host` compares them."""
    return frozenset(host.lower() for host in hosts)


def is_allowed_host(host: str | None, allowed_hosts: frozenset[str]) -> bool:
    """Whether a Host header names one of the allowed hosts; without a header, or if none are named, any is allowed."""
    return host is None or not allowed_hosts or remove_port(host.lower()) in allowed_hosts


def remove_port(host: str) -> str:
    """Return the host of a Host header.

    >>> remove_port("localhost:8000"), remove_port("[::1]:8000"), remove_port("[::1]")
    ('localhost', '[::1]', '[::1]')
    """
    name, _, port = host.rpartition(":")
    return name if port.isdigit() and name else host
