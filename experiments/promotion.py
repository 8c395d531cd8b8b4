"""Promotion: an experiment's model is put into a stage if every gate lets it pass, and tags of GTO's form say so.

`props-model@v1.2.0` and `props-model#prod#3` stand on the experiment's own commit, so `dvc artifacts get`, `gto` and
`git log` read them; whoever pushes the tags shares them. The tag's message holds what the gates said.
"""

import shlex
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from core.refusals import Refusal
from experiments import repository, tags
from experiments.experiment import Experiment
from experiments.gates import Gate
from experiments.tags import ARCHIVED, Event, Version, artifact, inside, word

REPOSITORY = "."
PROD = "prod"
SKEW = 5.0  # seconds that a tag may lie ahead of this clock before the clock is to be set


@dataclass(frozen=True)
class Outcome:
    """What came of it: the gates' answers, and the tags that were made, if any."""

    task: str
    experiment: str
    rev: str
    stage: str
    version: str
    gates: tuple[Gate, ...]
    tags: tuple[str, ...]
    forced: str | None = None

    @property
    def promoted(self) -> bool:
        """Whether it stands there now."""
        return bool(self.tags)

    @property
    def stopped(self) -> list[str]:
        """The gates that stopped it."""
        return [gate.name for gate in self.gates if not gate.passed]


def promote(
    experiment: Experiment,
    stage: str = PROD,
    force: str | None = None,
    *,
    task: str | None = None,
    version: str | None = None,
    claims: Sequence[str] = (),
    dry: bool = False,
) -> Outcome:
    """Put an experiment's model of a task into a stage; where a gate stops it, nothing is tagged unless forced.

    `force` is why the gates are overridden; it is kept in the tag's message. The version is the next minor one unless
    given; a commit keeps the version it was registered as. `dry` only asks the gates. Refuses an experiment without
    results, one that stands there already, a version that another commit has, and a stage that no tag can name.
    """
    from experiments import judging  # brings DVC and pandas, and `list` asks this module only what stands

    tags.readable(stage)
    task, told = _task(experiment, task, experiment.scores), tags.events()
    if stage == ARCHIVED:
        raise Refusal(f"{ARCHIVED!r} is where `archive` puts things; promote into a stage that serves, as {PROD!r}.")
    top = next(reversed(inside(told, task, stage)), None)
    if top and top.rev == experiment.rev:
        registered = word(tags.versions(told, task).get(top.rev))
        raise Refusal(f"{experiment.name} stands in {stage} already, as {artifact(task)}@{registered}.")
    number = _version(told, task, experiment.rev, version)
    gates = judging.judge(experiment, task, top, claims)
    told_why = force if any(not gate.passed for gate in gates) else None
    outcome = Outcome(task, _name(experiment), experiment.rev, stage, word(number), tuple(gates), (), told_why)
    if dry or (outcome.stopped and force is None):
        return outcome
    message = _message(f"{artifact(task)} {word(number)} into {stage}", _name(experiment), told_why, gates)
    return replace(outcome, tags=tuple(_put(told, task, experiment.rev, stage, number, message)))


def demote(experiment: Experiment, stage: str = PROD, *, task: str | None = None, why: str | None = None) -> list[str]:
    """Take an experiment out of the stage it stands in and return the tags; nothing stands there afterwards.

    What stood before it is taken out as well, so that it does not come back unasked. `dvc artifacts get --stage` of
    DVC 3.67 does not look at these tags and goes on delivering the last one in; `rollback` is what it understands.
    """
    tags.readable(stage)
    task, told = _task(experiment, task, experiment.scores or experiment.tasks), tags.events()
    held = inside(told, task, stage)
    if not held or held[-1].rev != experiment.rev:
        raise Refusal(f"{experiment.name} does not stand in {stage} of {task}; {_stands(told, task, stage)}.")
    message = _message(f"{artifact(task)} out of {stage}", _name(experiment), None, (), why)
    with _all_or_none() as made:
        for each in held:
            made.append(_take(told, each, message))
    return made


def archive(experiment: Experiment, *, task: str | None = None, why: str | None = None) -> list[str]:
    """Mark an experiment as kept and not to be used, and return the tags; refuses what stands in a stage.

    Where it stood before what stands now, no tag takes it out: readers that look at the last tag alone would stumble,
    and `rollback` passes over it anyway.
    """
    task, told = _task(experiment, task, experiment.scores or experiment.tasks), tags.events()
    tops = {stage: held[-1].rev for stage in tags.stages(told, task) if (held := inside(told, task, stage))}
    serving = [stage for stage, rev in tops.items() if rev == experiment.rev and stage != ARCHIVED]
    if serving:
        raise Refusal(f"{experiment.name} stands in {serving[0]} of {task}; demote it or roll back first.")
    if experiment.rev in {each.rev for each in inside(told, task, ARCHIVED)}:
        raise Refusal(f"{experiment.name} is archived already.")
    message = _message(f"{artifact(task)} archived", _name(experiment), None, (), why)
    return [_assign(told, task, experiment.rev, ARCHIVED, message)]


def rollback(task: str, stage: str = PROD, why: str | None = None) -> tuple[Event, list[str]]:
    """Take out what stands in a stage, put back what stood before it, and return that and the tags.

    Passed over is whatever was taken out or archived since, or descends from data that was declared invalid. Asked
    again, it goes one further back. Refuses a stage in which nothing stood before.
    """
    from experiments import ledger  # reads the records, which ask this module what stands

    tags.readable(stage)
    told = tags.events()
    held = inside(told, task, stage)
    kept = {each.rev for each in inside(told, task, ARCHIVED)}
    fit = [each for each in held[:-1] if each.rev not in kept and ledger.invalidated(each.rev, task) is None]
    if not fit:
        raise Refusal(f"nothing fit to serve stood in {stage} of {task} before; {_stands(told, task, stage)}.")
    back = fit[-1]
    message = _message(f"{artifact(task)} back in {stage}", back.experiment or back.rev[:7], None, (), why)
    with _all_or_none() as made:
        for each in held[held.index(back) + 1 :]:
            made.append(_take(told, each, message))
        made.append(_assign(tags.events(), task, back.rev, stage, message))
    return back, made


def push(made: Sequence[str]) -> str:
    """Return how tags are shared; quoted, for `!` means something to a shell."""
    return f"Share it: git push origin {' '.join(map(shlex.quote, made))}"


def _task(experiment: Experiment, task: str | None, among: Collection[str]) -> str:
    known, why = sorted(among), f" ({experiment.error})" if experiment.error else ""
    if not experiment.finished or not known:
        raise Refusal(f"{experiment.name} has no results ({experiment.status}); only what was evaluated can be judged.")
    if task is None and len(known) > 1:
        raise Refusal(f"{experiment.name} has results of {', '.join(known)}; say which with --task.")
    if task is not None and task not in known:
        raise Refusal(f"{experiment.name} has no results of {task!r}, but of {', '.join(known)}{why}.")
    return task or known[0]


def _version(told: Sequence[Event], task: str, rev: str, asked: str | None) -> Version:
    known = tags.versions(told, task)
    number = tags.parsed(asked) if asked else known.get(rev) or tags.following(told, task)
    if rev in known and known[rev] != number:
        raise Refusal(f"this commit is registered as {word(known[rev])} already, and has one version; leave --version.")
    owner = next((each for each, taken in known.items() if taken == number and each != rev), None)
    if owner:
        raise Refusal(f"{artifact(task)}@{word(number)} is commit {owner[:7]}; give another version, or none.")
    return number


def _message(first: str, name: str, forced: str | None, gates: Sequence[Gate], why: str | None = None) -> str:
    """Return the message of a tag; lines that begin with a word and a colon are read back by tags.py."""
    lines = [f"{first}: {name}", "", *map(str, gates), *([""] if gates else []), f"Experiment: {name}"]
    lines += [f"Forced: {' '.join(forced.split())}"] if forced else []
    lines += [f"Why: {' '.join(why.split())}"] if why else []
    return "\n".join(lines)


def _put(told: Sequence[Event], task: str, rev: str, stage: str, number: Version, message: str) -> list[str]:
    """Register a commit unless it is, take it out of the archive, and put it into a stage."""
    with _all_or_none() as made:
        if rev not in tags.versions(told, task):
            made.append(_made("register", artifact(task), ref=rev, version=word(number), message=message))
        for each in inside(told, task, ARCHIVED):
            if each.rev == rev:
                made.append(_take(told, each, message))
        made.append(_assign(told, task, rev, stage, message))
    return made


@contextmanager
def _all_or_none() -> Iterator[list[str]]:
    """Yield a list for the tags that the block makes, and delete those on it should a later one fail."""
    made: list[str] = []
    try:
        yield made
    except BaseException:
        for tag in made:
            repository.git("tag", "--delete", tag)
        raise


def _assign(told: Sequence[Event], task: str, rev: str, stage: str, message: str) -> str:
    _wait(told, task)
    return _made("assign", artifact(task), stage=stage, ref=rev, message=message, force=True, skip_registration=True)


def _take(told: Sequence[Event], held: Event, message: str) -> str:
    _wait(told, held.task)
    return _made("unassign", artifact(held.task), stage=held.stage, ref=held.rev, message=message, force=True)


def _wait(told: Sequence[Event], task: str) -> None:
    """Wait until the clock shows a later second than the newest tag: git dates tags by the second, and order counts."""
    newest = max((each.at.timestamp() for each in told if each.task == task), default=0.0)
    if newest - time.time() > SKEW:
        raise Refusal(f"the newest tag of {artifact(task)} lies {newest - time.time():.0f} s ahead; set the clock.")
    while time.time() < newest + 1:
        time.sleep(0.05)


def _made(verb: str, name: str, **given: Any) -> str:
    from gto import api  # a second to import, and `list` asks this module only what stands
    from gto.exceptions import GTOException
    from scmrepo.exceptions import SCMError

    try:
        return str(getattr(api, verb)(REPOSITORY, name, **given).tag)
    except (GTOException, SCMError) as error:
        raise Refusal(f"no tag was made: {' '.join(str(error).split())}.") from None


def _name(experiment: Experiment) -> str:
    """Return the name to remember: a git revision is no experiment, and its word will soon mean another commit."""
    return experiment.rev[:7] if experiment.rev == experiment.baseline else experiment.name


def _stands(told: Sequence[Event], task: str, stage: str) -> str:
    held = inside(told, task, stage)
    return f"{held[-1].experiment or held[-1].rev[:7]} stands there" if held else "nothing stands there"
