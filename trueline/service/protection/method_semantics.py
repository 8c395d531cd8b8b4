"""Method semantics: HEAD is answered like GET without a body, OPTIONS with the methods of an address (RFC 9110)."""

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


class HeadMiddleware:
    """Let the app answer HEAD as GET; the server leaves the body out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        get_scope = {**scope, "method": "GET"}  # a copy: the server's own says HEAD
        try:
            await self._app(get_scope, receive, send)
        finally:
            if "route" in get_scope:  # for the counters
                scope["route"] = get_scope["route"]


def list_allowed_methods(error: HTTPException) -> str:
    """Return the methods of an address that does not accept the one that was asked for."""
    methods = set((error.headers or {}).get("Allow", "").split(", ")) - {""}
    return ", ".join(sorted(methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())))


def build_options_response(error: HTTPException) -> Response:
    """Return the answer to OPTIONS at an address: no content, and the methods that it accepts."""
    return Response(status_code=204, headers={"Allow": list_allowed_methods(error)})
