"""train: fit rows of every fold → raw scores of rows that no model saw, and the final model with its curves."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from stages.train._fits.fit_jobs import Arm, FitJob, label_scores
from stages.train._fits.kept_final import fit_final_model
from stages.train._fits.kept_scores import score_jobs, score_jobs_for_audit
from trueline.core.errors import UserError, did_you_mean
from trueline.core.models.vector_file import VectorFile, load_vector_file
from trueline.core.runtime.atomic_outputs import write_json
from trueline.core.runtime.memory import Memory, open_memory
from trueline.core.runtime.params import (
    StageSettings,
    load_engine,
    load_seed,
    load_settings,
    load_task_config,
    load_worker_count,
)
from trueline.core.runtime.plugins import load_guarded_plugin
from trueline.core.runtime.stage_entry import Paths, expand_paths, run_stage
from trueline.core.score_audit.stage_audit import audit_stage, draw_audited_folds
from trueline.core.splits.fold_data import FoldTables, read_cached_tables
from trueline.core.splits.walk_forward import KEY_COLUMNS, list_folds, list_target_columns
from trueline.core.tables import table_schema

READS = {
    "features": "data/features/{task}.parquet",
    "folds": "data/folds/{task}.parquet",
    "resampled": "data/resampled/{task}",
    "tuned": "models/{task}/tuned.json",
}
WRITES = {
    "final": "models/{task}/final",
    "comparison": "models/{task}/comparison",
    "scores": "data/scores/{task}.parquet",
    "importance": "metrics/{task}/importance.csv",
    "audit": "metrics/{task}/score_audit/train.json",
}
LIVE = {"curves": "models/{task}/curves"}  # written in place, so that they can be watched
ROLES = ("calibrate", "score")  # of the rows that a test fold scores
UNAUDITED_ARMS = ("default", "unresampled", "without_vectors")  # the chosen learner's; it is audited in the arm `tuned`
MAX_IMPORTANCE_INPUTS = 25  # inputs in the table of importance; the model's own file has all of them


class BaselineSettings(StageSettings):
    """The inputs of the baseline, the simple learner that the chosen one must beat."""

    inputs: list[str]


class ComparisonSettings(StageSettings):
    """Which of the task's members are fitted beside the chosen learner, with their own parameters, for comparison."""

    learners: list[str]


def main(task: str, reads: Paths, writes: Paths) -> None:
    paths = (reads["features"], reads["folds"], reads["resampled"])
    table = read_cached_tables(*paths)
    inputs = list(table.features.columns.drop("row_id"))
    comparison_arms, vectors = _list_comparison_arms(task, inputs), load_vector_file(task)
    if vectors:
        _check_vectors(task, vectors, paths)
    arms = _list_arms(task, json.loads(reads["tuned"].read_text()), inputs, vectors) + comparison_arms
    test_folds = list_folds(table.folds, "test")
    # comparison learners first: a worker that grows much after its first job is taken for a leak and restarted, and
    # networks need much memory
    test_jobs = [FitJob(arm, fold, ROLES, paths, load_seed()) for arm in reversed(arms) for fold in test_folds]
    label = f"train {arms[0].learner_name}"
    memory = open_memory("train")
    scores = score_jobs(test_jobs, test_folds[-1], memory, load_worker_count(), label, load_engine())
    final_jobs = [FitJob(arm, "final", ("calibrate",), paths, load_seed()) for arm in (arms[0], *comparison_arms)]
    curves_folder = expand_paths(LIVE, task)["curves"]
    writes["comparison"].mkdir()
    final_fit = fit_final_model(final_jobs[0], curves_folder, writes["final"], memory)
    _write_importance(final_fit.importance, writes["importance"])
    scores.append(label_scores(final_jobs[0], final_fit.scores))
    for job in final_jobs[1:]:
        comparison_folder = writes["comparison"] / job.arm.name
        comparison_fit = fit_final_model(job, curves_folder / job.arm.name, comparison_folder, memory)
        scores.append(label_scores(job, comparison_fit.scores))
    jobs_and_scores = list(zip(test_jobs + final_jobs, scores, strict=True))
    scores_by_arm = [[job_scores for job, job_scores in jobs_and_scores if job.arm == arm] for arm in arms]
    table_schema.write_table(_combine_scores(scores_by_arm, table), writes["scores"])
    audited_arms = [arm for arm in arms if arm.name not in UNAUDITED_ARMS]
    audit = audit_stage(
        list(reads.values()),
        reads["folds"],
        lambda fold: _list_fold_scores(
            [job_scores for job, job_scores in jobs_and_scores if job.fold == fold and job.arm in audited_arms], table
        ),
        lambda fold: _score_fold_again([FitJob(arm, fold, ROLES, paths, load_seed()) for arm in audited_arms], memory),
        draw_audited_folds(reads["folds"]),
    )
    write_json(audit, writes["audit"], digits=12)


def _score_fold_again(jobs: list[FitJob], memory: Memory) -> pd.DataFrame:
    scores = score_jobs_for_audit(jobs, memory, load_worker_count(), load_engine())
    return _list_fold_scores(scores, read_cached_tables(*jobs[0].table_paths))


def _list_fold_scores(scores: list[pd.DataFrame], table: FoldTables) -> pd.DataFrame:
    """Return the scores that several arms give the rows of a fold, by row_id."""
    wide = pd.concat(scores, axis=1)
    return wide.set_axis(table.folds["row_id"].iloc[wide.index.get_level_values("at")])


def _check_vectors(task: str, vectors: VectorFile, paths: tuple[Path, Path, Path]) -> None:
    from trueline.core.models.text.word_vectors import check_vectors  # only for tasks of texts

    learner_name = load_task_config(task).learner
    check_vectors(f"train {task}", learner_name, load_guarded_plugin("train", learner_name), vectors, paths)


def _list_arms(task: str, tuned: dict[str, Any], inputs: list[str], vectors: VectorFile | None = None) -> list[Arm]:
    task_config = load_task_config(task)
    baseline_inputs = load_settings(BaselineSettings, "train", task, "baseline").inputs or inputs
    if unknown_inputs := [name for name in baseline_inputs if name not in inputs]:
        hint = f"train.{task}.baseline.inputs names {unknown_inputs[0]!r}; {did_you_mean(unknown_inputs[0], inputs)}"
        baseline_inputs = [name for name in baseline_inputs if name in inputs]
        if not baseline_inputs:
            raise UserError(hint)
        # a source without the column of an input does not give it
        print(f"train {task}: the baseline does without {', '.join(unknown_inputs)}: {hint}")
    baseline_settings = load_settings(
        load_guarded_plugin("train", task_config.baseline).Settings, "train", task, task_config.baseline
    ).model_dump()
    arms = [
        Arm("tuned", task_config.learner, tuned["tuned"], inputs, vectors=vectors),
        Arm("default", task_config.learner, tuned["default"], inputs, vectors=vectors),
        Arm("baseline", task_config.baseline, baseline_settings, baseline_inputs, unresampled=True),
    ]
    if task_config.resampler != "none":
        arms.append(Arm("unresampled", task_config.learner, tuned["tuned"], inputs, unresampled=True, vectors=vectors))
    if vectors:
        arms.append(Arm("without_vectors", task_config.learner, tuned["tuned"], inputs))
    return arms


def _list_comparison_arms(task: str, inputs: list[str]) -> list[Arm]:
    learner_names = load_settings(ComparisonSettings, "train", task, "comparison").learners
    members = load_task_config(task).members
    if unknown_learners := sorted(set(learner_names) - set(members)):
        raise UserError(
            f"train.{task}.comparison.learners names {unknown_learners[0]!r}; "
            f"{did_you_mean(unknown_learners[0], members)}"
        )
    settings_by_learner = {
        learner_name: load_settings(
            load_guarded_plugin("train", learner_name).Settings, "train", task, learner_name
        ).model_dump()
        for learner_name in learner_names
    }
    return [Arm(name, name, settings, inputs) for name, settings in settings_by_learner.items()]


def _write_importance(shares: dict[str, float], path: Path) -> None:
    importance = pd.Series(shares, name="importance").rename_axis("input")
    importance.sort_values(ascending=False, kind="stable").head(MAX_IMPORTANCE_INPUTS).round(6).to_csv(path)


def _combine_scores(scores_by_arm: list[list[pd.DataFrame]], table: FoldTables) -> pd.DataFrame:
    """Return one row per fold and scored row: the keys that calibration needs, and raw scores per arm (and tag)."""
    wide = pd.concat([pd.concat(scores) for scores in scores_by_arm], axis=1).sort_index().reset_index()
    keys = table.folds[[*KEY_COLUMNS, *list_target_columns(table.folds)]].iloc[wide["at"]].reset_index(drop=True)
    return pd.concat([keys, wide.drop(columns="at")], axis=1)


if __name__ == "__main__":
    run_stage("train", READS, WRITES, main)
