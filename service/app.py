"""The app: the models are loaded once, at start, and the addresses answer with them."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from multiprocessing import parent_process
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from service.counters import Counted
from service.limits import Limits
from service.orphan import end_with
from service.page.gate import Gate
from service.refused import refused
from service.routes import routers
from service.routes.health import own_version
from service.routes.predict import schemas
from service.service import Service
from service.settings import TOKEN, Settings, inherited
from service.straight import Straight

ABOUT = """Answers with the models that were promoted, or the workspace's. Every answer is logged; every error is
one sentence under `detail`."""


def create_app(settings: Settings) -> FastAPI:
    """Return the app with every model loaded; a Refusal says why it cannot be."""
    return assembled(Service.start(settings))


def worker() -> FastAPI:
    """Return the app of a worker process, with the settings that its parent left."""
    return settled(create_app(inherited()))


def settled(app: FastAPI) -> FastAPI:
    """Return the app, what is loaded left out of garbage collection: looking through it takes 20 ms now and then."""
    gc.collect()
    gc.freeze()
    return app


def assembled(service: Service) -> FastAPI:
    """Return the app of a service that is loaded; `app.state.service` is that service."""
    app = FastAPI(
        title="Trueline", version=own_version(), description=ABOUT, lifespan=_lifespan, redirect_slashes=False
    )
    app.state.service = service
    for router in routers(service):
        app.include_router(router)
    app.openapi = lambda: _openapi(app, service)  # type: ignore[method-assign]
    app.add_exception_handler(HTTPException, _said)
    settings = service.settings
    app.add_middleware(Straight, service.serving)
    app.add_middleware(Limits, settings.body_bytes, settings.body_seconds, os.environ.get(TOKEN) or None)
    app.add_middleware(Gate, os.environ.get(TOKEN) or None)
    app.add_middleware(Counted, service.counters)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    beside = [asyncio.create_task(service.watch())]
    if (parent := parent_process()) is not None:
        beside.append(asyncio.create_task(end_with(parent.pid)))
    yield
    for task in beside:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    service.close()


async def _said(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return refused(404, "There is nothing at this address; /docs lists what there is.")
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "another method")
        return refused(405, f"This address does not take {request.method[:20]}; it takes {allowed}.", error.headers)
    return refused(error.status_code, str(error.detail), error.headers)


def _openapi(app: FastAPI, service: Service) -> dict[str, Any]:
    if not app.openapi_schema:
        told = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        told.setdefault("components", {}).setdefault("schemas", {}).update(schemas(service))
        app.openapi_schema = told
    return app.openapi_schema
