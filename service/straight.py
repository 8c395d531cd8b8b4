"""Straight: predictions are answered without the router, whose work takes as long as scoring a known text."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.refused import refused
from service.serving import Serving


@dataclass(frozen=True)
class Route:
    """What the counters ask of a route."""

    path: str


class Straight:
    """Answer `POST /predict/<task>` at once and leave everything else, the documentation too, to the app."""

    def __init__(self, app: ASGIApp, serving: Mapping[str, Serving]) -> None:
        self._app = app
        self._at = {f"/predict/{task}": (Route(f"/predict/{task}"), each) for task, each in serving.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        known = self._at.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if known is None:
            await self._app(scope, receive, send)
            return
        scope["route"], serving = known
        try:
            response = await serving.respond(Request(scope, receive))
        except HTTPException as said:  # too long, or too slow
            response = refused(said.status_code, str(said.detail), said.headers)
        await response(scope, receive, send)
