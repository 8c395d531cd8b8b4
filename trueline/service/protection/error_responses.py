"""Refused: what a caller did wrong, in one sentence of JSON."""

import json
from collections.abc import Mapping

from pydantic import ValidationError
from starlette.responses import Response

MAX_INPUT_LETTERS = 60  # letters of what came, and of each name on the way to it
MAX_PATH_NAMES = 6  # names that are told


def build_error_response(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return `{"detail": sentence}` with a status."""
    return Response(json.dumps({"detail": message}), status, headers, "application/json")


def describe_validation_error(errors: ValidationError) -> str:
    """Return the first error as a sentence: where, what came, what is allowed."""
    first_error = errors.errors(include_url=False, include_context=False)[0]
    field_path = ".".join(str(name)[:MAX_INPUT_LETTERS] for name in first_error["loc"][:MAX_PATH_NAMES])
    if first_error["type"] == "json_invalid":
        return f"The body is not JSON: {first_error['msg'].removeprefix('Invalid JSON: ')}."
    problem = first_error["msg"][0].lower() + first_error["msg"][1:]
    if first_error["type"] in ("missing", "extra_forbidden"):
        return f"{field_path}: {problem}."
    received = json.dumps(first_error["input"], default=str)
    return f"{field_path or 'The body'}: {problem}; what came is {received[:MAX_INPUT_LETTERS]}{'…' * (len(received) > MAX_INPUT_LETTERS)}."
