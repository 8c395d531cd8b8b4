"""Own values: what a posted row says of the columns that its source has beyond ours, checked by their declared kind."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from trueline.core.errors import UserError, did_you_mean

MAX_COLUMNS = 200  # own columns of a row
JSON_TYPES = {"number": "number", "category": "string", "flag": "boolean"}
PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {"number": (int, float), "category": str, "flag": bool}

OwnValue = (
    bool
    | Annotated[float, Field(ge=-1e9, le=1e9)]
    | Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    | None
)
OwnValues = Annotated[
    dict[str, OwnValue],
    Field(max_length=MAX_COLUMNS, description="the source's own columns (prepare.<task>.own_columns), by name"),
]


def check_own_values(values: Mapping[str, OwnValue], kinds: Mapping[str, str]) -> dict[str, OwnValue]:
    """Return posted values of own columns, flags as 1 and 0; `kinds` are those that the model knows before.

    Raises UserError for a name that is not among them, and for a value of another kind.
    """
    for name, value in values.items():
        if name not in kinds:
            raise UserError(f"own_columns: the model has no own column {name[:60]!r}; {did_you_mean(name, kinds)}")
        kind = kinds[name]
        is_flag_as_number = kind == "number" and isinstance(value, bool)
        if value is not None and (is_flag_as_number or not isinstance(value, PYTHON_TYPES[kind])):
            raise UserError(
                f"own_columns.{name} is {str(value)[:60]!r}; it is a {kind}, so post a {JSON_TYPES[kind]} or null."
            )
    return {name: float(value) if isinstance(value, bool) else value for name, value in values.items()}


def describe_own_values(schema: dict[str, Any], kinds: Mapping[str, str]) -> None:
    """Say in the JSON schema of a part of a request which own columns it may have."""
    own_schema = schema["properties"]["own_columns"]
    own_schema["properties"] = {name: {"type": [JSON_TYPES[kind], "null"]} for name, kind in kinds.items()}
    own_schema["additionalProperties"] = False
    own_schema.pop("maxProperties", None)
