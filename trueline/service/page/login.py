"""Login: if the service requires a token, `/` without one is a form to enter it."""

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from trueline.core.charts.html import Html, html_tag
from trueline.service.page.csp import PAGE_HEADERS, render_page

LOGIN_MESSAGE = "This service requires a token."


def render_login() -> str:
    """Return the page that asks for the token; its script shows the dashboard instead once the token is right."""
    field = html_tag("label", "Token", Html('<input type="password" name="token" autocomplete="off" required>'))
    button = html_tag("button", "Show", type="submit", class_="first", disabled=True)
    buttons = html_tag("div", button, class_="buttons")
    form = html_tag("form", field, buttons, html_tag("output", aria_live="polite"), id="gate")
    hint = "Without a script, send the header Authorization: Bearer with the token."
    main = html_tag("main", html_tag("p", LOGIN_MESSAGE), form, html_tag("noscript", html_tag("p", hint)))
    return render_page("Trueline", LOGIN_MESSAGE, html_tag("header", html_tag("h1", "Trueline")), main)


class LoginMiddleware:
    """Answer `/` with the login form if a token is required and none was sent; pass everything else to the app."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app, self._requires_token = app, token is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._requires_token and scope["type"] == "http" and _is_anonymous_page_request(scope):
            answer = HTMLResponse(render_login(), 401, PAGE_HEADERS | {"WWW-Authenticate": "Bearer"})
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _is_anonymous_page_request(scope: Scope) -> bool:
    return scope["path"] == "/" and scope["method"] == "GET" and "authorization" not in Headers(scope=scope)
