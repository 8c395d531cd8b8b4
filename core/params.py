"""Knobs: what params.yaml says, checked before anything is read or written."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.refusals import Refusal, suggest

FILE = Path("params.yaml")
STAGES = ("prepare", "features", "resample", "tune", "train", "calibrate", "evaluate", "diagnose")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a tenth of the time, and every stage reads several times
SECTIONS = {"tasks", "seed", "workers", "folds", "experiment", *STAGES}


Date = Annotated[date, Field(strict=False)]  # `dvc exp run -S` writes a day as text


class Knobs(BaseModel):
    """A section of params.yaml that refuses words it does not know and values of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Plan(Knobs):
    """One row of the plan: where a task's data lie and which tool each stage takes."""

    source: str
    reader: str
    resampler: str
    learner: str
    floor: str
    members: list[str]
    calibrator: str
    scorer: str


K = TypeVar("K", bound=Knobs)


def plan(task: str) -> Plan:
    """Return the row of the plan for a task; a task that is not planned is refused."""
    return knobs(Plan, "tasks", task)


def seed() -> int:
    """Return the seed that every random choice of every stage starts from."""
    return _whole("seed", least=0)


def workers() -> int:
    """Return how many processes a stage may use; no result depends on it."""
    return _whole("workers", least=1)


def knobs(model: type[K], *path: str) -> K:
    """Return the knobs under a path of params.yaml.

    Refuses a missing section, an unknown knob (with the nearest known one) and a value of the wrong type or range.
    """
    value = _section(*path)
    try:
        return model.model_validate(value if value is not None else {})
    except ValidationError as errors:
        raise Refusal(_sentence(errors, model, ".".join(path))) from None


def sections(*path: str) -> list[str]:
    """Return the words that stand below a path of params.yaml."""
    return list(map(str, _section(*path) or ()))


def _whole(word: str, least: int) -> int:
    value = _section(word)
    if type(value) is not int or value < least:
        raise Refusal(f"{FILE}: {word} is {value!r}; input should be a whole number of at least {least}.")
    return value


def _section(*path: str) -> Any:
    value: Any = _read()
    for depth, word in enumerate(path):
        if not isinstance(value, dict) or word not in value:
            where = ".".join(path[:depth]) or "the file"
            held = value if isinstance(value, dict) else ()
            raise Refusal(f"{FILE}: {where} has no {word!r}; {suggest(word, map(str, held))}")
        value = value[word]
    return value


def _read() -> dict[str, Any]:
    if not FILE.exists():
        raise Refusal(f"{FILE} is not in this folder; run the stage from the root of the repository.")
    try:
        read = yaml.load(FILE.read_text(), LOADER)
    except yaml.YAMLError as error:
        raise Refusal(f"{FILE} is not valid YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(read, dict):
        raise Refusal(f"{FILE} holds no sections; expected {', '.join(sorted(SECTIONS))}.")
    if unknown := sorted(set(map(str, read)) - SECTIONS):
        raise Refusal(f"{FILE}: no section is called {unknown[0]!r}; {suggest(unknown[0], SECTIONS)}")
    return read


def _sentence(errors: ValidationError, model: type[Knobs], path: str) -> str:
    # a misspelt knob is also a missing one: name the slip, not what it left out
    first = min(errors.errors(), key=lambda error: error["type"] != "extra_forbidden")
    words = [str(word) for word in first["loc"]]
    where = ".".join([path, *words[:-1]])
    if first["type"] == "extra_forbidden" and len(words) == 1:
        return f"{FILE}: {where} has no knob {words[-1]!r}; {suggest(words[-1], model.model_fields)}"
    if first["type"] == "missing":
        return f"{FILE}: {where} lacks the knob {words[-1]!r}; add it."
    problem = first["msg"][0].lower() + first["msg"][1:]
    return f"{FILE}: {'.'.join([path, *words])} is {first['input']!r}; {problem}."
