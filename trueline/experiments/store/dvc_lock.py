"""Read dvc.lock of commits: the hashes and parameters that results were made from."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from trueline.core.errors import UserError
from trueline.experiments.store import file_cache
from trueline.experiments.store.file_cache import LOCK, REPORT, SCORES
from trueline.experiments.store.metric_definitions import get_nested

MIN_HASH_DIGITS = 8  # the shortest prefix by which a hash may be named
CODE_FOLDERS = ("stages/", "trueline/")
UNSCORED_STAGE = "diagnose"  # no score depends on this stage, but whether they can be believed does

Lock = Mapping[str, Any]


def read_locks(revs: Iterable[str]) -> dict[str, Lock]:
    """Return the dvc.lock of each commit, by stage; empty for a commit without one."""
    lock_files = [(rev, LOCK) for rev in dict.fromkeys(revs)]
    return {rev: lock or {} for (rev, _), lock in file_cache.read_files(lock_files).items()}


def collect_hashes(lock: Lock, tasks: Iterable[str] | None = None) -> set[str]:
    """Return the hashes of all dependencies and outputs of the stages of some tasks, or of all."""
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
    """Return a fingerprint of the parameters that the scores of a task depend on, or None if there are none."""
    used_params: dict[str, Any] = {}
    for stage in _select_scoring_stages(lock, task):
        used_params |= stage["params"].get("params.yaml", {})
    return (
        hashlib.md5(json.dumps(used_params, sort_keys=True, default=str).encode()).hexdigest() if used_params else None
    )


def is_consistent(lock: Lock, params: Mapping[str, Any], task: str) -> bool:
    """Return whether the scores of a task come from these parameters, each stage having read what an earlier one wrote.

    A run that stopped before evaluate keeps the metrics of the commit it started from, so it is not consistent.
    """
    return _is_consistent(_select_scoring_stages(lock, task), params)


def is_judged(lock: Lock, params: Mapping[str, Any], task: str, md5_by_path: Mapping[str, str]) -> bool:
    """Return whether the word on whether the scores can be believed comes from these scores, parameters and code."""
    stages = _select_stages(lock, task)
    judging = stages.get(UNSCORED_STAGE)
    if judging is None or SCORES.format(task=task) not in judging["outs"]:
        return True  # another stage published the scores, and then no word is among them
    return (
        _is_consistent(list(stages.values()), params)
        and _find_changed_file(_iterate_inputs([judging]), md5_by_path) is None
    )


def has_stages(lock: Lock, task: str) -> bool:
    """Return whether a lock has a stage of a task that its scores depend on."""
    return bool(_select_scoring_stages(lock, task))


def find_edited_file(lock: Lock, task: str, md5_by_path: Mapping[str, str]) -> str | None:
    """Return the path of a metrics file whose hash differs from the lock's, or None.

    `md5_by_path` holds the MD5s of the commit's files by path.
    """
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
    """Return the path of a committed file, or folder of code, that differs from what the scores were made with."""
    return _find_changed_file(_iterate_inputs(_select_scoring_stages(lock, task)), md5_by_path)


def list_checked_files(lock: Lock, task: str) -> list[str]:
    """Return the files and folders whose bytes in a commit, if they are there, must have the hashes in its lock."""
    inputs = dict(_iterate_inputs(_select_stages(lock, task).values()))
    return [*inputs, *(template.format(task=task) for template in (SCORES, REPORT))]


def is_code(path: str) -> bool:
    """Return whether a dependency is a file or a folder of code."""
    return path.endswith(".py") or path.startswith(CODE_FOLDERS)


def resolve_hash(digits: str, locks: Iterable[Lock]) -> str:
    """Return the full hash that starts with some digits.

    Raises UserError if they are fewer than eight, or if no hash or more than one in the locks starts with them.
    """
    if len(digits) < MIN_HASH_DIGITS:
        raise UserError(
            f"{digits!r} is too short for a hash; give at least {MIN_HASH_DIGITS} digits of a hash in dvc.lock."
        )
    matches = sorted({md5 for lock in locks for md5 in collect_hashes(lock) if md5.startswith(digits)})
    if len(matches) != 1:
        problem = "starts several hashes" if matches else "is in no dvc.lock of an experiment, an evaluation or HEAD"
        raise UserError(f"{digits!r} {problem}; copy the md5 of a dependency or an output from dvc.lock.")
    return matches[0]


def _is_consistent(stages: Sequence[Mapping[str, Any]], params: Mapping[str, Any]) -> bool:
    """Return whether stages have these parameters, and each has read what an earlier one wrote."""
    written = {path: md5 for stage in stages for path, md5 in stage["outs"].items()}
    is_linked = all(written.get(path, md5) == md5 for stage in stages for path, md5 in stage["deps"].items())
    used_params = (pair for stage in stages for pair in stage["params"].get("params.yaml", {}).items())
    return is_linked and all(get_nested(params, tuple(path.split("."))) == value for path, value in used_params)


def _find_changed_file(locked_files: Iterable[tuple[str, str]], md5_by_path: Mapping[str, str]) -> str | None:
    return next(
        (
            path
            for path, md5 in locked_files
            if (path in md5_by_path or _is_folder(md5)) and md5 and md5_by_path.get(path) != md5
        ),
        None,
    )


def _iterate_inputs(stages: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for stage in stages:
        # a folder of data may be in git in part, so that its hash is not that of its files there
        yield from ((path, md5) for path, md5 in stage["deps"].items() if is_code(path) or not _is_folder(md5))


def _is_folder(md5: str) -> bool:
    return md5.endswith(".dir")


def _select_scoring_stages(lock: Lock, task: str) -> list[Mapping[str, Any]]:
    return [stage for name, stage in _select_stages(lock, task).items() if name != UNSCORED_STAGE]


def _select_stages(lock: Lock, task: str) -> dict[str, Mapping[str, Any]]:
    return {name.partition("@")[0]: stage for name, stage in lock.items() if name.rpartition("@")[2] == task}
