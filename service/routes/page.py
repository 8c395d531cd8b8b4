"""/: the dashboard; /api/…: what it tells, for another program."""

import asyncio
from typing import Any

import anyio.to_thread
from fastapi import APIRouter
from starlette.responses import HTMLResponse

from service.board import Board
from service.described import ModelStatus
from service.diagnostics import Diagnostics
from service.outputs import gather
from service.page.dashboard import dashboard
from service.page.policy import HEADERS
from service.page.trial import trial
from service.refused import refused
from service.registry import Experiments
from service.routes.predict import Refused
from service.service import Service

UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"model": Refused, "description": "No such task is loaded."}}


def router(service: Service) -> APIRouter:
    """Return the dashboard and its addresses; a task's outputs are read here, once, as its model was."""
    found = APIRouter()
    outputs = {task: gather(task, loaded.files) for task, loaded in service.loaded.items()}
    board = Board(outputs, service.settings.folder)
    forms = {task: trial(task, _schema(service, task), one.module.Answer) for task, one in service.loaded.items()}

    @found.get("/", include_in_schema=False)
    async def page() -> HTMLResponse:
        status, experiments = await asyncio.gather(board.status(), board.experiments())
        html = await anyio.to_thread.run_sync(dashboard, status, board.diagnostics, outputs, experiments, forms)
        return HTMLResponse(html, headers=HEADERS)

    @found.get("/api/model_status", summary="What answers, how good it was found to be, and what it was made of")
    async def model_status() -> ModelStatus:
        return await board.status()

    @found.get("/api/experiments", summary="What was tried, newest first, and how often each test was looked at")
    async def experiments() -> Experiments:
        return await board.experiments()

    about = "What the checks made of a task"

    @found.get("/api/diagnostics/{task}", summary=about, response_model=Diagnostics, responses=UNKNOWN)
    async def diagnostics(task: str) -> Any:
        told = f"{task[:60]!r} is not loaded here; loaded: {', '.join(sorted(board.diagnostics))}."
        return board.diagnostics.get(task) or refused(404, told)

    return found


def _schema(service: Service, task: str) -> dict[str, object]:
    """Return the schema of a task's request with what only its model knows."""
    loaded = service.loaded[task]
    schema: dict[str, object] = loaded.module.Request.model_json_schema()
    if hasattr(loaded.module, "described"):
        schema = loaded.module.described(loaded.model, schema)
    return schema
