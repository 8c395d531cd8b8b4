"""Configs: one experiment as a YAML file, checked before anything is queued."""

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from trueline.core.errors import UserError, did_you_mean

NAME_PATTERN = re.compile(
    r"[A-Za-z0-9](?:[\w-]|\.(?!\.))*(?<!\.)(?<!\.lock)", re.ASCII
)  # what git takes as a part of a ref
MAX_HYPOTHESIS_CHARS = 2000  # characters of a hypothesis: as words of a command it must stay far below 128 KiB
MAX_VALUE_CHARS = 120  # characters of a refused value
FREE_FORM_KEYS = ("params", "model.hyperparameters")  # where a key is not one of ours
Scalar = str | int | float | bool | dt.date | None
Value = Scalar | list[Scalar]
ExperimentType = Literal["walk_forward", "ensemble", "ablation", "tier_based", "hyperparameter", "feature"]


class ConfigSection(BaseModel):
    """A part of a config that refuses words it does not know and values of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Period(ConfigSection):
    """Days from the first to the last, both included."""

    start_date: dt.date = Field(description="first day")
    end_date: dt.date = Field(description="last day")

    @model_validator(mode="after")
    def _require_start_before_end(self) -> Self:
        if self.start_date >= self.end_date:
            raise ValueError(f"start_date {self.start_date} is not before end_date {self.end_date}")
        return self


class Model(ConfigSection):
    """The learner and its knobs."""

    type: str | None = Field(default=None, description="learner: tasks.<task>.learner; null keeps the plan's")
    version: str | int | float | None = Field(default=None, description="the author's own count, recorded")
    hyperparameters: dict[str, Value] = Field(
        default_factory=dict,
        description="train.<task>.<learner>.<key>; they are what is fitted: the search then tries nothing else",
    )


class Recency(ConfigSection):
    """How fast the weight of a row falls with its age."""

    enabled: bool = Field(description="weigh rows by their age: tasks.<task>.resampler is recency")
    half_life_days: float | None = Field(default=None, gt=0, description="age at which a row counts half")

    @model_validator(mode="after")
    def _require_half_life(self) -> Self:
        if self.enabled and self.half_life_days is None:
            raise ValueError("recency is enabled without half_life_days; say at which age a row counts half")
        return self


class Features(ConfigSection):
    """The inputs that are kept or left out."""

    include: list[str] | None = Field(default=None, description="the only inputs to keep: features.<task>.include")
    exclude: list[str] = Field(default_factory=list, description="inputs to leave out, of ablations only")


class Config(ConfigSection):
    """One experiment: what is expected, and what is set to see whether it holds."""

    name: str = Field(description="of the experiment; git makes a ref of it, so no `/` and no spaces")
    task: str = Field(description="a task of the plan")
    hypothesis: str = Field(
        min_length=1,
        max_length=MAX_HYPOTHESIS_CHARS,
        description="what is expected, and why; the message of its commit",
    )
    type: ExperimentType = Field(description="what kind of question it asks")
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
    def _check_ref_name(cls, name: str) -> str:
        if not NAME_PATTERN.fullmatch(name):
            raise ValueError(
                f"{render_value(name)} cannot be a name; use letters, digits, - _ and single dots, no `/` or spaces"
            )
        return name

    @field_validator("hypothesis")
    @classmethod
    def _join_hypothesis_lines(cls, text: str) -> str:
        if not (line := " ".join(text.split())):
            raise ValueError("it is empty; say what is expected, and why")
        if control := find_control_character(line):
            raise ValueError(f"it holds the control character {control!r}; take it out")
        return line

    @model_validator(mode="after")
    def _require_ordered_periods(self) -> Self:
        if (self.training is None) != (self.evaluation is None):
            raise ValueError("training and evaluation come together; give both, or neither")
        if self.training and self.evaluation and self.training.end_date >= self.evaluation.start_date:
            ends, starts = self.training.end_date, self.evaluation.start_date
            raise ValueError(f"training ends on {ends}, not before evaluation starts on {starts}")
        return self

    @model_validator(mode="after")
    def _check_type_rules(self) -> Self:
        if self.features.exclude and self.type != "ablation":
            raise ValueError(f"features.exclude is for ablations, and type is {self.type}; make it an ablation")
        if self.type == "ensemble" and self.model.type not in (None, "ensemble"):
            model_type = render_value(self.model.type)
            raise ValueError(f"type is ensemble and model.type {model_type}; name the members in params instead")
        if self.recency and self.recency.enabled and self.resample not in (None, "recency"):
            raise ValueError(
                f"recency is enabled and resample is {render_value(self.resample)}; a plan has one resampler"
            )
        if lacking := _find_missing_requirement(self):
            raise ValueError(f"type is {self.type}, which needs {lacking}")
        return self


def read_config(path: Path, changes: Mapping[str, Any] | None = None) -> Config:
    """Return the experiment of a YAML file, with changes by dotted key laid over what it says.

    Refuses a file that is not there or no YAML, a key that is not known (with the nearest known one) and a rule broken.
    """
    if not path.is_file():
        raise UserError(f"{path} is not there; name a config, e.g. one of experiments/configs.")
    document = parse_yaml(path.read_bytes(), str(path))
    if not isinstance(document, dict):
        raise UserError(f"{path} holds no keys; {did_you_mean('', Config.model_fields)}")
    return parse_config(document, changes or {}, str(path))


def parse_config(document: Mapping[str, Any], changes: Mapping[str, Any], where: str) -> Config:
    """Return the experiment that a document describes, with changes by dotted key; `where` names it in a refusal."""
    merged = {key: dict(value) if isinstance(value, dict) else value for key, value in document.items()}
    for key, value in changes.items():
        _set_value(merged, key, value)
    try:
        return Config.model_validate(merged)
    except ValidationError as errors:
        raise UserError(f"{where}: {_format_validation_error(errors)}") from None


def parse_yaml(content: str | bytes, where: str) -> Any:
    """Return what YAML says; what cannot be read is refused in one sentence that begins with `where`."""
    try:
        return yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise UserError(f"{where} is not valid YAML: {' '.join(str(error).split())}.") from None
    except RecursionError:
        raise UserError(f"{where} is nested too deeply to be read; write it with fewer brackets.") from None
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:  # PyYAML lets these through
        raise UserError(f"{where} holds a value that is none ({error}); mend it, or put it in quotes.") from None


def render_value(value: Any) -> str:
    """Return a value as a refusal shows it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= MAX_VALUE_CHARS else f"{text[:MAX_VALUE_CHARS]}…"


def find_control_character(text: str) -> str | None:
    """Return the first control character of a text other than a newline or a tab, or None."""
    return next(
        (character for character in text if unicodedata.category(character) == "Cc" and character not in "\n\t"), None
    )


def list_keys() -> list[str]:
    """Return the dotted keys that a config knows, those of free maps without their last word."""
    return sorted(_list_section_keys(Config, ""))


def _list_section_keys(section: type[ConfigSection], prefix: str) -> list[str]:
    dotted_keys = []
    for name, field in section.model_fields.items():
        inner = _find_section_class(field.annotation)
        dotted_keys += _list_section_keys(inner, f"{prefix}{name}.") if inner else [f"{prefix}{name}"]
    return dotted_keys


def _find_section_class(annotation: Any) -> type[ConfigSection] | None:
    kinds = getattr(annotation, "__args__", (annotation,))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, ConfigSection)), None)


def _set_value(document: dict[str, Any], key: str, value: Any) -> None:
    """Put a value at a key of the config, or, where the config knows no such key, among its params."""
    first_segment = key.partition(".")[0]
    if key in list_keys() and key not in FREE_FORM_KEYS:
        section, _, last_segment = key.rpartition(".")
    elif key.startswith(tuple(f"{free}." for free in FREE_FORM_KEYS)):
        section = next(free for free in FREE_FORM_KEYS if key.startswith(f"{free}."))
        last_segment = key.removeprefix(f"{section}.")
    elif first_segment in ("training", "evaluation", "model", "recency"):  # no sections of params.yaml: a slip
        raise UserError(
            f"{render_value(key)} is no key of a config; {did_you_mean(key[:MAX_VALUE_CHARS], list_keys())}"
        )
    else:
        section, last_segment = "params", key
    target = document
    for segment in filter(None, section.split(".")):
        inner = target.get(segment)
        target[segment] = dict(inner) if isinstance(inner, dict) else {}
        target = target[segment]
    target[last_segment] = value


def _find_missing_requirement(config: Config) -> str | None:
    """Return what a config of its type must say and this one does not."""
    param_names = tuple(config.params)
    needs = {
        "ablation": (bool(config.features.exclude), "features.exclude: the inputs that are left out"),
        "tier_based": (
            _has_prefix(param_names, "evaluate."),
            "the tiers in params, e.g. evaluate.props.edges: [1.0, 3.0, 5.0]",
        ),
        "hyperparameter": (
            bool(config.model.hyperparameters)
            or _has_prefix(param_names, "train.", "tune.", "calibrate.", "resample."),
            "model.hyperparameters, or a knob of train, tune, calibrate or resample in params",
        ),
        "feature": (
            config.features.include is not None or _has_prefix(param_names, "features.", "prepare."),
            "features.include, or a knob of features or prepare in params",
        ),
    }
    met, sentence = needs.get(config.type, (True, ""))
    return None if met else sentence


def _has_prefix(param_names: tuple[str, ...], *prefixes: str) -> bool:
    return any(name.startswith(prefixes) for name in param_names)


def _format_validation_error(errors: ValidationError) -> str:
    # a misspelt key is also a missing one: name the slip, not what it left out
    main_error = min(errors.errors(), key=lambda error: error["type"] != "extra_forbidden")
    segments = [str(segment) for segment in main_error["loc"]]
    dotted_key = ".".join(segments)
    if main_error["type"] == "extra_forbidden":
        return f"no key is called {render_value(dotted_key)}; {did_you_mean(segments[-1][:MAX_VALUE_CHARS], _list_allowed_keys(segments[:-1]))}"
    if main_error["type"] == "missing":
        return f"the key {render_value(dotted_key)} is missing; add it."
    if main_error["type"] == "value_error":
        problem = main_error["msg"].removeprefix("Value error, ")
        return f"{dotted_key}: {problem}." if dotted_key else f"{problem}."
    problem = main_error["msg"][0].lower() + main_error["msg"][1:]
    return f"{dotted_key[:MAX_VALUE_CHARS]} is {render_value(main_error['input'])}; {problem}."


def _list_allowed_keys(segments: list[str]) -> list[str]:
    section: type[ConfigSection] = Config
    for segment in segments:
        section = _find_section_class(section.model_fields[segment].annotation) or section
    return list(section.model_fields)
