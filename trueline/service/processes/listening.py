"""Listening: the socket that all workers share, and who may be let in."""

import os
import socket
from ipaddress import ip_address

from trueline.core.errors import UserError
from trueline.service.settings import TOKEN_VARIABLE, Settings


def open_listener(settings: Settings) -> socket.socket:
    """Return a socket bound to the address, on which nobody listens yet. Raises UserError if that is impossible."""
    _require_token(settings)
    try:
        family, _, _, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise UserError(f"--host {settings.host} is not an address of this machine ({error.strerror}).") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        problem = f"{settings.host}:{settings.port} cannot be listened on ({error.strerror})"
        raise UserError(f"{problem}; choose another --port or --host.") from None
    return listener


def describe_address(listener: socket.socket) -> str:
    """Return the address that a socket is bound to, as a URL."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if listener.family == socket.AF_INET6 else f"http://{host}:{port}"


def has_token() -> bool:
    """Whether callers need a token."""
    return bool(os.environ.get(TOKEN_VARIABLE))


def _require_token(settings: Settings) -> None:
    """Raise UserError if other machines could connect without a token and nobody said that they may.

    Nobody could send a token of blanks, so that is an error too.
    """
    if has_token() and not os.environ[TOKEN_VARIABLE].strip():
        raise UserError(f"{TOKEN_VARIABLE} has blanks only; set it to the token that callers need, or unset it.")
    if has_token() or settings.is_open or is_loopback(settings.host):
        return
    raise UserError(
        f"--host {settings.host} lets other machines connect, and there is no token; set {TOKEN_VARIABLE}, or add "
        "--without-token if something else decides who may connect."
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can connect to an address.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("127.example.com"), is_loopback("")
    (True, True, False, False)
    """
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name
        return False
