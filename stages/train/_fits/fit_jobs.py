"""Fit jobs: one learner on the fit rows of one fold, and the raw scores that it gives other rows of the fold."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trueline.core.models.vector_file import VectorFile
from trueline.core.runtime.plugins import load_guarded_plugin
from trueline.core.splits.fold_data import Floats, FoldData, read_cached_tables


@dataclass(frozen=True)
class Arm:
    """One way of fitting that the reports compare: a learner, its parameters and inputs, and which rows it fits on."""

    name: str
    learner_name: str
    settings: dict[str, Any]
    inputs: list[str]
    unresampled: bool = False
    vectors: VectorFile | None = None


@dataclass(frozen=True)
class FitJob:
    """One arm in one fold of the tables at `table_paths`: fit on `read_fit_rows`, score the rows of each role."""

    arm: Arm
    fold: str
    roles: tuple[str, ...]
    table_paths: tuple[Path, Path, Path]
    seed: int

    def read_fit_rows(self) -> FoldData:
        """Return the rows to fit on, with the inputs of the arm."""
        table = read_cached_tables(*self.table_paths)
        all_inputs = table.get_rows(self.fold, "fit") if self.arm.unresampled else table.get_resampled_rows(self.fold)
        rows = all_inputs.select_inputs(self.arm.inputs).hide_other_rows()
        if self.arm.vectors is None:
            return rows
        from trueline.core.models.text.word_vectors import attach_vectors  # only for tasks of texts

        return attach_vectors(rows, self.arm.vectors, self.table_paths)

    def read_role_rows(self, role: str) -> FoldData:
        """Return the rows of a role, with the inputs of the arm."""
        rows = read_cached_tables(*self.table_paths).get_rows(self.fold, role)
        return rows.select_inputs(self.arm.inputs).hide_other_rows()


def fit_model(job: FitJob) -> Any:
    """Return the model of a job."""
    learner = load_guarded_plugin("train", job.arm.learner_name)
    return learner.fit(job.read_fit_rows(), learner.Settings(**job.arm.settings), job.seed)


def fit_and_score(job: FitJob) -> Floats:
    """Return the scores of `score_roles` by the model of a job."""
    return score_roles(job, fit_model(job))


def score_roles(job: FitJob, model: Any) -> Floats:
    """Return the scores that a model gives the rows of the job's roles, one role after the other."""
    learner = load_guarded_plugin("train", job.arm.learner_name)
    return np.concatenate([learner.score(model, job.read_role_rows(role).x) for role in job.roles])


def label_scores(job: FitJob, scores: Floats) -> pd.DataFrame:
    """Return scores of `score_roles` by fold, position in the table and role, a column for the arm or each tag."""
    table = read_cached_tables(*job.table_paths)
    positions = {role: table.find_positions(job.fold, role) for role in job.roles}
    keys = [pd.DataFrame({"fold": job.fold, "at": at, "role": role}) for role, at in positions.items()]
    column_names = [f"{job.arm.name}:{tag}" for tag in table.tags] or [job.arm.name]
    return pd.DataFrame(scores, pd.MultiIndex.from_frame(pd.concat(keys)), column_names)
