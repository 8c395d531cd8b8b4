"""/predict: an address for each task that is loaded."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from service.refused import refused
from service.service import Service
from service.serving import Serving

SAID = {
    400: "The head asks for another protocol, or the client left.",
    401: "The token is missing or wrong.",
    408: "The body did not come in time.",
    413: "The body is too long.",
    415: "The body is not called JSON.",
    422: "The request is not what the schema says.",
}


class Refused(BaseModel):
    """Why there is no answer."""

    detail: str = Field(description="one sentence: what came, what is allowed")


def router(service: Service) -> APIRouter:
    """Return /predict/<task> for the tasks that are loaded, and a 404 that names them for all others."""
    found = APIRouter()
    for serving in service.serving.values():
        _add(found, serving)

    @found.post("/predict/{task}", include_in_schema=False)
    async def unknown(task: str) -> Response:
        return refused(404, f"{task[:60]!r} is not loaded here; loaded: {', '.join(sorted(service.loaded))}.")

    return found


def schemas(service: Service) -> dict[str, Any]:
    """Return the schema of every task's request, by the name under which the addresses refer to it, and of its parts.

    The requests are checked by pydantic as they come, not by FastAPI, which would parse them twice.
    """
    found: dict[str, Any] = {}
    for task, serving in service.serving.items():
        module = serving.loaded.module
        schema = module.Request.model_json_schema(ref_template=f"#/components/schemas/{_name(task, '{model}')}")
        parts = schema.pop("$defs", {})
        if hasattr(module, "described"):
            schema = module.described(serving.loaded.model, schema)
        found |= {_name(task, part): told for part, told in parts.items()} | {_name(task, "Request"): schema}
    return found


def _add(router: APIRouter, serving: Serving) -> None:
    task, module = serving.loaded.task, serving.loaded.module
    told: dict[int | str, dict[str, Any]] = {200: {"model": module.Answer, "description": "The answer."}}
    told |= {status: {"model": Refused, "description": said} for status, said in SAID.items()}
    reference = {"$ref": f"#/components/schemas/{_name(task, 'Request')}"}
    router.add_api_route(
        f"/predict/{task}",
        serving.respond,
        methods=["POST"],
        summary=(module.__doc__ or task).strip().splitlines()[0],
        operation_id=f"predict_{task}",
        response_model=None,
        responses=told,
        openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": reference}}}},
    )


def _name(task: str, part: str) -> str:
    return f"{task.title()}{part}"
