"""Path prefix: the service answers below a prefix such as /trueline, whether a proxy strips it or leaves it."""

import re
from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send

from trueline.core.errors import UserError

PREFIX_HEADER = b"x-forwarded-prefix"
PREFIX_PATTERN = re.compile(r"(/[A-Za-z0-9._~-]+)+")


class PathPrefixMiddleware:
    """Set `root_path`, and take the prefix off the path if it is there.

    The prefix is the setting's, or what X-Forwarded-Prefix says if the request comes from a trusted proxy. The header
    of anybody else is ignored.
    """

    def __init__(self, app: ASGIApp, root_path: str, trusted_proxies: Iterable[str]) -> None:
        self._app, self._root_path = app, root_path
        self._trusted_networks = [ip_network(address, strict=False) for address in trusted_proxies]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (prefix := self._find_prefix(scope)):
            scope["path"], scope["root_path"] = remove_prefix(scope["path"], prefix), prefix
        await self._app(scope, receive, send)

    def _find_prefix(self, scope: Scope) -> str:
        if not self._trusted_networks or not self._is_trusted(scope):
            return self._root_path
        header = next((value for name, value in scope["headers"] if name == PREFIX_HEADER), b"").decode("latin-1")
        return header if PREFIX_PATTERN.fullmatch(header) else self._root_path

    def _is_trusted(self, scope: Scope) -> bool:
        if not scope.get("client"):
            return False
        try:
            address = ip_address(scope["client"][0])
        except ValueError:
            return False
        return any(address in network for network in self._trusted_networks)


class RoutePathMiddleware:
    """Put the prefix in front of the path again, for the router takes it off once more; the innermost middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (prefix := scope.get("root_path")):
            scope["path"] = prefix + scope["path"]
        await self._app(scope, receive, send)


def remove_prefix(path: str, prefix: str) -> str:
    """Return a path without the prefix, if it is there; empty without the last slash, where there is nothing.

    >>> remove_prefix("/trueline/health", "/trueline"), remove_prefix("/health", "/trueline")
    ('/health', '/health')
    """
    return path[len(prefix) :] if path == prefix or path.startswith(f"{prefix}/") else path


def check_prefix(root_path: str) -> str:
    """Return a prefix without its last slash. Raises UserError if it is none.

    >>> check_prefix("/trueline/"), check_prefix("")
    ('/trueline', '')
    """
    prefix = root_path.rstrip("/")
    if prefix and not PREFIX_PATTERN.fullmatch(prefix):
        raise UserError(f"--root-path is {root_path!r}; give a path such as /trueline.")
    return prefix


def check_proxies(addresses: Iterable[str]) -> tuple[str, ...]:
    """Return addresses of proxies. Raises UserError for one that is neither an address nor a network."""
    for address in addresses:
        try:
            ip_network(address, strict=False)
        except ValueError:
            problem = f"--trust-proxy is {address!r}, which is no IP address"
            raise UserError(f"{problem}; give one such as 10.0.0.2, or a network such as 172.16.0.0/12.") from None
    return tuple(addresses)
