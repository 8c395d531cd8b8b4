"""Predict card: the predictions of a card, or of what is to come in the source, by the model that the service loads."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from trueline.core.errors import UserError, did_you_mean
from trueline.core.runtime.params import YAML_LOADER, TaskConfig, parse_settings
from trueline.core.runtime.plugins import load_plugin
from trueline.predict.card import Card, LogRows
from trueline.predict.card_reading import read_raw_card
from trueline.predict.predict_settings import PredictSettings
from trueline.predict.production_log import append_predictions
from trueline.predict.proven_lead import read_lead
from trueline.service.artifacts.verified_files import VerifiedFiles, open_promoted, open_workspace
from trueline.service.loaded_models import LoadedModel
from trueline.service.model_loading import load_task_model, parse_task_name
from trueline.service.monitoring.prediction_log import stamp_rows
from trueline.service.predictor import extract_settings
from trueline.service.tasks import list_tasks


@dataclass(frozen=True)
class PredictedCard:
    """The predictions of a card: a table for people, the rows of the log, and what must be said of them."""

    version: str
    table: pd.DataFrame
    log_rows: LogRows
    logged: int  # how many of the rows were new to the log
    notes: list[str]


def predict_card(
    root: Path,
    task: str,
    card: Path | None,
    moment: pd.Timestamp,
    model: str | None = None,
    log_folder: Path | None = None,
) -> PredictedCard:
    """Return the predictions of a card made at a moment (UTC), and append them to the log below `log_folder`.

    `card` is a file, folder or database in any form that the task's source may have, without outcomes; None takes what
    has no result yet in the source itself. `model` is a promoted model, such as racing-model#prod; None is the
    workspace's. Nothing is logged without `log_folder`. Raises UserError if the model cannot be loaded, its training
    ended too long ago, or the card cannot be read, lacks columns that the model needs, or has only started events.
    """
    return predict_with_model(root, load_model(root, task, model), card, moment, log_folder)


def load_model(root: Path, task: str, model: str | None) -> LoadedModel:
    """Return a promoted model, or the workspace's if None. Raises UserError for an unknown task, or another's model."""
    return load_task_model(task, _open_files(root, task, model))


def predict_with_model(
    root: Path, loaded: LoadedModel, card: Path | None, moment: pd.Timestamp, log_folder: Path | None = None
) -> PredictedCard:
    """Return what `predict_card` does, by a model that is already loaded."""
    task = loaded.task
    predictions = load_task_plugin(task).predict(loaded, read_card(root, loaded, card, moment))
    rows = stamp_rows(predictions.log_rows, loaded.version, loaded.model_hash, moment.tz_localize("UTC"))
    logged = append_predictions(log_folder, task, rows, predictions.log_key) if log_folder else 0
    table = predictions.table.assign(model=loaded.version)
    return PredictedCard(loaded.version, table, rows, logged, predictions.notes)


def load_task_plugin(task: str) -> Any:
    """Return the module that predicts a task."""
    return import_module(f"trueline.predict.tasks.{task}")


def read_card(root: Path, loaded: LoadedModel, card: Path | None, moment: pd.Timestamp) -> Card:
    """Return a card, or the source of the task if None, as the settings of the model's commit read it."""
    params = _read_params(root)
    task, files = loaded.task, loaded.files
    config = parse_settings(params, TaskConfig, "tasks", task)
    settings = parse_settings(params, PredictSettings, "predict", task)
    source_settings = extract_settings(files.read_params(), load_plugin("prepare", task).Settings, "prepare", task)
    raw = read_raw_card(config.reader, card or root / config.source, source_settings)
    return Card(raw, card is None, moment, settings, read_lead(files, task))


def _open_files(root: Path, task: str, model: str | None) -> VerifiedFiles:
    if task not in list_tasks():
        raise UserError(f"there is no task {task!r} to predict; {did_you_mean(task, list_tasks())}")
    if model is None:
        return open_workspace(root)
    if parse_task_name(model) != task:
        raise UserError(f"--model {model} is a model of {parse_task_name(model)}, not of {task}; name one of {task}.")
    return open_promoted(root, model)


def _read_params(root: Path) -> dict[str, Any]:
    file = root / "params.yaml"
    if not file.exists():
        raise UserError(f"{root} has no params.yaml; run this from the root of the repository.")
    params: dict[str, Any] = yaml.load(file.read_text(), YAML_LOADER)
    return params
