"""Loaded: the models that this process answers with."""

from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

from core.refusals import UserError, did_you_mean
from service.artifacts import VerifiedFiles, open_promoted, open_workspace
from service.settings import Settings
from service.tasks import list_tasks, load_task_module

MODEL_SUFFIX = "-model"  # of an artifact's name: events-model
MAX_ERROR_LETTERS = 200  # letters of what is said of a broken file


@dataclass(frozen=True)
class LoadedModel:
    """A task with the model that answers for it."""

    task: str
    module: ModuleType
    model: Any
    files: VerifiedFiles

    @cached_property
    def version(self) -> str:
        """The version's name and the beginning of the model's hash: events-model@v1.2.0:4f9cfd95."""
        return f"{self.files.name}:{self.model_hash[:8]}"

    @cached_property
    def model_hash(self) -> str:
        """The MD5 of the model."""
        return self.files.get_hash(f"models/{self.task}/final")


def load_models(settings: Settings) -> dict[str, LoadedModel]:
    """Return the models that settings ask for, by task; refuse whatever cannot be loaded.

    A task without a model of its own is answered by the workspace's.
    """
    models_by_task = {parse_task_name(model): model for model in settings.models}
    workspace_files = open_workspace(settings.root_folder)
    requested_tasks = (
        settings.tasks
        or tuple(models_by_task)
        or tuple(task_name for task_name in list_tasks() if workspace_files.has_output(f"models/{task_name}/final"))
    )
    if not requested_tasks:
        raise UserError("there is no model to answer with; run `dvc repro`, or name one with --model.")
    if excluded_tasks := sorted(set(models_by_task) - set(requested_tasks)):
        raise UserError(
            f"--model names {models_by_task[excluded_tasks[0]]!r}, and --tasks leaves {excluded_tasks[0]} out; name it there too."
        )
    return {
        name: load_task_model(
            name,
            open_promoted(settings.root_folder, models_by_task[name]) if name in models_by_task else workspace_files,
        )
        for name in requested_tasks
    }


def load_task_model(name: str, files: VerifiedFiles) -> LoadedModel:
    """Return the model of a task out of some files."""
    module = load_task_module(name)
    try:
        return LoadedModel(name, module, module.load(files), files)
    except UserError:
        raise
    except Exception as error:  # whatever a library raises over a broken file
        problem = f"{type(error).__name__}: {' '.join(str(error).split())[:MAX_ERROR_LETTERS]}"
        raise UserError(f"{files.name}: the model of {name} cannot be read ({problem}); run `dvc repro`.") from error


def parse_task_name(model: str) -> str:
    """Return the task of an artifact: `events` of events-model#prod."""
    name = model.replace("@", "#").partition("#")[0]
    if not name.endswith(MODEL_SUFFIX) or name.removesuffix(MODEL_SUFFIX) not in list_tasks():
        raise UserError(
            f"no task has a model {model!r}; {did_you_mean(name, (task_name + MODEL_SUFFIX for task_name in list_tasks()))}"
        )
    return name.removesuffix(MODEL_SUFFIX)
