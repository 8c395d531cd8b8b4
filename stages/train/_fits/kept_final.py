"""Kept final models: one whose rows, settings and code are those of an earlier run is not fitted again.

Where the folds say `final: schedule`, its rows stay the same from one retraining to the next.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from stages.train._fits.fit_jobs import FitJob, score_roles
from stages.train._fits.kept_scores import build_keys, read_scores, write_scores
from stages.train._fits.packed_files import pack_files, read_files, unpack_files, write_files
from trueline.core.models.model_json import Monitor
from trueline.core.runtime.memory import Memory
from trueline.core.runtime.plugins import load_guarded_plugin
from trueline.core.splits.fold_data import Floats

CURVE_FILES = ("metrics.json", "plots")  # what DVCLive writes; curves of other models may lie beside them
SCORES_FILE, IMPORTANCE_FILE = "scores.npy", "importance.json"


@dataclass(frozen=True)
class FinalFit:
    """What the stage needs of a final model once it is written: raw scores, and the importance of the inputs."""

    scores: Floats
    importance: dict[str, float]


def fit_final_model(job: FitJob, curves_folder: Path, model_folder: Path, memory: Memory) -> FinalFit:
    """Write a final model and its training curves, from memory if it has them, and return what the stage needs."""
    key = build_keys([job], memory, purpose="final")[0].scores_key if memory.is_on else ""
    return memory.recall_or_compute(
        key,
        compute=lambda: _fit_and_save(job, curves_folder, model_folder),
        pack=lambda final_fit: _pack_fit(final_fit, curves_folder, model_folder),
        unpack=lambda content: _write_kept_model(unpack_files(content), curves_folder, model_folder),
    )


def _pack_fit(final_fit: FinalFit, curves_folder: Path, model_folder: Path) -> bytes:
    files = {f"model/{name}": content for name, content in read_files(model_folder).items()}
    files |= {f"curves/{name}": content for name, content in read_files(curves_folder, CURVE_FILES).items()}
    files[SCORES_FILE] = write_scores(final_fit.scores)
    files[IMPORTANCE_FILE] = json.dumps(final_fit.importance).encode()
    return pack_files(files)


def _fit_and_save(job: FitJob, curves_folder: Path, model_folder: Path) -> FinalFit:
    from stages.train._fits.training_curves import TrainingCurves  # .3 s for DVCLive, which a kept model needs not

    learner = load_guarded_plugin("train", job.arm.learner_name, writable=curves_folder)
    curves = TrainingCurves(curves_folder)
    settings = learner.Settings(**job.arm.settings)
    model = learner.fit(job.read_fit_rows(), settings, job.seed, Monitor(job.read_role_rows("calibrate"), watch=curves))
    curves.close_files()
    learner.save(model, model_folder)
    importance = {name: float(share) for name, share in model.importance.items()}
    return FinalFit(score_roles(job, model), importance)


def _write_kept_model(files: dict[str, bytes], curves_folder: Path, model_folder: Path) -> FinalFit:
    shutil.rmtree(curves_folder / "plots", ignore_errors=True)
    for part, folder in (("model/", model_folder), ("curves/", curves_folder)):
        write_files({name.removeprefix(part): files[name] for name in files if name.startswith(part)}, folder)
    return FinalFit(read_scores(files[SCORES_FILE]), json.loads(files[IMPORTANCE_FILE]))
