"""Find the evaluations on test rows that git and the workspace hold, and build a ledger line for each."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from trueline.experiments.ledger import append_only_file
from trueline.experiments.store import dvc_lock, file_cache, git
from trueline.experiments.store.experiment import Experiment
from trueline.experiments.store.experiments_index import load_commits_as_experiments, load_experiment_at_commit
from trueline.experiments.store.file_cache import LOCK, PARAMS, REPORT, SCORES

METRICS_FOLDER = "metrics"  # a commit that changes it is an evaluation
# a change in these does not make an evaluation dirty
CLEAN_PATHS = ("dvc.lock", "params.yaml", "metrics/", "experiments/configs/", "experiments/ledger.jsonl")
HEAD_CACHE_NAME = "head"  # the commit up to which the branch has been read
WORKSPACE = "workspace"

LedgerLine = dict[str, Any]


def find_experiment_evaluations(experiments: Sequence[Experiment], recorded: Sequence[LedgerLine]) -> list[LedgerLine]:
    """Return lines for the experiments' evaluations that are not recorded; one run with uncommitted code is dirty."""
    recorded_keys = {(line["task"], line["rev"]) for line in recorded if line["kind"] == "look"}
    unrecorded = [
        experiment
        for experiment in experiments
        if any((task, experiment.rev) not in recorded_keys for task in experiment.scores)
    ]
    if not unrecorded:
        return []
    lock_by_rev = dvc_lock.read_locks([experiment.rev for experiment in unrecorded])
    changed_paths = git.list_changed_paths([experiment.rev for experiment in unrecorded])
    new_lines = []
    for experiment in sorted(unrecorded, key=lambda experiment: (experiment.created.timestamp(), experiment.name)):
        dirty = any(not path.startswith(CLEAN_PATHS) for path in changed_paths[experiment.rev])
        tasks = [task for task in experiment.scores if (task, experiment.rev) not in recorded_keys]
        new_lines += [_build_evaluation_line(experiment, task, lock_by_rev[experiment.rev], dirty) for task in tasks]
    return new_lines


def find_branch_evaluations(recorded: Sequence[LedgerLine]) -> list[LedgerLine]:
    """Return lines for the evaluations in commits of the current branch that are not recorded."""
    head = git.resolve_commit("HEAD")
    # what was read up to there is in the local copy
    last_read_head = file_cache.get_cached(HEAD_CACHE_NAME) if append_only_file.BACKUP_FILE.exists() else None
    if head is None or head == last_read_head:
        return []
    commits = load_commits_as_experiments(git.list_commits_since(last_read_head, [METRICS_FOLDER]))
    lock_by_rev = dvc_lock.read_locks([commit.rev for commit in commits])
    new_lines: list[LedgerLine] = []
    for commit in commits:
        commit_lines = [
            _build_evaluation_line(commit, task, lock_by_rev[commit.rev], dirty=False) | {"experiment": None}
            for task in commit.scores
        ]
        new_lines += [line for line in commit_lines if not _is_recorded(line, [*recorded, *new_lines])]
    return new_lines


def record_branch_head() -> None:
    """Remember that the evaluations of the branch up to its last commit are in the ledger's local copy."""
    file_cache.store_cached(HEAD_CACHE_NAME, git.resolve_commit("HEAD"))


def find_workspace_evaluations(recorded: Sequence[LedgerLine]) -> list[LedgerLine]:
    """Return lines for the evaluations in the workspace, of tasks whose metrics have the hashes in dvc.lock."""
    head = git.resolve_commit("HEAD")
    lock, params = file_cache.read_workspace_file(LOCK) or {}, file_cache.read_workspace_file(PARAMS) or {}
    if head is None or not lock:
        return []
    head_experiment = load_experiment_at_commit(head)
    new_lines = []
    for task in params.get("tasks") or {}:
        published, report = (_read_locked_file(template.format(task=task), lock) for template in (SCORES, REPORT))
        # evaluate alone shows the scores, before diagnose publishes them
        scores = report and (report["scores"] or (published or {}).get(task))
        if scores and not (head_experiment.scores.get(task) and _is_reproduction(task, lock, head)):
            workspace_experiment = head_experiment.with_results(
                scores={task: scores}, scored={task: report["scored"]}, intervals={task: report["intervals"]}
            )
            line = _build_evaluation_line(workspace_experiment, task, lock, dirty=True) | {
                "experiment": WORKSPACE,
                "seed": params.get("seed"),
            }
            new_lines += [line] if not _is_recorded(line, recorded) else []
    return new_lines


def _is_reproduction(task: str, lock: Mapping[str, Any], head: str) -> bool:
    """Return whether the workspace was made from the data, code and parameters of a commit.

    On another machine that may give other predictions, and is no new try all the same.
    """
    return _hash_origins(task, lock) == _hash_origins(task, dvc_lock.read_locks([head])[head])


def _hash_origins(task: str, lock: Mapping[str, Any]) -> str | None:
    """Return a fingerprint of the parameters, code and data of a task's scores; None if the lock does not name them."""
    params, outputs = dvc_lock.hash_params(lock, task), dvc_lock.get_output_hashes(lock)
    inputs = {path: md5 for path, md5 in dvc_lock.get_dependency_hashes(lock, task).items() if path not in outputs}
    origins = json.dumps([params, inputs], sort_keys=True)
    return hashlib.md5(origins.encode()).hexdigest() if params and inputs else None


def _read_locked_file(path: str, lock: Mapping[str, Any]) -> Any:
    """Return the contents of a workspace file, or None if its hash is not the one in dvc.lock."""
    locked_md5 = dvc_lock.get_output_hashes(lock).get(path)
    if not Path(path).exists() or locked_md5 != hashlib.md5(Path(path).read_bytes()).hexdigest():
        return None
    return file_cache.read_workspace_file(path)


def _build_evaluation_line(experiment: Experiment, task: str, lock: Mapping[str, Any], dirty: bool) -> LedgerLine:
    scored, outs = experiment.scored.get(task, {}), dvc_lock.get_output_hashes(lock)
    return {
        "kind": "look",
        "task": task,
        "experiment": experiment.name,
        "rev": experiment.rev,
        "params": dvc_lock.hash_params(lock, task),
        "origins": _hash_origins(task, lock),
        "data": outs.get(f"data/prepared/{task}.parquet"),
        "folds": outs.get(f"data/folds/{task}.parquet"),
        "predictions": outs.get(f"data/predictions/{task}.parquet"),
        "rows": scored.get("hash"),
        "scored": scored.get("rows"),
        "from": scored.get("from"),
        "to": scored.get("to"),
        "metrics": experiment.get_figures(task),
        "dirty": dirty,
        "seed": experiment.params.get("seed"),
    }


def _is_recorded(line: LedgerLine, recorded: Iterable[LedgerLine]) -> bool:
    """Return whether the same evaluation is recorded, under whichever commit."""
    compared_keys = ("task", "rows", "predictions", "metrics")
    return any(all(line[key] == recorded_line.get(key) for key in compared_keys) for recorded_line in recorded)
