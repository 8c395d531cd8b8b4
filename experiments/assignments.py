"""Assignments: what a config says, as knobs of params.yaml and as words that `dvc exp run -S` understands."""

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.params import FILE
from core.refusals import Refusal, suggest
from core.shelf import tools
from experiments.config import Config, loaded, shown, unwritable

Knobs = dict[str, Any]  # dotted knob → value
PLAIN = re.compile(
    r"(?!(?:true|false|null|inf|nan)$)[a-z][\w-]*", re.ASCII | re.IGNORECASE
)  # a text in no need of quotes
ODD = re.compile(
    r"yes|no|on|off|[-+]?[\d_]+(?::\d+)+(?:\.\d*)?|[-+]?\d[\d_]*_[\d_]*(?:\.[\d_]*)?", re.ASCII | re.IGNORECASE
)
SHORT = 60  # characters of a word that another is looked for near to
ROOMS = {"resampler": "resample", "learner": "train", "calibrator": "calibrate"}


def current() -> dict[str, Any]:
    """Return what params.yaml says now; refuses one that cannot be read or plans no tasks."""
    if not FILE.exists():
        raise Refusal(f"{FILE} is not in this folder; run from the root of the repository.")
    read = loaded(FILE.read_bytes(), str(FILE))
    if not isinstance(read, dict):
        raise Refusal(f"{FILE} holds no sections; `git checkout {FILE}` brings back what was committed.")
    _section(read, "tasks")
    return read


def assignments(config: Config, params: Mapping[str, Any]) -> Knobs:
    """Return every knob that a config sets to what it is not now; its `params` win over what follows from other keys.

    Refuses a task that is not planned, periods of a task without a clock, a source that is no path, and a knob or tool
    that does not exist.
    """
    if config.task not in params["tasks"]:
        near = suggest(config.task[:SHORT], map(str, params["tasks"]))
        raise Refusal(f"{config.name}: no task is called {shown(config.task)}; {near}")
    found = _recorded(config) | _periods(config, params) | _plan(config)
    found |= _hyperparameters(config, found, params) | _inputs(config)
    found |= config.params
    for knob, value in found.items():
        exists(knob, value, params, config.name)
    _on_the_shelf(config, found, params)
    source(config.task, found, params)
    return {knob: value for knob, value in found.items() if value != _now(knob, params)}


def exists(knob: str, value: Any, params: Mapping[str, Any], where: str) -> None:
    """Refuse a knob that params.yaml does not have, and a value for what is a section of knobs."""
    place: Any = params
    words = knob.split(".")
    for depth, word in enumerate(words):
        if not isinstance(place, Mapping) or word not in place:
            before = ".".join(words[:depth])
            held = map(str, place) if isinstance(place, Mapping) else ()
            section = f"{before} of {FILE}" if before else str(FILE)
            near = suggest(word[:SHORT], held)
            raise Refusal(f"{where}: {shown(knob)} is no knob: {section} has no {shown(word)}; {near}")
        place = place[word]
    if isinstance(place, Mapping) and not isinstance(value, Mapping):
        raise Refusal(
            f"{where}: {knob!r} is a section of {FILE}; name a knob in it. Allowed: {', '.join(map(str, place))}."
        )


def literal(value: Any) -> str:
    """Return a value as the override grammar of `-S` reads it back, texts quoted but for plain words.

    Refuses a text that would come back as something else.
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return f"[{','.join(map(literal, value))}]"
    if isinstance(value, int | float):
        return _number(value)
    text = value.isoformat() if isinstance(value, dt.date) else str(value)
    if control := unwritable(text):
        raise Refusal(f"{shown(text)} holds the control character {control!r}; take it out.")
    if ODD.fullmatch(text):  # DVC writes YAML 1.2, where it is a text, and what reads it back, 1.1, where it is none
        raise Refusal(f"{text!r} would be read back as a number or a truth value; say it in other words.")
    return text if PLAIN.fullmatch(text) else f"'{_quoted(text)}'"


def source(task: str, found: Knobs, params: Mapping[str, Any]) -> Path:
    """Return where the data of a task lie with these knobs set; refuses what is no path."""
    knob = f"tasks.{task}.source"
    path = found[knob] if knob in found else _section(params, "tasks", task).get("source")
    if not isinstance(path, str) or not path or unwritable(path):
        raise Refusal(f"{knob} is {shown(path)}; give the path of the data as text.")
    return Path(path)


def _number(value: float) -> str:
    text = repr(value)
    if "e" in text and "." not in text:  # DVC writes 1e-05, which PyYAML, after YAML 1.1, takes for a text
        near = text.replace("e", ".1e")
        raise Refusal(
            f"{text} would be read back as a text, for it has no point; take a value like {near}, or edit {FILE}."
        )
    return text


def _quoted(text: str) -> str:
    text = re.sub(r"(\\*)\$\{", r"\1\1\\${", text)  # no interpolation is meant
    text = re.sub(r"(\\*)'", r"\1\1\\'", text)
    return re.sub(r"(\\+)$", r"\1\1", text)


def _now(knob: str, params: Mapping[str, Any]) -> Any:
    place: Any = params
    for word in knob.split("."):
        place = place[word]
    return place


def _recorded(config: Config) -> Knobs:
    said = {
        "name": config.name,
        "task": config.task,
        "type": config.type,
        "version": config.model.version,
        "hypothesis": config.hypothesis,
        "tags": config.tags,
        "parent": config.parent,
    }
    return {f"experiment.{key}": value for key, value in said.items()}


def _periods(config: Config, params: Mapping[str, Any]) -> Knobs:
    if not (config.training and config.evaluation):
        return {}
    where = f"folds.{config.task}"
    if "first_test" not in _section(params, "folds", config.task):
        raise Refusal(
            f"{config.name}: {where} has no clock to cut by, so no periods; leave training and evaluation out."
        )
    between = config.evaluation.start_date - config.training.end_date
    return {
        f"{where}.first_day": config.training.start_date,
        f"{where}.first_test": config.evaluation.start_date,
        f"{where}.last_test": config.evaluation.end_date,
        f"{where}.embargo_days": between.days - 1,
    }


def _plan(config: Config) -> Knobs:
    """Return the words of the plan that a config changes."""
    resampler = config.resample
    if config.recency:
        resampler = "recency" if config.recency.enabled else resampler or "none"
    words = {
        "resampler": resampler,
        "learner": "ensemble" if config.type == "ensemble" else config.model.type,
        "calibrator": config.calibrate,
    }
    found: Knobs = {f"tasks.{config.task}.{key}": word for key, word in words.items() if word is not None}
    if config.recency and config.recency.half_life_days is not None:
        found[f"resample.{config.task}.recency.half_life_days"] = config.recency.half_life_days
    return found


def _hyperparameters(config: Config, found: Knobs, params: Mapping[str, Any]) -> Knobs:
    if not config.model.hyperparameters:
        return {}
    word = f"tasks.{config.task}.learner"
    learner = config.params.get(word, found.get(word, _section(params, "tasks", config.task).get("learner")))
    set_ = {f"train.{config.task}.{learner}.{key}": value for key, value in config.model.hyperparameters.items()}
    return {**set_, f"tune.{config.task}.search.trials": 1}  # the first trial is of the knobs as they stand


def _inputs(config: Config) -> Knobs:
    where, inputs = f"features.{config.task}", config.features
    found: Knobs = {} if inputs.include is None else {f"{where}.include": inputs.include}
    return found | ({f"{where}.exclude": inputs.exclude} if inputs.exclude else {})


def _on_the_shelf(config: Config, found: Knobs, params: Mapping[str, Any]) -> None:
    """Refuse a word of the plan that is no tool, or one that the task has no knobs for."""
    for key, room in ROOMS.items():
        knob = f"tasks.{config.task}.{key}"
        if knob not in found:
            continue
        word = found[knob]
        allowed = sorted(set(tools(room)) & set(_section(params, room, config.task)))
        if word not in allowed:
            near = suggest(str(word)[:SHORT], allowed)
            raise Refusal(f"{config.name}: {config.task} has no {key} {shown(word)}; {near}")


def _section(params: Mapping[str, Any], *words: str) -> Mapping[str, Any]:
    """Return a section of params.yaml; refuses one that is not there."""
    place: Any = params
    for word in words:
        place = place.get(word) if isinstance(place, Mapping) else None
    if not isinstance(place, Mapping):
        where = ".".join(words)
        raise Refusal(f"{FILE} has no section {where}; `git checkout {FILE}` brings back what was committed.")
    return place
