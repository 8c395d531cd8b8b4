"""Settings from params.yaml, validated before any data are read or written."""

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trueline.core.errors import RENAMED, UserError, did_you_mean

PARAMS_FILE = Path("params.yaml")
STAGES = ("prepare", "features", "resample", "tune", "train", "calibrate", "evaluate", "diagnose")
# the C loader takes a tenth of the time
YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
TASK_SECTIONS = ("folds", *STAGES, "predict")  # each holds `defaults`, and what differs from them by task
PLUGIN_SECTIONS = ("resample", "tune", "train", "calibrate", "diagnose")  # a task lists the plugins that it may use
DEFAULTS = "defaults"
SECTIONS = {"tasks", "seed", "workers", "engine", "score_audit", "experiment", *TASK_SECTIONS}
NO_VECTORS = "stages/train/no_vectors.txt"  # always there, because DVC hashes what `vectors` names
SCHEDULER_PATTERN = r"^(tcp|tls)://[^\s/]+:\d+$"

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
    """The entry of a task under `tasks`: its field, where its data are, and which sections and plugins it uses."""

    domain: Literal["betting", "racing", "text"]  # the folder of trueline/core with the code of its field
    inputs: Literal["tabular", "text"]  # what its learners read: the folder of trueline/core/models with their code
    source: str
    vectors: str = NO_VECTORS  # a file of word vectors
    settings: str
    reader: str
    resampler: str
    learner: str
    baseline: str
    members: list[str]
    calibrator: str
    scorer: str


class EngineSettings(StageSettings):
    """What spreads a stage's work: processes of this machine, or Dask with the scheduler at an address or its own."""

    kind: Literal["local", "dask"] = "local"
    scheduler: Annotated[str, Field(pattern=SCHEDULER_PATTERN)] | None = None


SettingsType = TypeVar("SettingsType", bound=StageSettings)


def load_task_config(task: str) -> TaskConfig:
    """Return the configuration of a task; raise UserError if params.yaml does not list the task."""
    return load_settings(TaskConfig, "tasks", task)


def list_sources() -> list[str]:
    """Return the folder or file of raw data of every task, and its word vectors."""
    rows = _get_mapping(_read_params_file(), "tasks")
    paths = [str(rows[task][key]) for key in ("source", "vectors") for task in rows if key in _get_mapping(rows, task)]
    return [path for path in paths if path != NO_VECTORS]


def load_seed() -> int:
    """Return the seed of every random choice in every stage."""
    return _load_integer("seed", minimum=0)


def load_worker_count() -> int:
    """Return how many processes a stage may use; results do not depend on it."""
    return _load_integer("workers", minimum=1)


def load_engine() -> EngineSettings:
    """Return what spreads a stage's work; results do not depend on it, and without the section it is this machine."""
    return load_settings(EngineSettings, "engine") if "engine" in _read_params_file() else EngineSettings()


def load_settings(model: type[SettingsType], *path: str) -> SettingsType:
    """Return the settings under a path of params.yaml, such as "train", "racing", "forest".

    What the task's section does not say is taken from the `defaults` of the stage, if the model has such a setting.
    Raises UserError for a missing section, an unknown setting (with the most similar known one), and a value of the
    wrong type or outside its range.
    """
    return parse_settings(_read_params_file(), model, *path)


def parse_settings(params: Mapping[str, Any], model: type[SettingsType], *path: str) -> SettingsType:
    """Return the settings under a path of parsed params.yaml, as load_settings does."""
    section_path = find_section_path(params, *path)
    value = select_settings(_get_section(params, *section_path), params, model, *path)
    try:
        return model.model_validate(value if value is not None else {})
    except ValidationError as errors:
        raise UserError(_format_error(errors, model, ".".join(section_path))) from None


def list_section_names(*path: str) -> list[str]:
    """Return the keys directly below a path of params.yaml, such as the learners that "train", "racing" lists."""
    params = _read_params_file()
    return list(map(str, _get_section(params, *find_section_path(params, *path)) or ()))


def find_section_path(params: Mapping[str, Any], *path: str) -> tuple[str, ...]:
    """Return a path with the task replaced by the section that it uses: `tasks.<task>.settings`, or its own name.

    >>> find_section_path({"tasks": {"trots": {"settings": "racing"}}}, "train", "trots", "forest")
    ('train', 'racing', 'forest')
    """
    row = _get_mapping(_get_mapping(params, "tasks"), path[1]) if len(path) > 1 and path[0] in TASK_SECTIONS else {}
    return (path[0], str(row["settings"]), *path[2:]) if row.get("settings") else path


def name_task(sentence: str, task: str) -> str:
    """Return a sentence in which `<task>` is the task, or the section of params.yaml that holds its settings.

    >>> name_task("point tasks.<task>.source at a folder", "props")
    'point tasks.props.source at a folder'
    """
    try:
        params = _read_params_file()
    except UserError:  # which the sentence then is about
        params = {}
    sections = {stage: find_section_path(params, stage, task)[1] for stage in TASK_SECTIONS}
    return re.sub(r"\b(\w+)\.<task>", lambda match: f"{match[1]}.{sections.get(match[1], task)}", sentence)


def select_settings(value: Any, params: Mapping[str, Any], model: type[BaseModel], *path: str) -> Any:
    """Return the value of a section over those `defaults` of its stage that the model has settings for."""
    if len(path) < 2 or path[0] not in TASK_SECTIONS:
        return value
    defaults: Mapping[str, Any] = params
    for key in (path[0], DEFAULTS, *path[2:]):
        defaults = _get_mapping(defaults, key)
    known_defaults = {key: default for key, default in defaults.items() if key in model.model_fields}
    return known_defaults if value is defaults else _merge_settings(known_defaults, value if value is not None else {})


def expand_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parsed params.yaml with every task's sections complete, and without the `defaults` that complete them.

    >>> expand_params({"tasks": {"a": {}}, "folds": {"defaults": {"days": 7, "first": 1}, "a": {"days": 3}}})["folds"]
    {'a': {'days': 3, 'first': 1}}
    """
    expanded = dict(params)
    for stage in TASK_SECTIONS:
        sections = _get_mapping(params, stage)
        if not sections:
            continue
        expanded[stage] = {name: section for name, section in sections.items() if name != DEFAULTS}
        for task in _get_mapping(params, "tasks"):
            name = find_section_path(params, stage, task)[1]
            if name in sections:
                section, is_list = sections[name], stage in PLUGIN_SECTIONS
                merged = _merge_settings(sections.get(DEFAULTS), {} if section is None else section, is_list)
                expanded[stage][task] = merged
    return expanded


def _merge_settings(defaults: Any, value: Any, lists_plugins: bool = False) -> Any:
    """Return a section over its defaults; of one that lists plugins, without those that it does not list."""
    if not isinstance(defaults, Mapping) or not isinstance(value, Mapping):
        return value
    merged = {key: default for key, default in defaults.items() if key in value or not lists_plugins}
    for key, setting in value.items():
        merged[key] = _merge_settings(defaults.get(key), setting, lists_plugins and key == "space")
    return merged


def _get_mapping(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    section = value.get(key)
    return section if isinstance(section, Mapping) else {}


def _load_integer(key: str, minimum: int) -> int:
    value = _get_section(_read_params_file(), key)
    if type(value) is not int or value < minimum:
        raise UserError(f"{PARAMS_FILE}: {key} is {value!r}; input should be a whole number of at least {minimum}.")
    return value


def _get_section(params: Mapping[str, Any], *path: str) -> Any:
    value: Any = params
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
    return _parse_params(PARAMS_FILE.read_text())


@lru_cache(maxsize=1)  # a stage asks for its settings tens of times
def _parse_params(text: str) -> dict[str, Any]:
    try:
        content = yaml.load(text, YAML_LOADER)
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
    value = first_error["input"]
    hint = f" ({value!r} is now {RENAMED[value]!r})" if isinstance(value, str) and value in RENAMED else ""
    return f"{PARAMS_FILE}: {'.'.join([path, *error_keys])} is {value!r}; {problem}{hint}."
