"""Refused: what a caller did wrong, in one sentence of JSON."""

import json
from collections.abc import Mapping

from pydantic import ValidationError
from starlette.responses import Response

SHOWN = 60  # letters of what came, and of each name on the way to it
DEPTH = 6  # names that are told


def refused(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return `{"detail": sentence}` with a status."""
    return Response(json.dumps({"detail": sentence}), status, headers, "application/json")


def sentence(errors: ValidationError) -> str:
    """Return the first error as a sentence: where, what came, what is allowed."""
    first = errors.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(word)[:SHOWN] for word in first["loc"][:DEPTH])
    if first["type"] == "json_invalid":
        return f"The body is not JSON: {first['msg'].removeprefix('Invalid JSON: ')}."
    problem = first["msg"][0].lower() + first["msg"][1:]
    if first["type"] in ("missing", "extra_forbidden"):
        return f"{where}: {problem}."
    came = json.dumps(first["input"], default=str)
    return f"{where or 'The body'}: {problem}; what came is {came[:SHOWN]}{'…' * (len(came) > SHOWN)}."
