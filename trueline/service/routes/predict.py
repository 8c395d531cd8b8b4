"""/predict/<task>: one address for each loaded task."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from trueline.service.protection.error_responses import PROBLEM_TYPE, Problem, build_error_response
from trueline.service.service import Service
from trueline.service.serving.endpoint import PredictionEndpoint

ERROR_DESCRIPTIONS = {
    400: "The headers ask for another protocol.",
    401: "The token is missing or wrong.",
    408: "The body did not arrive in time.",
    413: "The body is too long.",
    415: "The content type is not JSON.",
    421: "The Host header names another host.",
    422: "The request does not match the schema, or the model cannot answer it.",
    503: "Too many requests are waiting; Retry-After says when to try again.",
}
PROBLEM_SCHEMA = "Problem"


def router(service: Service) -> APIRouter:
    """Return the router of /predict/<task> for the loaded tasks; any other task gets a 404 that names them."""
    api_router = APIRouter()
    for endpoint in service.endpoints.values():
        _add_route(api_router, endpoint)

    @api_router.post("/predict/{task}", include_in_schema=False)
    async def reject_unknown_task(task: str) -> Response:
        message = f"{task[:60]!r} is not loaded here; loaded: {', '.join(sorted(service.loaded))}."
        return build_error_response(404, message)

    return api_router


def describe_problem(description: str) -> dict[str, Any]:
    """Return an error of an address for the OpenAPI schema."""
    schema = {"$ref": f"#/components/schemas/{PROBLEM_SCHEMA}"}
    return {"description": description, "content": {PROBLEM_TYPE: {"schema": schema}}}


def build_request_schemas(service: Service) -> dict[str, Any]:
    """Return the schemas of every task's request and of its parts, and of errors, by the names that routes refer to.

    They are added by hand because pydantic validates the raw body, not FastAPI, which would parse it twice.
    """
    problem_schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    components: dict[str, Any] = problem_schema.pop("$defs") | {PROBLEM_SCHEMA: problem_schema}
    for task, endpoint in service.endpoints.items():
        module = endpoint.loaded.module
        schema = module.Request.model_json_schema(ref_template=f"#/components/schemas/{_name_schema(task, '{model}')}")
        if hasattr(module, "described"):
            schema = module.described(endpoint.loaded.model, schema)
        definitions = schema.pop("$defs", {})
        components |= {
            _name_schema(task, definition_name): definition for definition_name, definition in definitions.items()
        } | {_name_schema(task, "Request"): schema}
    return components


def _add_route(router: APIRouter, endpoint: PredictionEndpoint) -> None:
    task, module = endpoint.loaded.task, endpoint.loaded.module
    responses: dict[int | str, dict[str, Any]] = {200: {"model": module.Answer, "description": "The answer."}}
    responses |= {status: describe_problem(description) for status, description in ERROR_DESCRIPTIONS.items()}
    reference = {"$ref": f"#/components/schemas/{_name_schema(task, 'Request')}"}
    router.add_api_route(
        f"/predict/{task}",
        endpoint.handle_request,
        methods=["POST"],
        summary=(module.__doc__ or task).strip().splitlines()[0],
        operation_id=f"predict_{task}",
        response_model=None,
        responses=responses,
        openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": reference}}}},
    )


def _name_schema(task: str, suffix: str) -> str:
    return f"{task.title()}{suffix}"
