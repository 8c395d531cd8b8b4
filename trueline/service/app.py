"""The FastAPI app: routes and middleware around models that are loaded once, at startup."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from trueline.service.monitoring.prometheus_metrics import RequestCountMiddleware
from trueline.service.page.login import LoginMiddleware
from trueline.service.protection.error_responses import build_error_response
from trueline.service.protection.host_check import HostCheckMiddleware
from trueline.service.protection.method_semantics import HeadMiddleware, build_options_response, list_allowed_methods
from trueline.service.protection.path_prefix import PathPrefixMiddleware, RoutePathMiddleware
from trueline.service.protection.request_limits import OPEN_PATHS, RequestLimitMiddleware
from trueline.service.routes import load_routers
from trueline.service.routes.health import read_own_version
from trueline.service.routes.predict import build_schemas, describe_common_errors
from trueline.service.service import Service
from trueline.service.serving.fast_path import FastPathMiddleware
from trueline.service.settings import TOKEN_VARIABLE, Settings

API_DESCRIPTION = """Serves predictions of promoted models, or of the workspace's. Every answer is logged; every error
is a problem in JSON (RFC 9457), whose `detail` is one sentence."""
SERVER_METHODS = "GET, HEAD, OPTIONS, POST"  # that some address accepts
VALIDATION_SCHEMAS = ("HTTPValidationError", "ValidationError")
MEASURE_SECONDS = 10.0  # between two looks at the process's memory, which any worker may be asked for


def create_app(settings: Settings) -> FastAPI:
    """Return the app with every model loaded. Raises UserError if the service cannot start."""
    return build_app(Service.start(settings))


def freeze_gc(app: FastAPI) -> FastAPI:
    """Exempt everything loaded so far from garbage collection, which would take 20 ms now and then; return the app."""
    gc.collect()
    gc.freeze()
    return app


def build_app(service: Service) -> FastAPI:
    """Return the app of a loaded service, which is kept as `app.state.service`."""
    app = FastAPI(
        title="Trueline",
        version=read_own_version(),
        description=API_DESCRIPTION,
        lifespan=_run_lifespan,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,  # names the functions of generated clients
    )
    app.state.service = service
    for router in load_routers(service):
        app.include_router(router, responses=describe_common_errors())
    app.openapi = lambda: _build_openapi(app, service)  # type: ignore[method-assign]
    app.add_exception_handler(HTTPException, _render_http_error)
    app.add_exception_handler(Exception, _render_failure)
    settings, token = service.settings, os.environ.get(TOKEN_VARIABLE) or None
    has_prefix = bool(settings.root_path or settings.trusted_proxies)
    if has_prefix:
        app.add_middleware(RoutePathMiddleware)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(RequestLimitMiddleware, settings.body_bytes, settings.body_seconds, token)
    app.add_middleware(LoginMiddleware, token)
    app.add_middleware(HostCheckMiddleware, settings.allowed_hosts)
    app.add_middleware(RequestCountMiddleware, service.counters)
    if has_prefix:
        app.add_middleware(PathPrefixMiddleware, settings.root_path, settings.trusted_proxies)
    app.add_middleware(FastPathMiddleware, service.list_endpoints(), service.counters, settings, token)  # the outermost
    return app


@asynccontextmanager
async def _run_lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    background_tasks = [asyncio.create_task(service.watch_drift()), asyncio.create_task(_watch_process(service))]
    yield
    for task in background_tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    service.close()


async def _watch_process(service: Service) -> None:
    while True:
        service.counters.record_process()
        await asyncio.sleep(MEASURE_SECONDS)


async def _render_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404 and (request.method, request.scope["path"]) == ("OPTIONS", "*"):
        return Response(status_code=204, headers={"Allow": SERVER_METHODS})
    if error.status_code == 404:
        return build_error_response(404, "There is nothing at this address; /docs lists the addresses.")
    if error.status_code == 405 and request.method == "OPTIONS":
        return build_options_response(error)
    if error.status_code == 405:
        allowed = list_allowed_methods(error)
        message = f"This address does not accept {request.method[:20]}; it accepts {allowed}."
        return build_error_response(405, message, {"Allow": allowed})
    return build_error_response(error.status_code, str(error.detail), error.headers)


async def _render_failure(_request: Request, _error: Exception) -> Response:
    return build_error_response(500, "The service failed; its log says why.", {"Connection": "close"})


def _build_openapi(app: FastAPI, service: Service) -> dict[str, Any]:
    if not app.openapi_schema:
        schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schema.setdefault("components", {}).setdefault("schemas", {}).update(build_schemas(service))
        _remove_unused_errors(schema)
        if os.environ.get(TOKEN_VARIABLE):
            _describe_token(schema)
        app.openapi_schema = schema
    return app.openapi_schema


def _remove_unused_errors(schema: dict[str, Any]) -> None:
    """Remove FastAPI's own validation error, with which no address answers: paths are texts, bodies are ours."""
    operations = (operation for methods in schema["paths"].values() for operation in methods.values())
    for responses in (operation["responses"] for operation in operations):
        if f"/{VALIDATION_SCHEMAS[0]}'" in str(responses.get("422", "")):
            del responses["422"]
    for name in VALIDATION_SCHEMAS:
        schema["components"]["schemas"].pop(name, None)


def _describe_token(schema: dict[str, Any]) -> None:
    """State in the schema that every address but the open ones needs the token."""
    schema["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    schema["security"] = [{"token": []}]
    for path in OPEN_PATHS & set(schema["paths"]):
        for operation in schema["paths"][path].values():
            operation["security"] = []
