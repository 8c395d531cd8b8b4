"""Settings from params.yaml, validated before any data are read or written."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trueline.core.errors import UserError, did_you_mean

PARAMS_FILE = Path("params.yaml")
STAGES = ("prepare", "features", "resample", "tune", "train", "calibrate", "evaluate", "diagnose")
# the C loader takes a tenth of the time, and every stage reads the file several times
YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SECTIONS = {"tasks", "seed", "workers", "folds", "experiment", *STAGES}


Date = Annotated[date, Field(strict=False)]  # not strict: `dvc exp run -S` writes a date as text


class StageSettings(BaseModel):
    """A section of params.yaml; validation rejects unknown settings and values of another type.

    >>> class TreeSettings(StageSettings):
    ...     depth: int
    >>> TreeSettings(depth=6).depth
    6
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TaskConfig(StageSettings):
    """The entry of a task under `tasks`: its field, where its data are and which plugin each stage uses."""

    domain: Literal["betting", "racing", "text"]  # the folder of trueline/core with the code of its field
    source: str
    reader: str
    resampler: str
    learner: str
    floor: str
    members: list[str]
    calibrator: str
    scorer: str


SettingsType = TypeVar("SettingsType", bound=StageSettings)


def load_task_config(task: str) -> TaskConfig:
    """Return the configuration of a task; raise UserError if params.yaml does not list the task."""
    return load_settings(TaskConfig, "tasks", task)


def load_seed() -> int:
    """Return the seed of every random choice in every stage."""
    return _load_integer("seed", minimum=0)


def load_worker_count() -> int:
    """Return how many processes a stage may use; results do not depend on it."""
    return _load_integer("workers", minimum=1)


def load_settings(model: type[SettingsType], *path: str) -> SettingsType:
    """Return the settings under a path of params.yaml.

    Raises UserError for a missing section, an unknown setting (with the most similar known one), and a value of the
    wrong type or outside its range.
    """
    value = _get_section(*path)
    try:
        return model.model_validate(value if value is not None else {})
    except ValidationError as errors:
        raise UserError(_format_error(errors, model, ".".join(path))) from None


def list_section_names(*path: str) -> list[str]:
    """Return the keys directly below a path of params.yaml."""
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
    # a misspelt setting is also reported as missing: name the misspelling
    first_error = min(errors.errors(), key=lambda error: error["type"] != "extra_forbidden")
    error_keys = [str(key) for key in first_error["loc"]]
    parent_path = ".".join([path, *error_keys[:-1]])
    if first_error["type"] == "extra_forbidden" and len(error_keys) == 1:
        unknown_key = error_keys[-1]
        hint = did_you_mean(unknown_key, model.model_fields)
        return f"{PARAMS_FILE}: {parent_path} has no setting {unknown_key!r}; {hint}"
    if first_error["type"] == "missing":
        return f"{PARAMS_FILE}: {parent_path} lacks the setting {error_keys[-1]!r}; add it."
    problem = first_error["msg"][0].lower() + first_error["msg"][1:]
    return f"{PARAMS_FILE}: {'.'.join([path, *error_keys])} is {first_error['input']!r}; {problem}."
