"""Exported model: a promoted model in a folder of its own, from which it is served without git and without DVC.

The folder holds the task's outputs under their usual paths, the dvc.lock that names their hashes, `export.json` with
the version and the commit, and `drift.json` with the distribution of the backtest's predictions.
"""

import hashlib
import json
import shutil
import tempfile
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from trueline.core.errors import UserError
from trueline.service.artifacts.verified_files import VerifiedFiles
from trueline.service.monitoring.drift_reference import sample_predictions
from trueline.service.monitoring.prediction_drift import PredictionDrift

RECORD_FILE, LOCK_FILE = "export.json", "dvc.lock"
DRIFT_FILE = "drift.json"
REQUIRED_OUTPUTS = ("models/{}/final", "models/{}/calibrator.json")
OPTIONAL_OUTPUTS = ("data/prepared/{}.parquet", "data/folds/{}.parquet", "models/{}/tuned.json", "models/{}/curves")
METRICS_FOLDER = "metrics/{}/"


class ExportRecord(BaseModel):
    """What an exported model is."""

    task: str
    name: str = Field(description="the version's name: the git tag, or workspace")
    commit: str | None = Field(description="the commit that the tag names; null for the workspace's model")


def export_model(files: VerifiedFiles, task: str, folder: Path) -> Path:
    """Write a task's model and what the service shows of it into `folder`/<task>, which is replaced; return that.

    Outputs that only the dashboard shows are left out if they are missing. Raises UserError if the model, its
    calibrator or its dvc.lock is missing or changed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    new_folder = Path(tempfile.mkdtemp(prefix=f".{task}-", dir=folder))
    try:
        for output in _list_outputs(files, task):
            _copy_output(files, output, new_folder, is_required=output in _name_outputs(REQUIRED_OUTPUTS, task))
        (new_folder / LOCK_FILE).write_bytes(files.read_lock())
        record = ExportRecord(task=task, name=files.name, commit=files.commit)
        (new_folder / RECORD_FILE).write_text(record.model_dump_json(indent=1) + "\n")
        if (drift := _build_drift(files, task)) is not None:
            (new_folder / DRIFT_FILE).write_text(json.dumps(drift.describe_reference()))
        return _move_into_place(new_folder, folder / task)
    except BaseException:
        shutil.rmtree(new_folder, ignore_errors=True)
        raise


def open_exported(folder: Path, task: str) -> VerifiedFiles:
    """Return the files of an exported model. Raises UserError if the folder holds none."""
    record = read_record(folder / task)
    return VerifiedFiles(folder / task, record.name, record.commit, is_exported=True)


def list_exported_tasks(folder: Path) -> list[str]:
    """Return the tasks of which a folder holds a model, in alphabetical order. Raises UserError if there is none."""
    tasks = sorted(file.parent.name for file in folder.glob(f"[!.]*/{RECORD_FILE}"))
    if not tasks:
        raise UserError(f"--exported: {folder} holds no model; write one there with `python -m trueline export`.")
    return tasks


def read_record(task_folder: Path) -> ExportRecord:
    """Return what the model in a folder is. Raises UserError if the folder does not say so."""
    try:
        return ExportRecord.model_validate_json((task_folder / RECORD_FILE).read_bytes())
    except (OSError, ValidationError):
        raise UserError(f"{task_folder} holds no exported model; write it with `python -m trueline export`.") from None


def hash_export(task_folder: Path) -> str:
    """Return a hash that differs if another model has been exported. Raises UserError if there is none."""
    record = read_record(task_folder)
    try:
        lock = (task_folder / LOCK_FILE).read_bytes()
    except OSError:
        raise UserError(f"{task_folder} has no {LOCK_FILE}; export the model again.") from None
    return hashlib.md5(record.model_dump_json().encode() + lock, usedforsecurity=False).hexdigest()


def read_drift(files: VerifiedFiles) -> PredictionDrift | None:
    """Return the drift against the distribution that was exported; None if there is none."""
    try:
        content = json.loads((files.root / DRIFT_FILE).read_bytes())
        return PredictionDrift(content["edges"], content["shares"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _name_outputs(patterns: tuple[str, ...], task: str) -> list[str]:
    return [pattern.format(task) for pattern in patterns]


def _list_outputs(files: VerifiedFiles, task: str) -> list[str]:
    optional = [output for output in _name_outputs(OPTIONAL_OUTPUTS, task) if files.has_output(output)]
    metrics = [output for output in files.output_hashes if output.startswith(METRICS_FOLDER.format(task))]
    return [*_name_outputs(REQUIRED_OUTPUTS, task), *optional, *metrics]


def _copy_output(files: VerifiedFiles, output: str, folder: Path, is_required: bool) -> None:
    try:
        source = files.resolve_path(output)
    except UserError:
        if is_required:
            raise
        return
    target = folder / output
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)  # of links into DVC's cache, the content
    else:
        shutil.copyfile(source, target)


def _build_drift(files: VerifiedFiles, task: str) -> PredictionDrift | None:
    try:
        predictions = files.resolve_path(f"data/predictions/{task}.parquet")
    except UserError:
        return None
    return PredictionDrift.from_reference(sample_predictions(predictions))


def _move_into_place(new_folder: Path, target: Path) -> Path:
    new_folder.chmod(0o755)  # any user may read what a container serves
    if target.exists():
        former_folder = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        target.rename(former_folder / target.name)
        new_folder.rename(target)
        shutil.rmtree(former_folder, ignore_errors=True)
    else:
        new_folder.rename(target)
    return target
