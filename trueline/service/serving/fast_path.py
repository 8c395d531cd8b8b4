"""Fast path: predictions bypass the router, whose work takes as long as scoring a cached text."""

from collections.abc import Iterable
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from trueline.service.protection.error_responses import build_error_response
from trueline.service.serving.endpoint import PredictionEndpoint


@dataclass(frozen=True)
class CountedRoute:
    """Stands in for a router's route: the counters read its path."""

    path: str


class FastPathMiddleware:
    """Answer the posts of predictions directly; pass everything else, the documentation too, on to the app."""

    def __init__(self, app: ASGIApp, endpoints: Iterable[PredictionEndpoint]) -> None:
        self._app = app
        self._routes = {endpoint.form.path: (CountedRoute(endpoint.form.path), endpoint) for endpoint in endpoints}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match = self._routes.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if match is None:
            await self._app(scope, receive, send)
            return
        scope["route"], endpoint = match
        try:
            response = await endpoint.handle_request(Request(scope, receive))
        except HTTPException as error:  # the body is too long or too slow
            response = build_error_response(error.status_code, str(error.detail), error.headers)
        await response(scope, receive, send)
