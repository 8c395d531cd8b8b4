"""Gate: where the service asks for a token, `/` without one is a field to write it in."""

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from service.page.drawing import Html, tag
from service.page.policy import HEADERS, whole

SAID = "This service answers those who have its token."


def gate() -> str:
    """Return the page that asks for the token, and shows the dashboard in its place once it is right."""
    field = tag("label", "Token", Html('<input type="password" name="token" autocomplete="off" required>'))
    buttons = tag("div", tag("button", "Show", type="submit", class_="first", disabled=True), class_="buttons")
    form = tag("form", field, buttons, tag("output", aria_live="polite"), id="gate")
    shell = "Without a script, send the header Authorization: Bearer with the token."
    main = tag("main", tag("p", SAID), form, tag("noscript", tag("p", shell)))
    return whole("Trueline", SAID, tag("header", tag("h1", "Trueline")), main)


class Gate:
    """Answer `/` with the field where a token is asked for and none was sent; leave all else to the app."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app, self._asks = app, token is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._asks and scope["type"] == "http" and _bare(scope):
            answer = HTMLResponse(gate(), 401, HEADERS | {"WWW-Authenticate": "Bearer"})
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _bare(scope: Scope) -> bool:
    return scope["path"] == "/" and scope["method"] == "GET" and "authorization" not in Headers(scope=scope)
