"""The ledger: every look at a test period, and every invalidation, a line each; appended, committed, never rewritten.

`experiments/ledger.jsonl` is brought up to date from what git and the workspace hold whenever the registry is asked.
Nothing in it is dated: a look names its commit, and the commit has a date. Lines that a checkout or `dvc exp apply`
took away come back.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.refusals import Refusal
from experiments import evaluations, journal, locks, repository
from experiments.experiment import Experiment
from experiments.parsed import PARAMS
from experiments.records import all_experiments

UNDATED = "1970-01-01"  # the day of every row where the source has no clock

Line = dict[str, Any]


@dataclass(frozen=True)
class Looks:
    """How often some test rows were looked at, and how often with different predictions."""

    all: int
    different: int


def sync(experiments: Sequence[Experiment] | None = None) -> list[Line]:
    """Append the looks that the ledger does not have yet and return all its lines.

    Looks are the experiments' commits, the commits of the current branch that changed metrics, and the workspace when
    its metrics are those of its dvc.lock. What is committed, or was seen here before, counts even where the file has
    lost it.
    """
    _at_root()
    with journal.writing() as held:
        lines = seen(held, experiments)
        journal.append(lines, held)
        evaluations.branch_read()
    return lines


def seen(held: Sequence[Line], experiments: Sequence[Experiment] | None = None) -> list[Line]:
    """Return lines that are held together with the looks that `sync` would append, and append nothing."""
    _at_root()
    found = [each for each in all_experiments() if each.finished] if experiments is None else experiments
    lines = _together(held)
    lines += evaluations.of_experiments(found, lines)
    lines += evaluations.of_branch(lines)
    lines += evaluations.of_workspace(lines)
    return lines


def lines() -> list[Line]:
    """Return what the ledger holds, what is committed of it, and what was seen here; no look is searched for."""
    return _together(journal.read())


def looks(task: str, scored_hash: str | None, known: Iterable[Line] | None = None) -> int:
    """Return how many different predictions of these test rows were evaluated so far; identical ones count once."""
    return counted(task, scored_hash, known).different


def counted(task: str, scored_hash: str | None, known: Iterable[Line] | None = None) -> Looks:
    """Return how often these test rows of a task were looked at."""
    found = of_rows(task, scored_hash, lines() if known is None else known)
    return Looks(len(found), len({_prediction(line) for line in found}))


def of_rows(task: str, scored_hash: str | None, known: Iterable[Line]) -> list[Line]:
    """Return the looks at some test rows; one whose report did not name its rows counts if its data and folds did."""
    ours = [line for line in known if line["kind"] == "look" and line["task"] == task]
    same = {(line["data"], line["folds"]) for line in ours if line["rows"] == scored_hash and line["data"]}
    return [
        line
        for line in ours
        if line["rows"] == scored_hash or (line["rows"] is None and (line["data"], line["folds"]) in same)
    ]


def searched(task: str, tests: Sequence[Mapping[str, Any]], known: Iterable[Line] | None = None) -> int:
    """Return how many different predictions were evaluated on some tests, or on test periods that overlap theirs.

    A test is what a report says of it: the `hash` of its rows, and the days `from` and `to`. A start that is shifted by
    a day is another test, and no fresh one. Rows without a date overlap nothing: of those only the same count.
    """
    told = lines() if known is None else list(known)
    found = (line for test in tests for line in [*of_rows(task, test["hash"], told), *_overlapping(task, test, told)])
    return len({_prediction(line) for line in found})


def _overlapping(task: str, test: Mapping[str, Any], known: Iterable[Line]) -> list[Line]:
    ours = _days(test)
    looked = ((line, _days(line)) for line in known if line["kind"] == "look" and line["task"] == task)
    return [line for line, days in looked if ours and days and days[0] <= ours[1] and ours[0] <= days[1]]


def _days(held: Mapping[str, Any]) -> tuple[str, str] | None:
    days = str(held.get("from") or UNDATED), str(held.get("to") or UNDATED)
    return days if UNDATED not in days else None


def invalidate(data_hash: str, why: str) -> list[Experiment]:
    """Record that data were wrong and return the experiments that descend from them.

    The hash, or at least eight digits of it, is that of any dependency or output in a dvc.lock; one that no experiment,
    no look and not the last commit of the branch was made from is refused, as is an empty reason.
    """
    if not why.strip():
        raise Refusal("an invalidation needs a reason; say with --why what was wrong with the data.")
    experiments = [each for each in all_experiments() if each.finished]
    looked = [line["rev"] for line in sync(experiments) if line["kind"] == "look"]
    revs = [*(each.rev for each in experiments), *looked, repository.commit("HEAD") or ""]
    whole = locks.complete(data_hash, locks.of(revs).values())
    with journal.writing() as held:
        journal.append(journal.together(held, [{"kind": "invalidation", "hash": whole, "why": why.strip()}]), held)
    marked = invalidations(experiments)
    return [each for each in experiments if each.rev in marked]


def invalidated(rev: str, task: str | None = None) -> str | None:
    """Return why a commit's results are void, or None: some data that they were made from were invalidated."""
    reasons = _reasons(lines())
    return _why(locks.of([rev])[rev], [task] if task else None, reasons) if reasons else None


def invalidations(experiments: Iterable[Experiment], known: Iterable[Line] | None = None) -> dict[str, dict[str, str]]:
    """Return by commit and task why results are void, of experiments and of what the ledger has looked at."""
    told = lines() if known is None else list(known)
    reasons = _reasons(told)
    if not reasons:
        return {}
    asked = {(each.rev, task): None for each in experiments for task in each.tasks}
    asked |= {(line["rev"], line["task"]): None for line in told if line["kind"] == "look"}
    held = locks.of(rev for rev, _ in asked)
    found: dict[str, dict[str, str]] = {}
    for rev, task in asked:
        if why := _why(held[rev], [task], reasons):
            found.setdefault(rev, {})[task] = why
    return found


def _at_root() -> None:
    if not Path(PARAMS).exists():
        raise Refusal(f"{PARAMS} is not in this folder; run from the root of the repository.")


def _prediction(line: Line) -> str:
    return line["predictions"] or json.dumps(line["metrics"], sort_keys=True)


def _together(held: Sequence[Line]) -> list[Line]:
    committed_lines = journal.parse(repository.read("HEAD", str(journal.FILE)) or b"", f"{journal.FILE} of HEAD")
    return journal.together(held, committed_lines, journal.backup())


def _reasons(known: Iterable[Line]) -> dict[str, str]:
    return {line["hash"]: line["why"] for line in known if line["kind"] == "invalidation"}


def _why(lock: Mapping[str, Any], tasks: Iterable[str] | None, reasons: Mapping[str, str]) -> str | None:
    hashes = locks.hashes(lock, tasks)
    return next((why for hash_, why in reasons.items() if hash_ in hashes), None)
