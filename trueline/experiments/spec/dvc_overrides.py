"""Assignments: what a config says, as knobs of params.yaml and as words that `dvc exp run -S` understands."""

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trueline.core.errors import UserError, did_you_mean
from trueline.core.runtime.params import PARAMS_FILE
from trueline.core.runtime.plugins import list_plugins
from trueline.experiments.spec.config_schema import Config, find_control_character, parse_yaml, render_value

Overrides = dict[str, Any]  # dotted knob → value
UNQUOTED_TEXT = re.compile(
    r"(?!(?:true|false|null|inf|nan)$)[a-z][\w-]*", re.ASCII | re.IGNORECASE
)  # a text in no need of quotes
AMBIGUOUS_TEXT = re.compile(
    r"yes|no|on|off|[-+]?[\d_]+(?::\d+)+(?:\.\d*)?|[-+]?\d[\d_]*_[\d_]*(?:\.[\d_]*)?", re.ASCII | re.IGNORECASE
)
MAX_WORD_CHARS = 60  # characters of a word that another is looked for near to
STAGE_BY_PLUGIN_KEY = {"resampler": "resample", "learner": "train", "calibrator": "calibrate"}


def read_current_params() -> dict[str, Any]:
    """Return what params.yaml says now; refuses one that cannot be read or plans no tasks."""
    if not PARAMS_FILE.exists():
        raise UserError(f"{PARAMS_FILE} is not in this folder; run from the root of the repository.")
    params = parse_yaml(PARAMS_FILE.read_bytes(), str(PARAMS_FILE))
    if not isinstance(params, dict):
        raise UserError(
            f"{PARAMS_FILE} holds no sections; `git checkout {PARAMS_FILE}` brings back what was committed."
        )
    _get_section(params, "tasks")
    return params


def build_overrides(config: Config, params: Mapping[str, Any]) -> Overrides:
    """Return every knob that a config sets to what it is not now; its `params` win over what follows from other keys.

    Refuses a task that is not planned, periods of a task without a clock, a source that is no path, and a knob or tool
    that does not exist.
    """
    if config.task not in params["tasks"]:
        suggestion = did_you_mean(config.task[:MAX_WORD_CHARS], map(str, params["tasks"]))
        raise UserError(f"{config.name}: no task is called {render_value(config.task)}; {suggestion}")
    overrides = (
        _build_description_overrides(config) | _build_period_overrides(config, params) | _build_plugin_overrides(config)
    )
    overrides |= _build_hyperparameter_overrides(config, overrides, params) | _build_input_overrides(config)
    overrides |= config.params
    for param, value in overrides.items():
        require_param(param, value, params, config.name)
    _require_plugins(config, overrides, params)
    resolve_source(config.task, overrides, params)
    return {param: value for param, value in overrides.items() if value != _get_current_value(param, params)}


def require_param(param: str, value: Any, params: Mapping[str, Any], where: str) -> None:
    """Refuse a knob that params.yaml does not have, and a value for what is a section of knobs."""
    node: Any = params
    segments = param.split(".")
    for depth, segment in enumerate(segments):
        if not isinstance(node, Mapping) or segment not in node:
            prefix = ".".join(segments[:depth])
            allowed = map(str, node) if isinstance(node, Mapping) else ()
            section = f"{prefix} of {PARAMS_FILE}" if prefix else str(PARAMS_FILE)
            suggestion = did_you_mean(segment[:MAX_WORD_CHARS], allowed)
            raise UserError(
                f"{where}: {render_value(param)} is no knob: {section} has no {render_value(segment)}; {suggestion}"
            )
        node = node[segment]
    if isinstance(node, Mapping) and not isinstance(value, Mapping):
        raise UserError(
            f"{where}: {param!r} is a section of {PARAMS_FILE}; name a knob in it. Allowed: {', '.join(map(str, node))}."
        )


def format_literal(value: Any) -> str:
    """Return a value as the override grammar of `-S` reads it back, texts quoted but for plain words.

    Refuses a text that would come back as something else.
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return f"[{','.join(map(format_literal, value))}]"
    if isinstance(value, int | float):
        return _format_number(value)
    text = value.isoformat() if isinstance(value, dt.date) else str(value)
    if control := find_control_character(text):
        raise UserError(f"{render_value(text)} holds the control character {control!r}; take it out.")
    if AMBIGUOUS_TEXT.fullmatch(
        text
    ):  # DVC writes YAML 1.2, where it is a text, and what reads it back, 1.1, where it is none
        raise UserError(f"{text!r} would be read back as a number or a truth value; say it in other words.")
    return text if UNQUOTED_TEXT.fullmatch(text) else f"'{_quote_text(text)}'"


def resolve_source(task: str, overrides: Overrides, params: Mapping[str, Any]) -> Path:
    """Return where the data of a task lie with these knobs set; refuses what is no path."""
    param = f"tasks.{task}.source"
    path = overrides[param] if param in overrides else _get_section(params, "tasks", task).get("source")
    if not isinstance(path, str) or not path or find_control_character(path):
        raise UserError(f"{param} is {render_value(path)}; give the path of the data as text.")
    return Path(path)


def _format_number(value: float) -> str:
    text = repr(value)
    if "e" in text and "." not in text:  # DVC writes 1e-05, which PyYAML, after YAML 1.1, takes for a text
        example = text.replace("e", ".1e")
        raise UserError(
            f"{text} would be read back as a text, for it has no point; take a value like {example}, or edit {PARAMS_FILE}."
        )
    return text


def _quote_text(text: str) -> str:
    text = re.sub(r"(\\*)\$\{", r"\1\1\\${", text)  # no interpolation is meant
    text = re.sub(r"(\\*)'", r"\1\1\\'", text)
    return re.sub(r"(\\+)$", r"\1\1", text)


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
    section = f"folds.{config.task}"
    if "first_test" not in _get_section(params, "folds", config.task):
        raise UserError(
            f"{config.name}: {section} has no clock to cut by, so no periods; leave training and evaluation out."
        )
    gap = config.evaluation.start_date - config.training.end_date
    return {
        f"{section}.first_day": config.training.start_date,
        f"{section}.first_test": config.evaluation.start_date,
        f"{section}.last_test": config.evaluation.end_date,
        f"{section}.embargo_days": gap.days - 1,
    }


def _build_plugin_overrides(config: Config) -> Overrides:
    """Return the words of the plan that a config changes."""
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
        overrides[f"resample.{config.task}.recency.half_life_days"] = config.recency.half_life_days
    return overrides


def _build_hyperparameter_overrides(config: Config, overrides: Overrides, params: Mapping[str, Any]) -> Overrides:
    if not config.model.hyperparameters:
        return {}
    learner_param = f"tasks.{config.task}.learner"
    learner = config.params.get(
        learner_param, overrides.get(learner_param, _get_section(params, "tasks", config.task).get("learner"))
    )
    learner_overrides = {
        f"train.{config.task}.{learner}.{key}": value for key, value in config.model.hyperparameters.items()
    }
    return {
        **learner_overrides,
        f"tune.{config.task}.search.trials": 1,
    }  # the first trial is of the knobs as they stand


def _build_input_overrides(config: Config) -> Overrides:
    section, inputs = f"features.{config.task}", config.features
    overrides: Overrides = {} if inputs.include is None else {f"{section}.include": inputs.include}
    return overrides | ({f"{section}.exclude": inputs.exclude} if inputs.exclude else {})


def _require_plugins(config: Config, overrides: Overrides, params: Mapping[str, Any]) -> None:
    """Refuse a word of the plan that is no tool, or one that the task has no knobs for."""
    for key, stage in STAGE_BY_PLUGIN_KEY.items():
        param = f"tasks.{config.task}.{key}"
        if param not in overrides:
            continue
        plugin = overrides[param]
        allowed = sorted(set(list_plugins(stage)) & set(_get_section(params, stage, config.task)))
        if plugin not in allowed:
            suggestion = did_you_mean(str(plugin)[:MAX_WORD_CHARS], allowed)
            raise UserError(f"{config.name}: {config.task} has no {key} {render_value(plugin)}; {suggestion}")


def _get_section(params: Mapping[str, Any], *segments: str) -> Mapping[str, Any]:
    """Return a section of params.yaml; refuses one that is not there."""
    node: Any = params
    for segment in segments:
        node = node.get(segment) if isinstance(node, Mapping) else None
    if not isinstance(node, Mapping):
        where = ".".join(segments)
        raise UserError(
            f"{PARAMS_FILE} has no section {where}; `git checkout {PARAMS_FILE}` brings back what was committed."
        )
    return node
