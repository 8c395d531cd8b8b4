"""Kept scores: a test fold whose rows, settings and code are those of an earlier run is not fitted again.

Scores are kept by the hash of all that they were made from. When days are added, only the newest test fold gets rows to
score; its rows to fit on stay the same, so its models are kept too.
"""

import io
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from stages.train._fits.fit_jobs import FitJob, fit_and_score, fit_model, label_scores, score_roles
from stages.train._fits.packed_files import pack_files, read_files, unpack_files, write_files
from trueline.core.compute import parallel
from trueline.core.runtime.memory import Memory, build_key, hash_code
from trueline.core.runtime.params import EngineSettings
from trueline.core.runtime.plugins import load_guarded_plugin
from trueline.core.splits.fold_data import Floats, read_cached_tables
from trueline.core.splits.fold_hashes import hash_tables

Piece = TypeVar("Piece")


@dataclass(frozen=True)
class KeyedJob:
    """A job, the key of its scores, and that of its model if the model is to be kept."""

    job: FitJob
    scores_key: str
    model_key: str | None


def score_jobs(
    jobs: Sequence[FitJob],
    newest_fold: str,
    memory: Memory,
    workers: int,
    label: str,
    engine: EngineSettings = parallel.LOCAL,
) -> list[pd.DataFrame]:
    """Return the labelled scores of each job, from memory where it has them; jobs that are alike are done once."""
    if not memory.is_on:
        computed = _run_by_fold(fit_and_score, jobs, jobs, workers, label, engine)
        return [label_scores(job, scores) for job, scores in zip(jobs, computed, strict=True)]
    scores, fit_count = _recall_or_compute(build_keys(jobs, memory, newest_fold), memory, workers, label, engine)
    print(f"{label}: {len(jobs) - fit_count} of {len(jobs)} fits are those of earlier runs or of another arm")
    return scores


def score_jobs_for_audit(
    jobs: Sequence[FitJob], memory: Memory, workers: int, engine: EngineSettings = parallel.LOCAL
) -> list[pd.DataFrame]:
    """Return the labelled scores of each job on rows as the audit exchanged them, which no run but an audit recalls.

    The scores of an earlier audit of the very same rows are recalled, as on the next day: the code, settings and rows
    that made them are those of now.
    """
    label = "audit"
    if not memory.is_on:
        computed = parallel.run_brief_jobs(fit_and_score, jobs, workers, label, engine)
        return [label_scores(job, scores) for job, scores in zip(jobs, computed, strict=True)]
    few_workers = parallel.limit_brief_workers(workers, engine)
    return _recall_or_compute(build_keys(jobs, memory, purpose="audit"), memory, few_workers, label, engine)[0]


def _recall_or_compute(
    keyed_jobs: Sequence[KeyedJob], memory: Memory, workers: int, label: str, engine: EngineSettings
) -> tuple[list[pd.DataFrame], int]:
    """Return the labelled scores of each job, and how many of them had to be computed."""
    recalled = {keyed.scores_key: memory.load(keyed.scores_key) for keyed in keyed_jobs}
    known_scores = {key: read_scores(content) for key, content in recalled.items() if content is not None}
    missing = {keyed.scores_key: keyed for keyed in keyed_jobs if keyed.scores_key not in known_scores}
    if missing:
        work = partial(_score_and_store, memory=memory)
        missing_jobs = [keyed.job for keyed in missing.values()]
        if all(keyed.model_key and memory.holds(keyed.model_key) for keyed in missing.values()):
            workers = parallel.limit_brief_workers(workers, engine)  # nothing is fitted
        computed = _run_by_fold(work, list(missing.values()), missing_jobs, workers, label, engine)
        known_scores |= dict(zip(missing, computed, strict=True))
    return [label_scores(keyed.job, known_scores[keyed.scores_key]) for keyed in keyed_jobs], len(missing)


def _run_by_fold(
    work: Callable[[Piece], Floats],
    pieces: Sequence[Piece],
    jobs: Sequence[FitJob],
    workers: int,
    label: str,
    engine: EngineSettings,
) -> list[Floats]:
    """Return the result of each piece of work, in order; `jobs` has the job of each piece.

    One process does what one learner does in one fold, because arms that differ little may share a part of their fits.
    """
    indices_by_fold: dict[tuple[str, str], list[int]] = {}
    for index, job in enumerate(jobs):
        indices_by_fold.setdefault((job.arm.learner_name, job.fold), []).append(index)
    batches = [[pieces[index] for index in indices] for indices in indices_by_fold.values()]
    batch_results = parallel.run_in_parallel(partial(_run_batch, work), batches, workers, label, engine)
    results = chain.from_iterable(batch_results)
    result_by_index = dict(zip(chain.from_iterable(indices_by_fold.values()), results, strict=True))
    return [result_by_index[index] for index in range(len(pieces))]


def _run_batch(work: Callable[[Piece], Floats], batch: Sequence[Piece]) -> list[Floats]:
    return [work(piece) for piece in batch]


def build_keys(
    jobs: Sequence[FitJob], memory: Memory, newest_fold: str = "", purpose: str = "scores"
) -> list[KeyedJob]:
    """Return the jobs with their keys by purpose; the jobs of the newest fold get one for their model, too."""
    for learner_name in {job.arm.learner_name for job in jobs}:
        load_guarded_plugin("train", learner_name)  # the hash of the code covers what plugins bring along
    code, hashes = hash_code("train"), hash_tables(read_cached_tables(*jobs[0].table_paths), memory)
    keyed_jobs = []
    for job in jobs:
        _, *way_of_fitting = astuple(replace(job.arm, vectors=None))
        way_of_fitting.append(job.arm.vectors and job.arm.vectors.content_key)
        fit_rows = hashes.hash_rows(job.fold, "fit") if job.arm.unresampled else hashes.hash_resampled_rows(job.fold)
        model_key = build_key("model", code, *way_of_fitting, job.seed, fit_rows)
        role_rows = [(role, hashes.hash_rows(job.fold, role)) for role in job.roles]
        scores_key = build_key(purpose, model_key, role_rows)
        keyed_jobs.append(KeyedJob(job, scores_key, model_key if job.fold == newest_fold else None))
    return keyed_jobs


def _score_and_store(keyed: KeyedJob, memory: Memory) -> Floats:
    scores = score_roles(keyed.job, _recall_or_fit(keyed, memory))
    memory.store(keyed.scores_key, write_scores(scores))
    return scores


def _recall_or_fit(keyed: KeyedJob, memory: Memory) -> Any:
    job = keyed.job
    if keyed.model_key is None:
        return fit_model(job)
    return memory.recall_or_compute(
        keyed.model_key,
        compute=partial(fit_model, job),
        pack=partial(_pack_model, job),
        unpack=partial(_load_model, job),
    )


def _pack_model(job: FitJob, model: Any) -> bytes | None:
    """Return the files of a model, or None if the model that is read back scores otherwise in the last bit."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "model"
        load_guarded_plugin("train", job.arm.learner_name).save(model, folder)
        files = pack_files(read_files(folder))
    scores, scores_again = score_roles(job, model), score_roles(job, _load_model(job, files))
    return files if scores_again.tobytes() == scores.tobytes() else None


def _load_model(job: FitJob, files: bytes) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        write_files(unpack_files(files), Path(folder))
        return load_guarded_plugin("train", job.arm.learner_name).load(Path(folder))


def write_scores(scores: Floats) -> bytes:
    """Return scores as bytes."""
    buffer = io.BytesIO()
    np.save(buffer, scores, allow_pickle=False)
    return buffer.getvalue()


def read_scores(content: bytes) -> Floats:
    """Return the scores that `write_scores` wrote."""
    scores: Floats = np.load(io.BytesIO(content), allow_pickle=False)
    return scores
