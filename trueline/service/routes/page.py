"""/: the dashboard; /api/…: its content as JSON for other programs."""

import asyncio
from dataclasses import replace
from typing import Any

import anyio.to_thread
from fastapi import APIRouter
from starlette.responses import HTMLResponse

from trueline.service.artifacts.experiments_client import Experiments
from trueline.service.page.csp import PAGE_HEADERS
from trueline.service.page.models_page import render_dashboard
from trueline.service.page.prediction_form import render_form
from trueline.service.protection.error_responses import build_error_response
from trueline.service.routes.predict import describe_problem
from trueline.service.service import Service
from trueline.service.status.diagnostics import Diagnostics
from trueline.service.status.stage_outputs import read_outputs
from trueline.service.status.status_cache import StatusCache
from trueline.service.status.status_schema import ModelStatus

UNKNOWN_TASK_RESPONSE: dict[int | str, dict[str, Any]] = {404: describe_problem("No such task is loaded.")}


def router(service: Service) -> APIRouter:
    """Return the router of the dashboard and its JSON addresses; each task's outputs are read here, once."""
    api_router = APIRouter()
    outputs = {
        task: replace(read_outputs(task, loaded.files), answer_version=loaded.version, part_hashes=loaded.part_hashes)
        for task, loaded in service.loaded.items()
    }
    status_cache = StatusCache(outputs, service.settings.root_folder)
    forms = {
        task: render_form(task, _build_request_schema(service, task), loaded_model.module.Answer)
        for task, loaded_model in service.loaded.items()
    }

    @api_router.get("/", include_in_schema=False)
    async def show_dashboard() -> HTMLResponse:
        status, experiments = await asyncio.gather(status_cache.get_status(), status_cache.get_experiments())
        diagnoses = status_cache.diagnostics
        html = await anyio.to_thread.run_sync(render_dashboard, status, diagnoses, outputs, experiments, forms)
        return HTMLResponse(html, headers=PAGE_HEADERS)

    @api_router.get("/api/model_status", summary="Which models answer, how well they scored, and how they were trained")
    async def model_status() -> ModelStatus:
        return await status_cache.get_status()

    @api_router.get(
        "/api/experiments", summary="Experiments, newest first, and how often each test period was evaluated"
    )
    async def experiments() -> Experiments:
        return await status_cache.get_experiments()

    summary = "What a task's checks found"

    @api_router.get(
        "/api/diagnostics/{task}", summary=summary, response_model=Diagnostics, responses=UNKNOWN_TASK_RESPONSE
    )
    async def diagnostics(task: str) -> Any:
        message = f"{task[:60]!r} is not loaded here; loaded: {', '.join(sorted(status_cache.diagnostics))}."
        return status_cache.diagnostics.get(task) or build_error_response(404, message)

    return api_router


def _build_request_schema(service: Service, task: str) -> dict[str, object]:
    """Return the schema of a task's request, completed with what only its model knows."""
    loaded = service.loaded[task]
    schema: dict[str, object] = loaded.module.Request.model_json_schema()
    if hasattr(loaded.module, "described"):
        schema = loaded.module.described(loaded.model, schema)
    return schema
