"""Locks: what dvc.lock of a commit says its results were made from."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from trueline.core.errors import UserError
from trueline.experiments.store import file_cache
from trueline.experiments.store.file_cache import LOCK, REPORT, SCORES
from trueline.experiments.store.metric_definitions import get_nested

MIN_HASH_DIGITS = 8  # digits of a hash that are enough to name it
UNSCORED_STAGE = "diagnose"  # the stage that no score depends on

Lock = Mapping[str, Any]


def read_locks(revs: Iterable[str]) -> dict[str, Lock]:
    """Return the dvc.lock of each commit by stage; a commit without one has no stages."""
    lock_files = [(rev, LOCK) for rev in dict.fromkeys(revs)]
    return {rev: lock or {} for (rev, _), lock in file_cache.read_files(lock_files).items()}


def collect_hashes(lock: Lock, tasks: Iterable[str] | None = None) -> set[str]:
    """Return the hashes of everything that the stages of some tasks, or of all, read or wrote."""
    selected_tasks = None if tasks is None else set(tasks)
    stages = [
        stage for name, stage in lock.items() if selected_tasks is None or name.rpartition("@")[2] in selected_tasks
    ]
    return {md5 for stage in stages for section in ("deps", "outs") for md5 in stage[section].values()}


def get_dependency_hashes(lock: Lock, task: str) -> dict[str, str]:
    """Return the hash of every file that the scores of a task depend on, by path."""
    return {path: md5 for stage in _select_scoring_stages(lock, task) for path, md5 in stage["deps"].items()}


def get_output_hashes(lock: Lock) -> dict[str, str]:
    """Return the hash of every output, by path."""
    return {path: md5 for stage in lock.values() for path, md5 in stage["outs"].items()}


def hash_params(lock: Lock, task: str) -> str | None:
    """Return a fingerprint of the parameters that the scores of a task depend on."""
    used_params: dict[str, Any] = {}
    for stage in _select_scoring_stages(lock, task):
        used_params |= stage["params"].get("params.yaml", {})
    return (
        hashlib.md5(json.dumps(used_params, sort_keys=True, default=str).encode()).hexdigest() if used_params else None
    )


def is_consistent(lock: Lock, params: Mapping[str, Any], task: str) -> bool:
    """Return whether the scores of a task were made with these parameters, every stage reading what the last one wrote.

    A run that stopped short of evaluate leaves the metrics of the commit it started from.
    """
    stages = _select_scoring_stages(lock, task)
    wrote = {path: md5 for stage in stages for path, md5 in stage["outs"].items()}
    linked = all(wrote.get(path, md5) == md5 for stage in stages for path, md5 in stage["deps"].items())
    used = (pair for stage in stages for pair in stage["params"].get("params.yaml", {}).items())
    return linked and all(get_nested(params, tuple(path.split("."))) == value for path, value in used)


def has_stages(lock: Lock, task: str) -> bool:
    """Return whether DVC made anything of a task that its scores depend on."""
    return bool(_select_scoring_stages(lock, task))


def find_edited_file(lock: Lock, task: str, md5_by_path: Mapping[str, str]) -> str | None:
    """Return which file with scores is not the one that was made; `md5_by_path` is the MD5 of a commit's files by path."""
    locked_hashes = get_output_hashes(lock)
    paths = (template.format(task=task) for template in (SCORES, REPORT))
    return next(
        (
            path
            for path in paths
            if path in md5_by_path and locked_hashes.get(path) and md5_by_path[path] != locked_hashes[path]
        ),
        None,
    )


def find_changed_input(lock: Lock, task: str, md5_by_path: Mapping[str, str]) -> str | None:
    """Return which file of a commit is not the one that the scores of a task were made with."""
    dependencies = (pair for stage in _select_scoring_stages(lock, task) for pair in stage["deps"].items())
    return next((path for path, md5 in dependencies if path in md5_by_path and md5 and md5_by_path[path] != md5), None)


def list_checked_files(lock: Lock, task: str) -> list[str]:
    """Return the files of which a commit must hold the very bytes that its lock names, where it holds any."""
    return [*get_dependency_hashes(lock, task), *(template.format(task=task) for template in (SCORES, REPORT))]


def resolve_hash(digits: str, locks: Iterable[Lock]) -> str:
    """Return the hash that some digits begin; refuses digits that no lock, or more than one hash, begins with."""
    if len(digits) < MIN_HASH_DIGITS:
        raise UserError(
            f"{digits!r} is too short for a hash; give at least {MIN_HASH_DIGITS} digits of one that dvc.lock names."
        )
    matches = sorted({md5 for lock in locks for md5 in collect_hashes(lock) if md5.startswith(digits)})
    if len(matches) != 1:
        problem = "names several hashes" if matches else "is in no dvc.lock of an experiment, a look or HEAD"
        raise UserError(f"{digits!r} {problem}; take the md5 of a dependency or an output from dvc.lock.")
    return matches[0]


def _select_scoring_stages(lock: Lock, task: str) -> list[Mapping[str, Any]]:
    stages = {name.partition("@")[0]: stage for name, stage in lock.items() if name.rpartition("@")[2] == task}
    return [stage for name, stage in stages.items() if name != UNSCORED_STAGE]
