"""Error responses: what the client did wrong, as one sentence in JSON."""

import json
from collections.abc import Mapping

from pydantic import ValidationError
from starlette.responses import Response

MAX_INPUT_LETTERS = 60  # characters shown of the received value, and of each name in its path
MAX_PATH_NAMES = 6  # names shown of that path


def build_error_response(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with a status and the body `{"detail": message}`."""
    return Response(json.dumps({"detail": message}), status, headers, "application/json")


def describe_validation_error(errors: ValidationError) -> str:
    """Return the first validation error as a sentence: where it is, what is allowed, what was received."""
    first_error = errors.errors(include_url=False, include_context=False)[0]
    field_path = ".".join(str(name)[:MAX_INPUT_LETTERS] for name in first_error["loc"][:MAX_PATH_NAMES])
    if first_error["type"] == "json_invalid":
        return f"The body is not JSON: {first_error['msg'].removeprefix('Invalid JSON: ')}."
    problem = first_error["msg"][0].lower() + first_error["msg"][1:]
    if first_error["type"] in ("missing", "extra_forbidden"):
        return f"{field_path}: {problem}."
    received = json.dumps(first_error["input"], default=str)
    ellipsis = "…" if len(received) > MAX_INPUT_LETTERS else ""
    return f"{field_path or 'The body'}: {problem}; received {received[:MAX_INPUT_LETTERS]}{ellipsis}."
