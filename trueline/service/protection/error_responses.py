"""Error responses: what the client did wrong, as problem details in JSON (RFC 9457)."""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails
from starlette.responses import Response

from trueline.core.errors import UserError
from trueline.service.request_faults import RequestFaultsError

MAX_INPUT_LETTERS = 60  # characters shown of the received value, and of each name in its path
MAX_PATH_NAMES = 6  # names shown of that path
MAX_FAULTS = 100  # faults of a request that are listed
PROBLEM_TYPE = "application/problem+json"


class Fault(BaseModel):
    """A fault of a request, and where it is."""

    pointer: str = Field(description="JSON pointer into the body (RFC 6901), such as /events/3/name")
    detail: str = Field(description="one sentence: what is allowed, what was received")


class Problem(BaseModel):
    """Why there is no answer."""

    type: str = Field(description="always about:blank: the status says what kind of problem it is")
    title: str = Field(description="the name of the status")
    status: int = Field(description="the status")
    detail: str = Field(description="one sentence: what was received, what is allowed")
    errors: list[Fault] | None = Field(None, description="every fault of the body, 100 at most; left out if one")


def build_error_response(
    status: int, message: str, headers: Mapping[str, str] | None = None, faults: Iterable[Fault] = ()
) -> Response:
    """Return a response with a status and a Problem as its body."""
    title = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Client Closed Request"
    content: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": message}
    if errors := [fault.model_dump() for fault in faults]:
        content["errors"] = errors
    return Response(json.dumps(content), status, headers, PROBLEM_TYPE)


def build_validation_response(errors: ValidationError) -> Response:
    """Return a 422 that describes the first validation error and lists all with their places."""
    details = errors.errors(include_url=False, include_context=False)[:MAX_FAULTS]
    faults = [Fault(pointer=_build_pointer(error), detail=_describe_error(error)) for error in details]
    return build_error_response(422, faults[0].detail, faults=faults)


def build_refusal(error: UserError) -> Response:
    """Return a 422 that describes what cannot be answered, with the places of all its faults if they are known."""
    faults = error.faults[:MAX_FAULTS] if isinstance(error, RequestFaultsError) else []
    return build_error_response(
        422, str(error), faults=(Fault(pointer=pointer, detail=detail) for pointer, detail in faults)
    )


def describe_validation_error(errors: ValidationError) -> str:
    """Return the first validation error as a sentence: where it is, what is allowed, what was received."""
    return _describe_error(errors.errors(include_url=False, include_context=False)[0])


def _describe_error(error: ErrorDetails) -> str:
    field_path = ".".join(str(name)[:MAX_INPUT_LETTERS] for name in error["loc"][:MAX_PATH_NAMES])
    if error["type"] == "json_invalid":
        return f"The body is not JSON: {error['msg'].removeprefix('Invalid JSON: ')}."
    problem = error["msg"][0].lower() + error["msg"][1:]
    if error["type"] in ("missing", "extra_forbidden"):
        return f"{field_path}: {problem}."
    received = json.dumps(error["input"], default=str)
    ellipsis = "…" if len(received) > MAX_INPUT_LETTERS else ""
    return f"{field_path or 'The body'}: {problem}; received {received[:MAX_INPUT_LETTERS]}{ellipsis}."


def _build_pointer(error: ErrorDetails) -> str:
    names = (str(name)[:MAX_INPUT_LETTERS] for name in error["loc"][:MAX_PATH_NAMES])
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)
