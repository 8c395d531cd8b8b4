"""Locks: what dvc.lock of a commit says its results were made from."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from core.refusals import Refusal
from experiments import parsed
from experiments.metrics import at
from experiments.parsed import LOCK, REPORT, SCORES

LEAST = 8  # digits of a hash that are enough to name it
AFTER = "diagnose"  # the stage that no score depends on

Lock = Mapping[str, Any]


def of(revs: Iterable[str]) -> dict[str, Lock]:
    """Return the dvc.lock of each commit by stage; a commit without one has no stages."""
    asked = [(rev, LOCK) for rev in dict.fromkeys(revs)]
    return {rev: held or {} for (rev, _), held in parsed.files(asked).items()}


def hashes(lock: Lock, tasks: Iterable[str] | None = None) -> set[str]:
    """Return the hashes of everything that the stages of some tasks, or of all, read or wrote."""
    named = None if tasks is None else set(tasks)
    stages = [stage for name, stage in lock.items() if named is None or name.rpartition("@")[2] in named]
    return {md5 for stage in stages for side in ("deps", "outs") for md5 in stage[side].values()}


def deps(lock: Lock, task: str) -> dict[str, str]:
    """Return the hash of every file that the scores of a task depend on, by path."""
    return {path: md5 for stage in _chain(lock, task) for path, md5 in stage["deps"].items()}


def outs(lock: Lock) -> dict[str, str]:
    """Return the hash of every output, by path."""
    return {path: md5 for stage in lock.values() for path, md5 in stage["outs"].items()}


def params(lock: Lock, task: str) -> str | None:
    """Return a fingerprint of the parameters that the scores of a task depend on."""
    held: dict[str, Any] = {}
    for stage in _chain(lock, task):
        held |= stage["params"].get("params.yaml", {})
    return hashlib.md5(json.dumps(held, sort_keys=True, default=str).encode()).hexdigest() if held else None


def whole(lock: Lock, params: Mapping[str, Any], task: str) -> bool:
    """Return whether the scores of a task were made with these parameters, every stage reading what the last one wrote.

    A run that stopped short of evaluate leaves the metrics of the commit it started from.
    """
    stages = _chain(lock, task)
    wrote = {path: md5 for stage in stages for path, md5 in stage["outs"].items()}
    linked = all(wrote.get(path, md5) == md5 for stage in stages for path, md5 in stage["deps"].items())
    used = (pair for stage in stages for pair in stage["params"].get("params.yaml", {}).items())
    return linked and all(at(params, tuple(path.split("."))) == value for path, value in used)


def knows(lock: Lock, task: str) -> bool:
    """Return whether DVC made anything of a task that its scores depend on."""
    return bool(_chain(lock, task))


def edited(lock: Lock, task: str, held: Mapping[str, str]) -> str | None:
    """Return which file with scores is not the one that was made; `held` is the MD5 of a commit's files by path."""
    named = outs(lock)
    paths = (form.format(task=task) for form in (SCORES, REPORT))
    return next((path for path in paths if path in held and named.get(path) and held[path] != named[path]), None)


def recoded(lock: Lock, task: str, held: Mapping[str, str]) -> str | None:
    """Return which file of a commit is not the one that the scores of a task were made with."""
    read = (pair for stage in _chain(lock, task) for pair in stage["deps"].items())
    return next((path for path, md5 in read if path in held and md5 and held[path] != md5), None)


def files(lock: Lock, task: str) -> list[str]:
    """Return the files of which a commit must hold the very bytes that its lock names, where it holds any."""
    return [*deps(lock, task), *(form.format(task=task) for form in (SCORES, REPORT))]


def complete(asked: str, locks: Iterable[Lock]) -> str:
    """Return the hash that some digits begin; refuses digits that no lock, or more than one hash, begins with."""
    if len(asked) < LEAST:
        raise Refusal(f"{asked!r} is too short for a hash; give at least {LEAST} digits of one that dvc.lock names.")
    found = sorted({md5 for lock in locks for md5 in hashes(lock) if md5.startswith(asked)})
    if len(found) != 1:
        many = "names several hashes" if found else "is in no dvc.lock of an experiment, a look or HEAD"
        raise Refusal(f"{asked!r} {many}; take the md5 of a dependency or an output from dvc.lock.")
    return found[0]


def _chain(lock: Lock, task: str) -> list[Mapping[str, Any]]:
    stages = {name.partition("@")[0]: stage for name, stage in lock.items() if name.rpartition("@")[2] == task}
    return [stage for name, stage in stages.items() if name != AFTER]
