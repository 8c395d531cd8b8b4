"""Evaluations: the looks at test rows that git and the workspace hold, each as a line for the ledger."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments import locks, parsed, repository
from experiments.experiment import Experiment
from experiments.parsed import LOCK, PARAMS, REPORT, SCORES
from experiments.records import committed, of_commits

METRICS = "metrics"  # the folder whose commits are looks
UNTOUCHED = ("dvc.lock", "params.yaml", "metrics/", "experiments/configs/", "experiments/ledger.jsonl")  # no dirt
HEAD = "head"  # remembers up to which commit the branch was read
WORKSPACE = "workspace"

Line = dict[str, Any]


def of_experiments(experiments: Sequence[Experiment], known: Sequence[Line]) -> list[Line]:
    """Return the looks of experiments whose evaluation is not recorded; one with uncommitted code is dirty."""
    have = {(line["task"], line["rev"]) for line in known if line["kind"] == "look"}
    fresh = [each for each in experiments if any((task, each.rev) not in have for task in each.scores)]
    if not fresh:
        return []
    held = locks.of([each.rev for each in fresh])
    changed = repository.changed([each.rev for each in fresh])
    found = []
    for each in sorted(fresh, key=lambda each: (each.created.timestamp(), each.name)):
        dirty = any(not path.startswith(UNTOUCHED) for path in changed[each.rev])
        tasks = [task for task in each.scores if (task, each.rev) not in have]
        found += [_look(each, task, held[each.rev], dirty) for task in tasks]
    return found


def of_branch(known: Sequence[Line]) -> list[Line]:
    """Return the looks of commits of the current branch whose evaluation nobody has recorded."""
    head = repository.commit("HEAD")
    before = parsed.recall(HEAD)
    if head is None or head == before:
        return []
    commits = of_commits(repository.since(before, [METRICS]))
    held = locks.of([each.rev for each in commits])
    found: list[Line] = []
    for each in commits:
        fresh = [_look(each, task, held[each.rev], dirty=False) | {"experiment": None} for task in each.scores]
        found += [line for line in fresh if not _told(line, [*known, *found])]
    return found


def branch_read() -> None:
    """Remember that the looks of the branch up to its last commit are in the ledger."""
    parsed.remember(HEAD, repository.commit("HEAD"))


def of_workspace(known: Sequence[Line]) -> list[Line]:
    """Return the looks of the workspace; it is left alone while its metrics are not those that its lock names."""
    head = repository.commit("HEAD")
    lock, params = parsed.workspace(LOCK) or {}, parsed.workspace(PARAMS) or {}
    if head is None or not lock:
        return []
    each = committed(head)
    found = []
    for task in params.get("tasks") or {}:
        scores, report = (_own(form.format(task=task), lock) for form in (SCORES, REPORT))
        if scores and report and scores.get(task):
            here = each.with_results(
                scores={task: scores[task]}, scored={task: report["scored"]}, intervals={task: report["intervals"]}
            )
            line = _look(here, task, lock, dirty=True) | {"experiment": WORKSPACE, "seed": params.get("seed")}
            found += [line] if not _told(line, known) else []
    return found


def _own(path: str, lock: Mapping[str, Any]) -> Any:
    """Return what a file of the workspace holds if it is the one that its lock names."""
    named = locks.outs(lock).get(path)
    if not Path(path).exists() or named != hashlib.md5(Path(path).read_bytes()).hexdigest():
        return None
    return parsed.workspace(path)


def _look(each: Experiment, task: str, lock: Mapping[str, Any], dirty: bool) -> Line:
    scored, outs = each.scored.get(task, {}), locks.outs(lock)
    return {
        "kind": "look",
        "task": task,
        "experiment": each.name,
        "rev": each.rev,
        "params": locks.params(lock, task),
        "data": outs.get(f"data/prepared/{task}.parquet"),
        "folds": outs.get(f"data/folds/{task}.parquet"),
        "predictions": outs.get(f"data/predictions/{task}.parquet"),
        "rows": scored.get("hash"),
        "scored": scored.get("rows"),
        "from": scored.get("from"),
        "to": scored.get("to"),
        "metrics": each.figures(task),
        "dirty": dirty,
        "seed": each.params.get("seed"),
    }


def _told(line: Line, known: Iterable[Line]) -> bool:
    """Return whether the same evaluation is recorded, by whichever commit."""
    same = ("task", "rows", "predictions", "metrics")
    return any(all(line[key] == other.get(key) for key in same) for other in known)
