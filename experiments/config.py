"""Configs: one experiment as a YAML file, checked before anything is queued."""

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from core.refusals import Refusal, suggest

NAME = re.compile(r"[A-Za-z0-9](?:[\w-]|\.(?!\.))*(?<!\.)(?<!\.lock)", re.ASCII)  # what git takes as a part of a ref
LONGEST = 2000  # characters of a hypothesis: as words of a command it must stay far below 128 KiB
SHOWN = 120  # characters of a refused value
FREE = ("params", "model.hyperparameters")  # where a key is not one of ours
Scalar = str | int | float | bool | dt.date | None
Value = Scalar | list[Scalar]
Type = Literal["walk_forward", "ensemble", "ablation", "tier_based", "hyperparameter", "feature"]


class Part(BaseModel):
    """A part of a config that refuses words it does not know and values of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Period(Part):
    """Days from the first to the last, both included."""

    start_date: dt.date = Field(description="first day")
    end_date: dt.date = Field(description="last day")

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.start_date >= self.end_date:
            raise ValueError(f"start_date {self.start_date} is not before end_date {self.end_date}")
        return self


class Model(Part):
    """The learner and its knobs."""

    type: str | None = Field(default=None, description="learner: tasks.<task>.learner; null keeps the plan's")
    version: str | int | float | None = Field(default=None, description="the author's own count, recorded")
    hyperparameters: dict[str, Value] = Field(
        default_factory=dict,
        description="train.<task>.<learner>.<key>; they are what is fitted: the search then tries nothing else",
    )


class Recency(Part):
    """How fast the weight of a row falls with its age."""

    enabled: bool = Field(description="weigh rows by their age: tasks.<task>.resampler is recency")
    half_life_days: float | None = Field(default=None, gt=0, description="age at which a row counts half")

    @model_validator(mode="after")
    def _with_half_life(self) -> Self:
        if self.enabled and self.half_life_days is None:
            raise ValueError("recency is enabled without half_life_days; say at which age a row counts half")
        return self


class Features(Part):
    """The inputs that are kept or left out."""

    include: list[str] | None = Field(default=None, description="the only inputs to keep: features.<task>.include")
    exclude: list[str] = Field(default_factory=list, description="inputs to leave out, of ablations only")


class Config(Part):
    """One experiment: what is expected, and what is set to see whether it holds."""

    name: str = Field(description="of the experiment; git makes a ref of it, so no `/` and no spaces")
    task: str = Field(description="a task of the plan")
    hypothesis: str = Field(
        min_length=1, max_length=LONGEST, description="what is expected, and why; the message of its commit"
    )
    type: Type = Field(description="what kind of question it asks")
    training: Period | None = Field(
        default=None, description="days that are fitted and calibrated on before the first test"
    )
    evaluation: Period | None = Field(
        default=None, description="days that are scored, retrained every folds.<task>.test_days"
    )
    model: Model = Field(default_factory=Model, description="the learner")
    recency: Recency | None = Field(default=None, description="weights by age")
    features: Features = Field(default_factory=Features, description="the inputs")
    resample: str | None = Field(default=None, description="tasks.<task>.resampler")
    calibrate: str | None = Field(default=None, description="tasks.<task>.calibrator")
    tags: list[str] = Field(default_factory=list, description="words to find it by")
    parent: str | None = Field(default=None, description="the experiment that it goes on from")
    params: dict[str, Value] = Field(
        default_factory=dict, description="any knob of params.yaml, dotted; wins over all else"
    )

    @field_validator("name")
    @classmethod
    def _a_part_of_a_ref(cls, name: str) -> str:
        if not NAME.fullmatch(name):
            raise ValueError(
                f"{shown(name)} cannot be a name; use letters, digits, - _ and single dots, no `/` or spaces"
            )
        return name

    @field_validator("hypothesis")
    @classmethod
    def _one_line(cls, text: str) -> str:
        if not (line := " ".join(text.split())):
            raise ValueError("it is empty; say what is expected, and why")
        if control := unwritable(line):
            raise ValueError(f"it holds the control character {control!r}; take it out")
        return line

    @model_validator(mode="after")
    def _periods_in_order(self) -> Self:
        if (self.training is None) != (self.evaluation is None):
            raise ValueError("training and evaluation come together; give both, or neither")
        if self.training and self.evaluation and self.training.end_date >= self.evaluation.start_date:
            ends, starts = self.training.end_date, self.evaluation.start_date
            raise ValueError(f"training ends on {ends}, not before evaluation starts on {starts}")
        return self

    @model_validator(mode="after")
    def _of_its_type(self) -> Self:
        if self.features.exclude and self.type != "ablation":
            raise ValueError(f"features.exclude is for ablations, and type is {self.type}; make it an ablation")
        if self.type == "ensemble" and self.model.type not in (None, "ensemble"):
            said = shown(self.model.type)
            raise ValueError(f"type is ensemble and model.type {said}; name the members in params instead")
        if self.recency and self.recency.enabled and self.resample not in (None, "recency"):
            raise ValueError(f"recency is enabled and resample is {shown(self.resample)}; a plan has one resampler")
        if lacking := _lacking(self):
            raise ValueError(f"type is {self.type}, which needs {lacking}")
        return self


def read(path: Path, changes: Mapping[str, Any] | None = None) -> Config:
    """Return the experiment of a YAML file, with changes by dotted key laid over what it says.

    Refuses a file that is not there or no YAML, a key that is not known (with the nearest known one) and a rule broken.
    """
    if not path.is_file():
        raise Refusal(f"{path} is not there; name a config, e.g. one of experiments/configs.")
    document = loaded(path.read_bytes(), str(path))
    if not isinstance(document, dict):
        raise Refusal(f"{path} holds no keys; {suggest('', Config.model_fields)}")
    return parse(document, changes or {}, str(path))


def parse(document: Mapping[str, Any], changes: Mapping[str, Any], where: str) -> Config:
    """Return the experiment that a document describes, with changes by dotted key; `where` names it in a refusal."""
    laid = {key: dict(value) if isinstance(value, dict) else value for key, value in document.items()}
    for key, value in changes.items():
        _lay(laid, key, value)
    try:
        return Config.model_validate(laid)
    except ValidationError as errors:
        raise Refusal(f"{where}: {_sentence(errors)}") from None


def loaded(content: str | bytes, where: str) -> Any:
    """Return what YAML says; what cannot be read is refused in one sentence that begins with `where`."""
    try:
        return yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise Refusal(f"{where} is not valid YAML: {' '.join(str(error).split())}.") from None
    except RecursionError:
        raise Refusal(f"{where} is nested too deeply to be read; write it with fewer brackets.") from None
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:  # PyYAML lets these through
        raise Refusal(f"{where} holds a value that is none ({error}); mend it, or put it in quotes.") from None


def shown(value: Any) -> str:
    """Return a value as a refusal shows it, cut where it is long."""
    said = repr(value)
    return said if len(said) <= SHOWN else f"{said[:SHOWN]}…"


def unwritable(text: str) -> str | None:
    """Return the first control character of a text other than a newline or a tab, or None."""
    return next((sign for sign in text if unicodedata.category(sign) == "Cc" and sign not in "\n\t"), None)


def keys() -> list[str]:
    """Return the dotted keys that a config knows, those of free maps without their last word."""
    return sorted(_keys(Config, ""))


def _keys(part: type[Part], before: str) -> list[str]:
    found = []
    for name, field in part.model_fields.items():
        inner = _part(field.annotation)
        found += _keys(inner, f"{before}{name}.") if inner else [f"{before}{name}"]
    return found


def _part(annotation: Any) -> type[Part] | None:
    kinds = getattr(annotation, "__args__", (annotation,))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Part)), None)


def _lay(document: dict[str, Any], key: str, value: Any) -> None:
    """Put a value at a key of the config, or, where the config knows no such key, among its params."""
    first = key.partition(".")[0]
    if key in keys() and key not in FREE:
        section, _, last = key.rpartition(".")
    elif key.startswith(tuple(f"{free}." for free in FREE)):
        section = next(free for free in FREE if key.startswith(f"{free}."))
        last = key.removeprefix(f"{section}.")
    elif first in ("training", "evaluation", "model", "recency"):  # no sections of params.yaml: a slip
        raise Refusal(f"{shown(key)} is no key of a config; {suggest(key[:SHOWN], keys())}")
    else:
        section, last = "params", key
    place = document
    for word in filter(None, section.split(".")):
        inner = place.get(word)
        place[word] = dict(inner) if isinstance(inner, dict) else {}
        place = place[word]
    place[last] = value


def _lacking(config: Config) -> str | None:
    """Return what a config of its type must say and this one does not."""
    knobs = tuple(config.params)
    needs = {
        "ablation": (bool(config.features.exclude), "features.exclude: the inputs that are left out"),
        "tier_based": (_sets(knobs, "evaluate."), "the tiers in params, e.g. evaluate.props.edges: [1.0, 3.0, 5.0]"),
        "hyperparameter": (
            bool(config.model.hyperparameters) or _sets(knobs, "train.", "tune.", "calibrate.", "resample."),
            "model.hyperparameters, or a knob of train, tune, calibrate or resample in params",
        ),
        "feature": (
            config.features.include is not None or _sets(knobs, "features.", "prepare."),
            "features.include, or a knob of features or prepare in params",
        ),
    }
    met, sentence = needs.get(config.type, (True, ""))
    return None if met else sentence


def _sets(knobs: tuple[str, ...], *prefixes: str) -> bool:
    return any(knob.startswith(prefixes) for knob in knobs)


def _sentence(errors: ValidationError) -> str:
    # a misspelt key is also a missing one: name the slip, not what it left out
    first = min(errors.errors(), key=lambda error: error["type"] != "extra_forbidden")
    words = [str(word) for word in first["loc"]]
    where = ".".join(words)
    if first["type"] == "extra_forbidden":
        return f"no key is called {shown(where)}; {suggest(words[-1][:SHOWN], _allowed(words[:-1]))}"
    if first["type"] == "missing":
        return f"the key {shown(where)} is missing; add it."
    if first["type"] == "value_error":
        problem = first["msg"].removeprefix("Value error, ")
        return f"{where}: {problem}." if where else f"{problem}."
    problem = first["msg"][0].lower() + first["msg"][1:]
    return f"{where[:SHOWN]} is {shown(first['input'])}; {problem}."


def _allowed(words: list[str]) -> list[str]:
    part: type[Part] = Config
    for word in words:
        part = _part(part.model_fields[word].annotation) or part
    return list(part.model_fields)
