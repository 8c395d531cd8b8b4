"""Records: every experiment of all baselines, as its commit, DVC's queue and the tags tell it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from core.refusals import Refusal, suggest
from experiments import differences, locks, parsed, repository, tags
from experiments.experiment import Experiment, Status
from experiments.parsed import PARAMS, REPORT, SCORES

QUEUE = Path(".dvc/tmp/exps")  # where DVC's queue lives; without it nothing was ever queued here
SHORTEST = 4  # digits by which a commit may be named


def all_experiments() -> list[Experiment]:
    """Return every experiment, newest first; one that has no result yet, or failed, has no scores.

    A failed one is left out once a newer one of its name has a result.
    """
    done = _completed(repository.refs())
    newest = {each.name: each.created for each in sorted(done, key=lambda each: each.created)}
    queued = [each for each in _queued() if each.status != "failed" or _later(each, newest)]
    return sorted([*done, *queued], key=lambda each: (each.created.timestamp(), each.name), reverse=True)


def committed(word: str) -> Experiment:
    """Return what a git revision holds as an experiment about all tasks, under the name that it was asked by.

    It has no scores of tasks whose dvc.lock is of other parameters, code or metrics than the revision's.
    """
    rev = repository.commit(word)
    if rev is None:
        raise Refusal(f"{word!r} is neither an experiment nor a git revision; {_known(word)}")
    when = datetime.fromisoformat(repository.git("show", "-s", "--format=%cI", rev).decode().strip())
    return _own(_of_commits([repository.Ref(word, rev, rev, when)]))[0]


def of_commits(refs: Sequence[repository.Ref]) -> list[Experiment]:
    """Return commits that are no experiments of DVC's as if they were, each about all tasks.

    Scores that were made or edited by hand are left out; those of other parameters or code were looked at all the same.
    """
    return _own(_of_commits(refs), by_hand=True)


def _of_commits(refs: Sequence[repository.Ref]) -> list[Experiment]:
    standing = _standing() if refs else {}
    held = parsed.files((ref.rev, PARAMS) for ref in refs)
    params = {ref.rev: held[ref.rev, PARAMS] or {} for ref in refs}
    return _with_results(
        [
            _experiment(
                ref, standing.get(ref.rev, "completed"), params[ref.rev], tuple(params[ref.rev].get("tasks") or {})
            )
            for ref in refs
        ]
    )


def find(word: str, among: Sequence[Experiment] | None = None, *, stale: bool = False) -> Experiment:
    """Return the experiment of a name, or of a commit or the start of one; failing that, a git revision.

    Of several with that name the one with a result is meant; if several have one, they must be named by commit. Refuses
    a revision all of whose results are of other parameters, code or metrics than its own, but for `stale`.
    """
    experiments = all_experiments() if among is None else among
    named = [each for each in experiments if each.name == word]
    if len(word) >= SHORTEST:
        named = named or [each for each in experiments if each.rev.startswith(word)]
    named = [each for each in named if each.finished] or named[:1]
    if len({each.rev for each in named}) > 1:
        revs = ", ".join(each.rev[:7] for each in named)
        raise Refusal(f"{word!r} is the name of several experiments ({revs}); name one by its commit.")
    if named:
        return named[0]
    return committed(word) if stale else _sound(committed(word))


def _completed(refs: Sequence[repository.Ref]) -> list[Experiment]:
    standing = _standing() if refs else {}
    params = parsed.files((rev, PARAMS) for ref in refs for rev in (ref.rev, ref.baseline))
    found = []
    for ref in refs:
        own, before = params[ref.rev, PARAMS] or {}, params[ref.baseline, PARAMS] or {}
        found.append(_experiment(ref, standing.get(ref.rev, "completed"), own, differences.tasks(own, before)))
    return _own(_with_results(found))


def _own(experiments: list[Experiment], by_hand: bool = False) -> list[Experiment]:
    """Return experiments without scores that are not theirs; `by_hand` leaves out only what DVC did not make."""
    doubts = _doubts(experiments)
    found = []
    for each in experiments:
        why = {task: said for task, said in doubts[each.rev].items() if task in each.scores}
        why = {task: said for task, said in why.items() if not by_hand or said.startswith((_MADE, _EDITED))}
        found.append(_without(each, why) if why else each)
    return found


def _doubts(experiments: Sequence[Experiment]) -> dict[str, dict[str, str]]:
    """Return by commit and task why the scores of a task are not those of the commit's parameters and code."""
    known = {each.rev: parsed.recall(_DOUBTS.format(each.rev)) for each in experiments}
    fresh = [each for each in experiments if known[each.rev] is None]
    held = locks.of(each.rev for each in fresh)
    asked = [(each.rev, path) for each in fresh for task in _plan(each) for path in locks.files(held[each.rev], task)]
    own: dict[str, dict[str, str]] = {each.rev: {} for each in fresh}
    for (rev, path), md5 in (parsed.md5s(asked) if asked else {}).items():
        own[rev][path] = md5
    for each in fresh:
        lock, files = held[each.rev], own[each.rev]
        why = {task: said for task in _plan(each) if (said := _doubt(lock, each.params, task, files))}
        known[each.rev] = parsed.remember(_DOUBTS.format(each.rev), why)
    return known


def _doubt(lock: locks.Lock, params: Mapping[str, Any], task: str, held: Mapping[str, str]) -> str | None:
    if not locks.knows(lock, task):
        return f"{_MADE} dvc.lock names nothing of it"
    if path := locks.edited(lock, task, held):
        return f"{_EDITED} {path} is not the one that dvc.lock names"
    if not locks.whole(lock, params, task):
        return "not run up to evaluate with its parameters"
    path = locks.recoded(lock, task, held)
    return f"not run with its {path}" if path else None


def _plan(each: Experiment) -> tuple[str, ...]:
    return tuple(each.params.get("tasks") or ())


def _without(each: Experiment, why: Mapping[str, str]) -> Experiment:
    parts = {part: getattr(each, part) for part in ("scores", "scored", "intervals")}
    kept = {part: {task: found for task, found in held.items() if task not in why} for part, held in parts.items()}
    said = (
        f"{' '.join(task for task in why if why[task] == reason)}: {reason}" for reason in dict.fromkeys(why.values())
    )
    return replace(each.with_results(**kept), error="; ".join(said))


def _sound(each: Experiment) -> Experiment:
    if each.error and not each.scores:
        raise Refusal(f"dvc.lock of {each.name} is not of its commit ({each.error}); run `dvc repro` and commit.")
    return each


def _queued() -> list[Experiment]:
    """Return what waits, runs or failed in DVC's queue; parameters are those of the queue entry."""
    if not QUEUE.exists():
        return []
    from experiments import queue  # DVC's queue takes half a second to import, and most repositories have none

    tasks = [task for task in queue.tasks() if task.status != "completed"]
    params = parsed.files((rev, PARAMS) for task in tasks for rev in (task.rev, f"{task.rev}^"))
    found = []
    for task in tasks:
        own, before = params[task.rev, PARAMS] or {}, params[f"{task.rev}^", PARAMS] or {}
        ref = repository.Ref(task.name, task.rev, repository.commit(f"{task.rev}^") or "", task.created)
        found.append(_experiment(ref, task.status, own, differences.tasks(own, before), task.error))
    return found


def _experiment(
    ref: repository.Ref, status: Status, params: dict[str, Any], tasks: tuple[str, ...], error: str | None = None
) -> Experiment:
    said = params.get("experiment") or {}
    kind, hypothesis, parent = (None if said.get(key) is None else str(said[key]) for key in _SAID)
    return Experiment(
        name=ref.name,
        rev=ref.rev,
        baseline=ref.baseline,
        status=status,
        created=ref.created,
        tasks=tasks,
        type=kind,
        hypothesis=hypothesis,
        parent=parent,
        tags=tuple(map(str, said.get("tags") or ())),
        error=error,
        scores={},
        scored={},
        params=params,
    )


def _with_results(experiments: list[Experiment]) -> list[Experiment]:
    """Return experiments with the scores of the tasks that they are about, and the intervals and rows behind them."""
    asked = [(each.rev, form.format(task=task)) for each in experiments for task in each.tasks for form in _RESULTS]
    held = parsed.files(asked)

    def by_task(each: Experiment, form: str, part: Callable[[Any, str], Any]) -> dict[str, Any]:
        files = {task: held[each.rev, form.format(task=task)] for task in each.tasks}
        return {task: found for task, file in files.items() if file and (found := part(file, task))}

    return [
        each.with_results(
            scores=by_task(each, SCORES, lambda file, task: file.get(task)),
            scored=by_task(each, REPORT, lambda file, _: file.get("scored")),
            intervals=by_task(each, REPORT, lambda file, _: file.get("intervals")),
        )
        for each in experiments
    ]


_DOUBTS = "doubts/{}.json"  # remembers by commit why the scores of which tasks are not its own
_MADE, _EDITED = "made by hand,", "edited by hand,"
_RESULTS = (SCORES, REPORT)
_SAID = ("type", "hypothesis", "parent")


def _standing() -> Mapping[str, Status]:
    """Return what was promoted or archived, by commit; without tags of GTO's form nothing was."""
    if not any("@" in tag or "#" in tag for tag in repository.tags()):
        return {}
    return cast(Mapping[str, Status], tags.standing())


def _later(each: Experiment, newest: Mapping[str, datetime]) -> bool:
    return each.name not in newest or each.created > newest[each.name]


def _known(word: str) -> str:
    names: Iterable[str] = {ref.name for ref in repository.refs()}
    near = suggest(word, names).partition("Allowed:")[0]
    return f"{near}`python -m experiments list` names them."
