"""Translate a config into parameters of params.yaml, and those into `-S` overrides for `dvc exp run`."""

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trueline.core.errors import UserError, did_you_mean
from trueline.core.runtime.params import PARAMS_FILE, expand_params, find_section_path
from trueline.core.runtime.plugins import list_plugins
from trueline.experiments.spec.config_schema import Config, find_control_character, parse_yaml, render_value

Overrides = dict[str, Any]  # dotted parameter → value
# text that needs no quotes
UNQUOTED_TEXT = re.compile(r"(?!(?:true|false|null|inf|nan)$)[a-z][\w-]*", re.ASCII | re.IGNORECASE)
AMBIGUOUS_TEXT = re.compile(
    r"yes|no|on|off|[-+]?[\d_]+(?::\d+)+(?:\.\d*)?|[-+]?\d[\d_]*_[\d_]*(?:\.[\d_]*)?", re.ASCII | re.IGNORECASE
)
MAX_WORD_CHARS = 60  # characters of a misspelt word that are compared with the allowed ones
STAGE_BY_PLUGIN_KEY = {"resampler": "resample", "learner": "train", "calibrator": "calibrate"}


def read_current_params() -> dict[str, Any]:
    """Return the contents of params.yaml.

    Raises UserError if it is missing, cannot be parsed or has no `tasks` section.
    """
    if not PARAMS_FILE.exists():
        raise UserError(f"{PARAMS_FILE} is not in this folder; run from the root of the repository.")
    params = parse_yaml(PARAMS_FILE.read_bytes(), str(PARAMS_FILE))
    if not isinstance(params, dict):
        raise UserError(f"{PARAMS_FILE} holds no sections; `git checkout {PARAMS_FILE}` restores the committed one.")
    _get_section(params, "tasks")
    return params


def build_overrides(config: Config, params: Mapping[str, Any]) -> Overrides:
    """Return every parameter that a config changes.

    A parameter that so far has its default begins with `++`, by which `dvc exp run -S` adds it to the task's section.
    Raises UserError as `build_assignments` does.
    """
    known_params = _complete_sections(params)
    return {
        param if _has_param(param, params) else f"++{param}": value
        for param, value in build_assignments(config, params).items()
        if value != _get_current_value(param, known_params)
    }


def build_assignments(config: Config, params: Mapping[str, Any]) -> Overrides:
    """Return every parameter that a config sets; its `params` win over what follows from its other keys.

    Raises UserError for an unknown task, periods for a task without dates, a source that is not a path, and a parameter
    or plugin that does not exist.
    """
    if config.task not in params["tasks"]:
        suggestion = did_you_mean(config.task[:MAX_WORD_CHARS], map(str, params["tasks"]))
        raise UserError(f"{config.name}: there is no task {render_value(config.task)}; {suggestion}")
    overrides = (
        _build_description_overrides(config)
        | _build_period_overrides(config, params)
        | _build_plugin_overrides(config, params)
    )
    overrides |= _build_hyperparameter_overrides(config, overrides, params) | _build_input_overrides(config, params)
    overrides |= config.params
    for param, value in overrides.items():
        require_param(param, value, params, config.name)
    _require_plugins(config, overrides, params)
    resolve_source(config.task, overrides, params)
    return overrides


def require_param(param: str, value: Any, params: Mapping[str, Any], where: str) -> None:
    """Raise UserError if params.yaml has no such parameter, or if it is a section and the value is not a mapping."""
    segments = param.split(".")
    section_path = find_section_path(params, *segments)
    if section_path != tuple(segments):
        raise UserError(
            f"{where}: {segments[1]} uses the sections of {section_path[1]}; set {'.'.join(section_path)}, which "
            f"changes every task that uses them, or name other sections in tasks.{segments[1]}.settings."
        )
    node: Any = _complete_sections(params)
    for depth, segment in enumerate(segments):
        if not isinstance(node, Mapping) or segment not in node:
            prefix = ".".join(segments[:depth])
            allowed = map(str, node) if isinstance(node, Mapping) else ()
            section = f"{prefix} of {PARAMS_FILE}" if prefix else str(PARAMS_FILE)
            suggestion = did_you_mean(segment[:MAX_WORD_CHARS], allowed)
            raise UserError(
                f"{where}: {render_value(param)} is not a parameter: "
                f"{section} has no {render_value(segment)}; {suggestion}"
            )
        node = node[segment]
    if isinstance(node, Mapping) and not isinstance(value, Mapping):
        raise UserError(
            f"{where}: {param!r} is a section of {PARAMS_FILE}; name a parameter in it. "
            f"Allowed: {', '.join(map(str, node))}."
        )


def format_literal(value: Any) -> str:
    """Return a value in the override grammar of `-S`; text is quoted unless it is a plain word.

    Raises UserError for text that DVC would read back as something else.
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return f"[{','.join(map(format_literal, value))}]"
    if isinstance(value, int | float):
        return _format_number(value)
    text = value.isoformat() if isinstance(value, dt.date) else str(value)
    if control := find_control_character(text):
        raise UserError(f"{render_value(text)} holds the control character {control!r}; remove it.")
    # DVC writes it unquoted after YAML 1.2, where it is text; it is read back after YAML 1.1, where it is not
    if AMBIGUOUS_TEXT.fullmatch(text):
        raise UserError(f"{text!r} would be read back as a number or a truth value; choose another wording.")
    return text if UNQUOTED_TEXT.fullmatch(text) else f"'{_quote_text(text)}'"


def resolve_source(task: str, overrides: Overrides, params: Mapping[str, Any]) -> Path:
    """Return the path of a task's data under these overrides.

    Raises UserError if the source is not a path.
    """
    param = f"tasks.{task}.source"
    path = overrides[param] if param in overrides else _get_section(params, "tasks", task).get("source")
    if not isinstance(path, str) or not path or find_control_character(path):
        raise UserError(f"{param} is {render_value(path)}; give the path of the data as text.")
    return Path(path)


def _format_number(value: float) -> str:
    text = repr(value)
    if "e" in text and "." not in text:  # DVC writes 1e-05, which PyYAML (YAML 1.1) reads as text
        example = text.replace("e", ".1e")
        raise UserError(
            f"{text} would be read back as text, because it has no decimal point; "
            f"use a value like {example}, or edit {PARAMS_FILE}."
        )
    return text


def _quote_text(text: str) -> str:
    text = re.sub(r"(\\*)\$\{", r"\1\1\\${", text)  # keeps Hydra from interpolating
    text = re.sub(r"(\\*)'", r"\1\1\\'", text)
    return re.sub(r"(\\+)$", r"\1\1", text)


def _complete_sections(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return params with every task's sections complete, and with the `defaults`."""
    expanded = expand_params(params)
    return {
        key: {**section, **expanded[key]} if isinstance(section, Mapping) else section
        for key, section in params.items()
    }


def _has_param(param: str, params: Mapping[str, Any]) -> bool:
    try:
        _get_current_value(param, params)
    except (KeyError, TypeError):
        return False
    return True


def _join_path(params: Mapping[str, Any], *segments: str) -> str:
    return ".".join(find_section_path(params, *segments))


def _get_current_value(param: str, params: Mapping[str, Any]) -> Any:
    node: Any = params
    for segment in param.split("."):
        node = node[segment]
    return node


def _build_description_overrides(config: Config) -> Overrides:
    description = {
        "name": config.name,
        "task": config.task,
        "type": config.type,
        "version": config.model.version,
        "hypothesis": config.hypothesis,
        "tags": config.tags,
        "parent": config.parent,
    }
    return {f"experiment.{key}": value for key, value in description.items()}


def _build_period_overrides(config: Config, params: Mapping[str, Any]) -> Overrides:
    if not (config.training and config.evaluation):
        return {}
    section = _join_path(params, "folds", config.task)
    folds = _get_section(_complete_sections(params), *section.split("."))
    if "first_test" not in folds or "repeats" in folds:
        raise UserError(
            f"{config.name}: {section} has no first_test, because its rows have no dates to split by; "
            f"leave training and evaluation out."
        )
    gap = config.evaluation.start_date - config.training.end_date
    return {
        f"{section}.first_day": config.training.start_date,
        f"{section}.first_test": config.evaluation.start_date,
        f"{section}.last_test": config.evaluation.end_date,
        f"{section}.embargo_days": gap.days - 1,
    }


def _build_plugin_overrides(config: Config, params: Mapping[str, Any]) -> Overrides:
    """Return the plugins of the task config that a config changes, and the half-life of recency weights."""
    resampler = config.resample
    if config.recency:
        resampler = "recency" if config.recency.enabled else resampler or "none"
    plugins = {
        "resampler": resampler,
        "learner": "ensemble" if config.type == "ensemble" else config.model.type,
        "calibrator": config.calibrate,
    }
    overrides: Overrides = {
        f"tasks.{config.task}.{key}": plugin for key, plugin in plugins.items() if plugin is not None
    }
    if config.recency and config.recency.half_life_days is not None:
        overrides[_join_path(params, "resample", config.task, "recency.half_life_days")] = config.recency.half_life_days
    return overrides


def _build_hyperparameter_overrides(config: Config, overrides: Overrides, params: Mapping[str, Any]) -> Overrides:
    if not config.model.hyperparameters:
        return {}
    learner_param = f"tasks.{config.task}.learner"
    learner = config.params.get(
        learner_param, overrides.get(learner_param, _get_section(params, "tasks", config.task).get("learner"))
    )
    learner_overrides = {
        _join_path(params, "train", config.task, str(learner), key): value
        for key, value in config.model.hyperparameters.items()
    }
    # the first trial fits the configured hyperparameters
    return {**learner_overrides, _join_path(params, "tune", config.task, "search.trials"): 1}


def _build_input_overrides(config: Config, params: Mapping[str, Any]) -> Overrides:
    section, inputs = _join_path(params, "features", config.task), config.features
    overrides: Overrides = {} if inputs.include is None else {f"{section}.include": inputs.include}
    return overrides | ({f"{section}.exclude": inputs.exclude} if inputs.exclude else {})


def _require_plugins(config: Config, overrides: Overrides, params: Mapping[str, Any]) -> None:
    """Raise UserError for a plugin that does not exist or that has no settings for the task."""
    for key, stage in STAGE_BY_PLUGIN_KEY.items():
        param = f"tasks.{config.task}.{key}"
        if param not in overrides:
            continue
        plugin = overrides[param]
        allowed = sorted(
            set(list_plugins(stage)) & set(_get_section(params, *find_section_path(params, stage, config.task)))
        )
        if plugin not in allowed:
            suggestion = did_you_mean(str(plugin)[:MAX_WORD_CHARS], allowed)
            raise UserError(f"{config.name}: {config.task} has no {key} {render_value(plugin)}; {suggestion}")


def _get_section(params: Mapping[str, Any], *segments: str) -> Mapping[str, Any]:
    """Return a section of params.yaml; raises UserError if it is missing."""
    node: Any = params
    for segment in segments:
        node = node.get(segment) if isinstance(node, Mapping) else None
    if not isinstance(node, Mapping):
        where = ".".join(segments)
        raise UserError(
            f"{PARAMS_FILE} has no section {where}; `git checkout {PARAMS_FILE}` restores the committed one."
        )
    return node
