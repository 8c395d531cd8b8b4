"""Knobs: what params.yaml says, checked before anything is read or written."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trueline.core.errors import UserError, did_you_mean

PARAMS_FILE = Path("params.yaml")
STAGES = ("prepare", "features", "resample", "tune", "train", "calibrate", "evaluate", "diagnose")
YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a tenth of the time, and every stage reads several times
SECTIONS = {"tasks", "seed", "workers", "folds", "experiment", *STAGES}


Date = Annotated[date, Field(strict=False)]  # `dvc exp run -S` writes a day as text


class StageSettings(BaseModel):
    """A section of params.yaml that refuses words it does not know and values of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TaskConfig(StageSettings):
    """One row of the plan: where a task's data lie and which tool each stage takes."""

    source: str
    reader: str
    resampler: str
    learner: str
    floor: str
    members: list[str]
    calibrator: str
    scorer: str


K = TypeVar("K", bound=StageSettings)


def load_task_config(task: str) -> TaskConfig:
    """Return the row of the plan for a task; a task that is not planned is refused."""
    return load_settings(TaskConfig, "tasks", task)


def load_seed() -> int:
    """Return the seed that every random choice of every stage starts from."""
    return _load_integer("seed", minimum=0)


def load_worker_count() -> int:
    """Return how many processes a stage may use; no result depends on it."""
    return _load_integer("workers", minimum=1)


def load_settings(model: type[K], *path: str) -> K:
    """Return the knobs under a path of params.yaml.

    Refuses a missing section, an unknown knob (with the nearest known one) and a value of the wrong type or range.
    """
    value = _get_section(*path)
    try:
        return model.model_validate(value if value is not None else {})
    except ValidationError as errors:
        raise UserError(_format_error(errors, model, ".".join(path))) from None


def list_section_names(*path: str) -> list[str]:
    """Return the words that stand below a path of params.yaml."""
    return list(map(str, _get_section(*path) or ()))


def _load_integer(key: str, minimum: int) -> int:
    value = _get_section(key)
    if type(value) is not int or value < minimum:
        raise UserError(f"{PARAMS_FILE}: {key} is {value!r}; input should be a whole number of at least {minimum}.")
    return value


def _get_section(*path: str) -> Any:
    value: Any = _read_params_file()
    for depth, key in enumerate(path):
        if not isinstance(value, dict) or key not in value:
            parent_path = ".".join(path[:depth]) or "the file"
            present_keys = value if isinstance(value, dict) else ()
            raise UserError(f"{PARAMS_FILE}: {parent_path} has no {key!r}; {did_you_mean(key, map(str, present_keys))}")
        value = value[key]
    return value


def _read_params_file() -> dict[str, Any]:
    if not PARAMS_FILE.exists():
        raise UserError(f"{PARAMS_FILE} is not in this folder; run the stage from the root of the repository.")
    try:
        content = yaml.load(PARAMS_FILE.read_text(), YAML_LOADER)
    except yaml.YAMLError as error:
        raise UserError(f"{PARAMS_FILE} is not valid YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(content, dict):
        raise UserError(f"{PARAMS_FILE} holds no sections; expected {', '.join(sorted(SECTIONS))}.")
    if unknown := sorted(set(map(str, content)) - SECTIONS):
        raise UserError(f"{PARAMS_FILE}: no section is called {unknown[0]!r}; {did_you_mean(unknown[0], SECTIONS)}")
    return content


def _format_error(errors: ValidationError, model: type[StageSettings], path: str) -> str:
    # a misspelt knob is also a missing one: name the slip, not what it left out
    first_error = min(errors.errors(), key=lambda error: error["type"] != "extra_forbidden")
    error_keys = [str(key) for key in first_error["loc"]]
    parent_path = ".".join([path, *error_keys[:-1]])
    if first_error["type"] == "extra_forbidden" and len(error_keys) == 1:
        return f"{PARAMS_FILE}: {parent_path} has no knob {error_keys[-1]!r}; {did_you_mean(error_keys[-1], model.model_fields)}"
    if first_error["type"] == "missing":
        return f"{PARAMS_FILE}: {parent_path} lacks the knob {error_keys[-1]!r}; add it."
    problem = first_error["msg"][0].lower() + first_error["msg"][1:]
    return f"{PARAMS_FILE}: {'.'.join([path, *error_keys])} is {first_error['input']!r}; {problem}."
