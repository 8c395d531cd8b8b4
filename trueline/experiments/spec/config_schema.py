"""The schema of experiment configs: one experiment per YAML file, validated before anything is queued."""

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from trueline.core.errors import UserError, did_you_mean

# what git accepts as one component of a ref
NAME_PATTERN = re.compile(r"[A-Za-z0-9](?:[\w-]|\.(?!\.))*(?<!\.)(?<!\.lock)", re.ASCII)
MAX_HYPOTHESIS_CHARS = 2000  # it becomes a command-line argument, which must stay well below 128 KiB
MAX_VALUE_CHARS = 120  # characters of a rejected value that an error message shows
FREE_FORM_KEYS = ("params", "model.hyperparameters")  # maps whose keys the schema does not fix
Scalar = str | int | float | bool | dt.date | None
Value = Scalar | list[Scalar]
ExperimentType = Literal["walk_forward", "ensemble", "ablation", "tier_based", "hyperparameter", "feature"]


class ConfigSection(BaseModel):
    """A section of a config; it rejects unknown keys and values of the wrong type."""

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
    """The learner and its hyperparameters."""

    type: str | None = Field(
        default=None, description="learner: tasks.<task>.learner; null keeps the one in params.yaml"
    )
    version: str | int | float | None = Field(
        default=None, description="the author's own version number, recorded as is"
    )
    hyperparameters: dict[str, Value] = Field(
        default_factory=dict, description="train.<task>.<learner>.<key>; exactly these are fitted, without a search"
    )


class Recency(ConfigSection):
    """Weights that fall with the age of a row."""

    enabled: bool = Field(description="weigh rows by their age: tasks.<task>.resampler is recency")
    half_life_days: float | None = Field(default=None, gt=0, description="age at which a row counts half")

    @model_validator(mode="after")
    def _require_half_life(self) -> Self:
        if self.enabled and self.half_life_days is None:
            raise ValueError(
                "recency is enabled without half_life_days; give the age in days at which a row counts half"
            )
        return self


class Features(ConfigSection):
    """The inputs to keep or to leave out."""

    include: list[str] | None = Field(default=None, description="the only inputs to keep: features.<task>.include")
    exclude: list[str] = Field(default_factory=list, description="inputs to leave out, for type ablation only")


class Config(ConfigSection):
    """One experiment: the hypothesis, and the settings that test it."""

    name: str = Field(description="name of the experiment; it becomes part of a git ref, so no `/` and no spaces")
    task: str = Field(description="a task of params.yaml")
    hypothesis: str = Field(
        min_length=1,
        max_length=MAX_HYPOTHESIS_CHARS,
        description="what is expected, and why; it becomes the commit message",
    )
    type: ExperimentType = Field(description="the kind of experiment")
    training: Period | None = Field(default=None, description="days to fit and calibrate on before the first test")
    evaluation: Period | None = Field(
        default=None, description="days to score, retraining every folds.<task>.test_days"
    )
    model: Model = Field(default_factory=Model, description="the learner")
    recency: Recency | None = Field(default=None, description="weights by age")
    features: Features = Field(default_factory=Features, description="the inputs")
    resample: str | None = Field(default=None, description="tasks.<task>.resampler")
    calibrate: str | None = Field(default=None, description="tasks.<task>.calibrator")
    tags: list[str] = Field(default_factory=list, description="labels to filter by")
    parent: str | None = Field(default=None, description="the experiment that this one builds on")
    params: dict[str, Value] = Field(
        default_factory=dict, description="any parameter of params.yaml by dotted key; overrides all other keys"
    )

    @field_validator("name")
    @classmethod
    def _check_ref_name(cls, name: str) -> str:
        if not NAME_PATTERN.fullmatch(name):
            raise ValueError(
                f"{render_value(name)} cannot be a name; use letters, digits, -, _ and single dots, no `/` or spaces"
            )
        return name

    @field_validator("hypothesis")
    @classmethod
    def _join_hypothesis_lines(cls, text: str) -> str:
        if not (line := " ".join(text.split())):
            raise ValueError("it is empty; write what is expected, and why")
        if control := find_control_character(line):
            raise ValueError(f"it holds the control character {control!r}; remove it")
        return line

    @model_validator(mode="after")
    def _require_ordered_periods(self) -> Self:
        if (self.training is None) != (self.evaluation is None):
            raise ValueError("training and evaluation go together; give both, or neither")
        if self.training and self.evaluation and self.training.end_date >= self.evaluation.start_date:
            ends, starts = self.training.end_date, self.evaluation.start_date
            raise ValueError(f"training ends on {ends}, not before evaluation starts on {starts}; let it end earlier")
        return self

    @model_validator(mode="after")
    def _check_type_rules(self) -> Self:
        if self.features.exclude and self.type != "ablation":
            raise ValueError(
                f"features.exclude is only for type ablation, and type is {self.type}; set type to ablation"
            )
        if self.type == "ensemble" and self.model.type not in (None, "ensemble"):
            model_type = render_value(self.model.type)
            raise ValueError(
                f"type is ensemble and model.type is {model_type}; leave model.type out and list the members in params"
            )
        if self.recency and self.recency.enabled and self.resample not in (None, "recency"):
            resampler = render_value(self.resample)
            raise ValueError(f"recency is enabled and resample is {resampler}; a task has one resampler, so drop one")
        if requirement := _find_missing_requirement(self):
            raise ValueError(f"type is {self.type}, which needs {requirement}")
        return self


def read_config(path: Path, changes: Mapping[str, Any] | None = None) -> Config:
    """Return the experiment that a YAML file describes, after applying `changes` by dotted key.

    Raises UserError if the file is missing or is not YAML, has an unknown key (the error names the nearest known one),
    or breaks a rule of the schema.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist; name a config, e.g. one of experiments/configs.")
    document = parse_yaml(path.read_bytes(), str(path))
    if not isinstance(document, dict):
        raise UserError(f"{path} holds no keys; {did_you_mean('', Config.model_fields)}")
    return parse_config(document, changes or {}, str(path))


def parse_config(document: Mapping[str, Any], changes: Mapping[str, Any], where: str) -> Config:
    """Return the experiment that a document describes, after applying `changes` by dotted key.

    `where` names the document in error messages.
    """
    merged = {key: dict(value) if isinstance(value, dict) else value for key, value in document.items()}
    for key, value in changes.items():
        _set_value(merged, key, value)
    try:
        return Config.model_validate(merged)
    except ValidationError as errors:
        raise UserError(f"{where}: {_format_validation_error(errors)}") from None


def parse_yaml(content: str | bytes, where: str) -> Any:
    """Return the value that YAML text holds.

    Raises UserError, in one sentence that starts with `where`, if it cannot be parsed.
    """
    try:
        return yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise UserError(f"{where} is not valid YAML: {' '.join(str(error).split())}.") from None
    except RecursionError:
        raise UserError(f"{where} is nested too deeply to be read; use fewer brackets.") from None
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:  # PyYAML lets these escape
        raise UserError(f"{where} holds an invalid value ({error}); correct it, or put it in quotes.") from None


def render_value(value: Any) -> str:
    """Return the repr of a value for an error message, truncated if it is long."""
    text = repr(value)
    return text if len(text) <= MAX_VALUE_CHARS else f"{text[:MAX_VALUE_CHARS]}…"


def find_control_character(text: str) -> str | None:
    """Return the first control character of a text other than newline and tab, or None."""
    return next(
        (character for character in text if unicodedata.category(character) == "Cc" and character not in "\n\t"), None
    )


def list_keys() -> list[str]:
    """Return the dotted keys of a config; free-form maps such as `params` are listed without their inner keys."""
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
    """Set a value at a dotted key of the config, or under `params` if the config has no such key."""
    first_segment = key.partition(".")[0]
    if key in list_keys() and key not in FREE_FORM_KEYS:
        section, _, last_segment = key.rpartition(".")
    elif key.startswith(tuple(f"{free}." for free in FREE_FORM_KEYS)):
        section = next(free for free in FREE_FORM_KEYS if key.startswith(f"{free}."))
        last_segment = key.removeprefix(f"{section}.")
    elif first_segment in ("training", "evaluation", "model", "recency"):  # not in params.yaml: a typo
        raise UserError(
            f"{render_value(key)} is not a key of a config; {did_you_mean(key[:MAX_VALUE_CHARS], list_keys())}"
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
    """Return what a config of this type must set and this one does not, or None."""
    param_names = tuple(config.params)
    needs = {
        "ablation": (bool(config.features.exclude), "features.exclude: the inputs to leave out"),
        "tier_based": (
            _has_prefix(param_names, "evaluate."),
            "the tiers in params, e.g. evaluate.props.edges: [1.0, 3.0, 5.0]",
        ),
        "hyperparameter": (
            bool(config.model.hyperparameters)
            or _has_prefix(param_names, "train.", "tune.", "calibrate.", "resample."),
            "model.hyperparameters, or a parameter of train, tune, calibrate or resample in params",
        ),
        "feature": (
            config.features.include is not None or _has_prefix(param_names, "features.", "prepare."),
            "features.include, or a parameter of features or prepare in params",
        ),
    }
    is_met, requirement = needs.get(config.type, (True, ""))
    return None if is_met else requirement


def _has_prefix(param_names: tuple[str, ...], *prefixes: str) -> bool:
    return any(name.startswith(prefixes) for name in param_names)


def _format_validation_error(errors: ValidationError) -> str:
    # a misspelt key also causes a "missing" error: report the typo rather than the missing key
    main_error = min(errors.errors(), key=lambda error: error["type"] != "extra_forbidden")
    segments = [str(segment) for segment in main_error["loc"]]
    dotted_key = ".".join(segments)
    if main_error["type"] == "extra_forbidden":
        suggestion = did_you_mean(segments[-1][:MAX_VALUE_CHARS], _list_allowed_keys(segments[:-1]))
        return f"there is no key {render_value(dotted_key)}; {suggestion}"
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
