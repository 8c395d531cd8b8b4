"""Loads the models that the settings ask for, from files whose hashes are verified."""

from dataclasses import replace

from trueline.core.errors import UserError, did_you_mean
from trueline.service.artifacts.exported_model import hash_export, list_exported_tasks, open_exported
from trueline.service.artifacts.git_tags import resolve_commit
from trueline.service.artifacts.verified_files import VerifiedFiles, open_promoted, open_workspace
from trueline.service.loaded_models import MAX_ERROR_LETTERS, MODEL_SUFFIX, LoadedModel
from trueline.service.settings import Settings
from trueline.service.tasks import list_tasks, load_task_module

WORKSPACE_SUFFIX = "@workspace"  # events-model@workspace: the last trained model, which no tag names


def load_models(settings: Settings) -> dict[str, LoadedModel]:
    """Return the models that the settings ask for, by task.

    A task for which no model is named is answered by the workspace's. Raises UserError if one cannot be loaded.
    """
    if settings.exported:
        return _load_exported_models(settings)
    models_by_task = {parse_task_name(model): model for model in settings.models}
    workspace_files = open_workspace(settings.root_folder)
    requested_tasks = (
        settings.tasks
        or tuple(models_by_task)
        or tuple(task_name for task_name in list_tasks() if workspace_files.has_output(f"models/{task_name}/final"))
    )
    if not requested_tasks:
        raise UserError("there is no model to serve; run `dvc repro`, or name one with --model.")
    if excluded_tasks := sorted(set(models_by_task) - set(requested_tasks)):
        task = excluded_tasks[0]
        raise UserError(
            f"--model names {models_by_task[task]!r}, but --tasks leaves {task} out; add {task} to --tasks."
        )
    return {
        name: load_task_model(
            name,
            open_model(settings, models_by_task[name]) if name in models_by_task else workspace_files,
        )
        for name in requested_tasks
    }


def _load_exported_models(settings: Settings) -> dict[str, LoadedModel]:
    """Return the models of the folder of exported ones, or of the tasks that the settings name."""
    if settings.models or settings.shadow:
        named_model = (*settings.models, *settings.shadow)[0]
        raise UserError(
            f"--exported and {named_model} exclude each other: tags need git, which exported models do not."
        )
    tasks = settings.tasks or list_exported_tasks(settings.exported_folder)
    return {task: load_task_model(task, open_exported(settings.exported_folder, task)) for task in tasks}


def pin_models(settings: Settings) -> Settings:
    """Return the settings with the tag and the commit that each model's name means now.

    Processes that get them load the same commit, whenever they start. Exported models are pinned by a hash, which
    shows when others have taken their place. Raises UserError for a name without a task or a tag.
    """
    if settings.exported:
        folder = settings.exported_folder
        tasks = settings.tasks or tuple(list_exported_tasks(folder))
        return replace(settings, pins=tuple((task, "", hash_export(folder / task)) for task in tasks))
    names = [*settings.models, *(model for model in settings.shadow if not model.endswith(WORKSPACE_SUFFIX))]
    for name in names:
        parse_task_name(name)
    pins = tuple((name, *resolve_commit(settings.root_folder, name)) for name in names)
    return replace(settings, pins=pins)


def open_model(settings: Settings, model: str) -> VerifiedFiles:
    """Return the files of the commit that a model's name is pinned to, or means now if it is not pinned."""
    for name, tag, commit in settings.pins:
        if name == model:
            return VerifiedFiles(settings.root_folder, tag, commit)
    return open_promoted(settings.root_folder, model)


def load_task_model(name: str, files: VerifiedFiles) -> LoadedModel:
    """Return a task's model loaded from the given files. Raises UserError if it cannot be read."""
    module = load_task_module(name)
    try:
        return LoadedModel(name, module, module.load(files), files)
    except UserError:
        raise
    except Exception as error:  # whatever a library raises over a broken file
        problem = f"{type(error).__name__}: {' '.join(str(error).split())[:MAX_ERROR_LETTERS]}"
        raise UserError(f"{files.name}: the model of {name} cannot be read ({problem}); run `dvc repro`.") from error


def parse_task_name(model: str) -> str:
    """Return the task of a model's name: `events` of events-model#prod. Raises UserError if no task has that model."""
    name = model.replace("@", "#").partition("#")[0]
    if not name.endswith(MODEL_SUFFIX) or name.removesuffix(MODEL_SUFFIX) not in list_tasks():
        model_names = [task_name + MODEL_SUFFIX for task_name in list_tasks()]
        raise UserError(f"no task has a model {model!r}; {did_you_mean(name, model_names)}")
    return name.removesuffix(MODEL_SUFFIX)
