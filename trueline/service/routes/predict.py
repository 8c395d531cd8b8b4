"""/predict/<task>: one address for each loaded task."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from trueline.service.protection.error_responses import PROBLEM_TYPE, Problem, build_error_response
from trueline.service.service import Service
from trueline.service.serving.endpoint import PredictionEndpoint

COMMON_ERRORS = {  # of every address
    400: "The headers ask for another protocol, or name no host or several.",
    401: "The token is missing or wrong.",
    413: "The body is too long.",
    421: "The Host header names another host.",
    503: "Too many connections are open, or requests are waiting; Retry-After says when to try again.",
}
PREDICTION_ERRORS = COMMON_ERRORS | {
    408: "The body did not arrive in time.",
    415: "The content type is not JSON, or the body is compressed.",
    422: "The request does not match the schema, or the model cannot answer it.",
}
REFERENCE = "#/components/schemas/{model}"


def router(service: Service) -> APIRouter:
    """Return the router of /predict/<task> for the loaded tasks; any other task gets a 404 that names them."""
    api_router = APIRouter()
    for endpoint in service.list_endpoints():
        _add_route(api_router, endpoint)

    @api_router.post("/predict/{task}", include_in_schema=False)
    async def reject_unknown_task(task: str) -> Response:
        message = f"{task[:60]!r} is not loaded here; loaded: {', '.join(sorted(service.loaded))}."
        return build_error_response(404, message)

    return api_router


def describe_problem(description: str) -> dict[str, Any]:
    """Return an error of an address for the OpenAPI schema."""
    schema = {"$ref": REFERENCE.format(model=Problem.__name__)}
    return {"description": description, "content": {PROBLEM_TYPE: {"schema": schema}}}


def describe_common_errors() -> dict[int | str, dict[str, Any]]:
    """Return the errors that any address may answer with."""
    return {status: describe_problem(description) for status, description in COMMON_ERRORS.items()}


def build_schemas(service: Service) -> dict[str, Any]:
    """Return the schemas of all requests, answers and errors, by the names that routes refer to.

    They are added by hand because pydantic validates the raw body, not FastAPI, which would parse it twice, and so that
    generated clients get short names.
    """
    components = _split_schema("", Problem.model_json_schema(ref_template=REFERENCE), Problem.__name__)
    for endpoint in reversed(service.list_endpoints()):  # single requests last, for they are described more exactly
        loaded, form = endpoint.loaded, endpoint.form
        prefix, request_model, answer_model = loaded.task.title(), form.request_model, form.answer_model
        template = REFERENCE.replace("{model}", prefix + "{model}")
        request_schema = request_model.model_json_schema(ref_template=template)
        if form.list_name is None and hasattr(loaded.module, "described"):
            request_schema = loaded.module.described(loaded.model, request_schema)
        answer_schema = answer_model.model_json_schema(ref_template=template, mode="serialization")
        components |= _split_schema(prefix, request_schema, request_model.__name__)
        components |= _split_schema(prefix, answer_schema, answer_model.__name__)
    return components


def _split_schema(prefix: str, schema: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a schema and those of its parts, by their prefixed names, which are their titles too."""
    definitions: dict[str, Any] = schema.pop("$defs", {}) | {name: schema}
    return {prefix + key: content | {"title": prefix + key} for key, content in definitions.items()}


def _add_route(router: APIRouter, endpoint: PredictionEndpoint) -> None:
    form = endpoint.form
    answer_schema = {"application/json": {"schema": _refer_to(form.task, form.answer_model)}}
    responses: dict[int | str, dict[str, Any]] = {200: {"description": "The answer.", "content": answer_schema}}
    responses |= {status: describe_problem(description) for status, description in sorted(PREDICTION_ERRORS.items())}
    request_schema = {"application/json": {"schema": _refer_to(form.task, form.request_model)}}
    router.add_api_route(
        form.path,
        endpoint.handle_request,
        methods=["POST"],
        summary=form.summary,
        operation_id="_".join(form.path.strip("/").split("/")),
        response_model=None,
        responses=responses,
        openapi_extra={"requestBody": {"required": True, "content": request_schema}},
    )


def _refer_to(task: str, model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": REFERENCE.format(model=task.title() + model.__name__)}
