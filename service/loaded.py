"""Loaded: the models that this process answers with."""

from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

from core.refusals import Refusal, suggest
from service.artifacts import Files, promoted, workspace
from service.settings import Settings
from service.tasks import task, tasks

SUFFIX = "-model"  # of an artifact's name: events-model
LONGEST = 200  # letters of what is said of a broken file


@dataclass(frozen=True)
class Loaded:
    """A task with the model that answers for it."""

    task: str
    module: ModuleType
    model: Any
    files: Files

    @cached_property
    def version(self) -> str:
        """The version's name and the beginning of the model's hash: events-model@v1.2.0:4f9cfd95."""
        return f"{self.files.name}:{self.hash[:8]}"

    @cached_property
    def hash(self) -> str:
        """The MD5 of the model."""
        return self.files.hash(f"models/{self.task}/final")


def load(settings: Settings) -> dict[str, Loaded]:
    """Return the models that settings ask for, by task; refuse whatever cannot be loaded.

    A task without a model of its own is answered by the workspace's.
    """
    named = {task_of(model): model for model in settings.models}
    here = workspace(settings.folder)
    asked = settings.tasks or tuple(named) or tuple(one for one in tasks() if here.has(f"models/{one}/final"))
    if not asked:
        raise Refusal("there is no model to answer with; run `dvc repro`, or name one with --model.")
    if strangers := sorted(set(named) - set(asked)):
        raise Refusal(
            f"--model names {named[strangers[0]]!r}, and --tasks leaves {strangers[0]} out; name it there too."
        )
    return {name: one(name, promoted(settings.folder, named[name]) if name in named else here) for name in asked}


def one(name: str, files: Files) -> Loaded:
    """Return the model of a task out of some files."""
    module = task(name)
    try:
        return Loaded(name, module, module.load(files), files)
    except Refusal:
        raise
    except Exception as error:  # whatever a library raises over a broken file
        said = f"{type(error).__name__}: {' '.join(str(error).split())[:LONGEST]}"
        raise Refusal(f"{files.name}: the model of {name} cannot be read ({said}); run `dvc repro`.") from error


def task_of(model: str) -> str:
    """Return the task of an artifact: `events` of events-model#prod."""
    name = model.replace("@", "#").partition("#")[0]
    if not name.endswith(SUFFIX) or name.removesuffix(SUFFIX) not in tasks():
        raise Refusal(f"no task has a model {model!r}; {suggest(name, (one + SUFFIX for one in tasks()))}")
    return name.removesuffix(SUFFIX)
