"""Promotion: an experiment's model enters a stage if every gate passes, recorded by tags in GTO's form.

`props-model@v1.2.0` and `props-model#prod#3` point at the experiment's own commit, so `dvc artifacts get`, `gto` and
`git log` understand them; pushing the tags shares them. The tag's message holds the answers of the gates.
"""

import shlex
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

from trueline.core.errors import UserError
from trueline.core.model_tags import Tag, Version, parse_version
from trueline.experiments.decisions.gates import Gate
from trueline.experiments.store import git, workspace_tags
from trueline.experiments.store.experiment import Experiment
from trueline.experiments.store.workspace_tags import ARCHIVED, format_version, get_artifact_name, list_assigned_commits

REPOSITORY = "."
PROD = "prod"
MAX_CLOCK_SKEW_SECONDS = 5.0  # how far a tag may be ahead of this clock; beyond that the clock must be wrong


@dataclass(frozen=True)
class PromotionOutcome:
    """The result of a promotion: the answers of the gates, and the tags that were made, if any."""

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
        """Whether the model was put into the stage."""
        return bool(self.tags)

    @property
    def stopped(self) -> list[str]:
        """The names of the gates that stopped it."""
        return [gate.name for gate in self.gates if not gate.passed]


def promote_experiment(
    experiment: Experiment,
    stage: str = PROD,
    force: str | None = None,
    *,
    task: str | None = None,
    version: str | None = None,
    claims: Sequence[str] = (),
    accept_doubt: bool = False,
    dry_run: bool = False,
    listed: Sequence[Experiment] | None = None,
) -> PromotionOutcome:
    """Put an experiment's model of a task into a stage; if a gate stops it, nothing is tagged unless forced.

    `force` is the reason for overriding gates; it is kept in the tag's message. The version is the next minor one
    unless given; a commit keeps the version it was registered as. With `accept_doubt` the scores may be doubtful, but
    not unbelievable. `dry_run` runs the gates only. Sealed days are opened if no other gate stops it or if it is
    forced, and never by a dry run. `listed` are all experiments, for a caller that has them already. Raises UserError
    for an experiment without results or already current in the stage, a version that another commit has, and a stage
    that no tag can name.
    """
    # imports DVC and pandas, which the other functions do not need
    from trueline.experiments.decisions import run_gates
    from trueline.experiments.ledger import ledger

    workspace_tags.require_stage_name(stage)
    task, events = _resolve_task(experiment, task, experiment.scores), workspace_tags.read_events()
    if stage == ARCHIVED:
        raise UserError(f"{ARCHIVED!r} is the stage that `archive` uses; promote into another, such as {PROD!r}.")
    current = next(reversed(list_assigned_commits(events, task, stage)), None)
    if current and current.rev == experiment.rev:
        registered = format_version(workspace_tags.get_versions(events, task).get(current.rev))
        raise UserError(f"{experiment.name} is in {stage} already, as {get_artifact_name(task)}@{registered}.")
    version_number = _resolve_version(events, task, experiment.rev, version)
    finished = None if listed is None else [other for other in listed if other.is_finished]
    ledger_lines = ledger.observe_evaluations(finished) if dry_run else ledger.update_ledger(finished)
    gates = run_gates.evaluate_gates(experiment, task, current, ledger_lines, claims, accept_doubt)
    is_opening = not dry_run and (force is not None or all(gate.passed for gate in gates))
    gates += run_gates.evaluate_sealed_gate(experiment, task, current, is_opening)
    forced_reason = force if any(not gate.passed for gate in gates) else None
    outcome = PromotionOutcome(
        task,
        experiment.display_name,
        experiment.rev,
        stage,
        format_version(version_number),
        tuple(gates),
        (),
        forced_reason,
    )
    if dry_run or (outcome.stopped and force is None):
        return outcome
    message = _format_tag_message(
        f"{get_artifact_name(task)} {format_version(version_number)} into {stage}",
        experiment.display_name,
        forced_reason,
        gates,
    )
    tags = tuple(_register_and_assign(events, task, experiment.rev, stage, version_number, message))
    return replace(outcome, tags=tags)


def demote_experiment(
    experiment: Experiment, stage: str = PROD, *, task: str | None = None, why: str | None = None
) -> list[str]:
    """Take an experiment out of the stage in which it is current and return the tags; the stage is then empty.

    Earlier models of the stage are taken out as well, so that none becomes current again by itself. `dvc artifacts get
    --stage` of DVC 3.67 ignores these tags and keeps delivering the last one put in; it does understand those of
    `rollback_stage`.
    """
    workspace_tags.require_stage_name(stage)
    task, events = _resolve_task(experiment, task, experiment.scores or experiment.tasks), workspace_tags.read_events()
    assigned = list_assigned_commits(events, task, stage)
    if not assigned or assigned[-1].rev != experiment.rev:
        raise UserError(f"{experiment.name} is not in {stage} of {task}; {_describe_current(events, task, stage)}.")
    title = f"{get_artifact_name(task)} out of {stage}"
    message = _format_tag_message(title, experiment.display_name, None, (), why)
    with _delete_tags_on_failure() as new_tags:
        for event in assigned:
            new_tags.append(_remove_from_stage(events, event, message))
    return new_tags


def archive_experiment(experiment: Experiment, *, task: str | None = None, why: str | None = None) -> list[str]:
    """Mark an experiment as kept but not to be used, and return the tags.

    Raises UserError if it is current in a stage, or archived already. If it was current earlier, no tag removes it from
    that stage: readers that look only at the last tag would be misled, and `rollback_stage` skips archived ones anyway.
    """
    task, events = _resolve_task(experiment, task, experiment.scores or experiment.tasks), workspace_tags.read_events()
    current_revs = {
        stage: assigned[-1].rev
        for stage in workspace_tags.list_stages(events, task)
        if (assigned := list_assigned_commits(events, task, stage))
    }
    serving_stages = [stage for stage, rev in current_revs.items() if rev == experiment.rev and stage != ARCHIVED]
    if serving_stages:
        raise UserError(f"{experiment.name} is in {serving_stages[0]} of {task}; demote it or roll back first.")
    if experiment.rev in {event.rev for event in list_assigned_commits(events, task, ARCHIVED)}:
        raise UserError(f"{experiment.name} is archived already.")
    message = _format_tag_message(f"{get_artifact_name(task)} archived", experiment.display_name, None, (), why)
    return [_assign_to_stage(events, task, experiment.rev, ARCHIVED, message)]


def rollback_stage(task: str, stage: str = PROD, why: str | None = None) -> tuple[Tag, list[str]]:
    """Restore the previous model of a stage and return its tag event and the new tags.

    Skipped are models that were removed or archived since, or made from data declared invalid. A second rollback goes
    one further back. Raises UserError if the stage has no earlier model to restore.
    """
    from trueline.experiments.ledger import ledger  # only a rollback needs it

    workspace_tags.require_stage_name(stage)
    events, ledger_lines = workspace_tags.read_events(), ledger.read_all_lines()
    assigned = list_assigned_commits(events, task, stage)
    archived_revs = {event.rev for event in list_assigned_commits(events, task, ARCHIVED)}
    unarchived = (event for event in reversed(assigned[:-1]) if event.rev not in archived_revs)
    restored = next(
        (event for event in unarchived if ledger.find_invalidation_reason(event.rev, task, ledger_lines) is None), None
    )
    if restored is None:
        raise UserError(f"{stage} of {task} has no earlier model to restore; {_describe_current(events, task, stage)}.")
    message = _format_tag_message(
        f"{get_artifact_name(task)} back in {stage}", restored.experiment or restored.rev[:7], None, (), why
    )
    with _delete_tags_on_failure() as new_tags:
        for event in assigned[assigned.index(restored) + 1 :]:
            new_tags.append(_remove_from_stage(events, event, message))
        new_tags.append(_assign_to_stage(workspace_tags.read_events(), task, restored.rev, stage, message))
    return restored, new_tags


def push_tags(tag_names: Sequence[str], remote: str = "origin") -> None:
    """Push new tags, all or none; if others have pushed tags of these names first, delete these and fetch theirs.

    Raises UserError if the tags were not pushed. They stay only if the remote could not be reached.
    """
    reason = git.find_failure("push", "--atomic", "--quiet", remote, *(f"refs/tags/{tag}" for tag in tag_names))
    if reason is None:
        return
    published_names = [
        tag for tag in tag_names if git.find_failure("ls-remote", "--exit-code", remote, f"refs/tags/{tag}") is None
    ]
    if not published_names:
        raise UserError(
            f"{remote} did not take the tags ({reason}), which stay here: {', '.join(tag_names)}; push them later."
        )
    for tag in tag_names:
        git.run_git("tag", "--delete", tag)
    git.run_git("fetch", "--quiet", "--tags", remote)
    raise UserError(
        f"someone else has changed the stage and pushed {published_names[0]} first; their tags are here now and yours "
        f"are not, so run it again to be judged against what is current now."
    )


def format_push_hint(tag_names: Sequence[str]) -> str:
    """Return the command that shares tags, quoted because `!` is special to shells."""
    return f"Share it: git push origin {' '.join(map(shlex.quote, tag_names))}"


def _resolve_task(experiment: Experiment, task: str | None, candidates: Collection[str]) -> str:
    known_tasks, why = sorted(candidates), f" ({experiment.error})" if experiment.error else ""
    if not experiment.is_finished or not known_tasks:
        raise UserError(
            f"{experiment.name} has no results ({experiment.status}); name an experiment that was evaluated."
        )
    if task is None and len(known_tasks) > 1:
        raise UserError(f"{experiment.name} has results of {', '.join(known_tasks)}; choose one with --task.")
    if task is not None and task not in known_tasks:
        raise UserError(f"{experiment.name} has no results of {task!r}, only of {', '.join(known_tasks)}{why}.")
    return task or known_tasks[0]


def _resolve_version(events: Sequence[Tag], task: str, rev: str, requested: str | None) -> Version:
    registered = workspace_tags.get_versions(events, task)
    version = (
        parse_version(requested) if requested else registered.get(rev) or workspace_tags.get_next_version(events, task)
    )
    if rev in registered and registered[rev] != version:
        raise UserError(
            f"this commit is registered as {format_version(registered[rev])} already, and can have only one version; "
            f"leave out --version."
        )
    owner = next(
        (
            registered_rev
            for registered_rev, registered_version in registered.items()
            if registered_version == version and registered_rev != rev
        ),
        None,
    )
    if owner:
        raise UserError(
            f"{get_artifact_name(task)}@{format_version(version)} is commit {owner[:7]}; "
            f"give another version, or leave out --version."
        )
    return version


def _format_tag_message(
    title: str, name: str, forced: str | None, gates: Sequence[Gate], why: str | None = None
) -> str:
    """Return the message of a tag; its lines "Experiment: …" and "Forced: …" are read back by core/model_tags.py."""
    lines = [f"{title}: {name}", "", *map(str, gates), *([""] if gates else []), f"Experiment: {name}"]
    lines += [f"Forced: {' '.join(forced.split())}"] if forced else []
    lines += [f"Why: {' '.join(why.split())}"] if why else []
    return "\n".join(lines)


def _register_and_assign(
    events: Sequence[Tag], task: str, rev: str, stage: str, version: Version, message: str
) -> list[str]:
    """Register a commit if it has no version, take it out of the archive, and assign it to a stage."""
    with _delete_tags_on_failure() as new_tags:
        if rev not in workspace_tags.get_versions(events, task):
            name, version_text = get_artifact_name(task), format_version(version)
            new_tags.append(_create_tag("register", name, rev, message, version=version_text))
        for event in list_assigned_commits(events, task, ARCHIVED):
            if event.rev == rev:
                new_tags.append(_remove_from_stage(events, event, message))
        new_tags.append(_assign_to_stage(events, task, rev, stage, message))
    return new_tags


@contextmanager
def _delete_tags_on_failure() -> Iterator[list[str]]:
    """Yield a list for the tags that the block makes; if the block raises, the tags in it are deleted."""
    new_tags: list[str] = []
    try:
        yield new_tags
    except BaseException:
        for tag in new_tags:
            git.run_git("tag", "--delete", tag)
        raise


def _assign_to_stage(events: Sequence[Tag], task: str, rev: str, stage: str, message: str) -> str:
    _wait_for_next_second(events, task)
    return _create_tag("assign", get_artifact_name(task), rev, message, stage=stage)


def _remove_from_stage(events: Sequence[Tag], event: Tag, message: str) -> str:
    _wait_for_next_second(events, event.task)
    return _create_tag("unassign", get_artifact_name(event.task), event.rev, message, stage=event.stage)


def _wait_for_next_second(events: Sequence[Tag], task: str) -> None:
    """Wait for a later second than the newest tag's: git dates tags by the second, and their order matters."""
    newest = max((event.tagged_at.timestamp() for event in events if event.task == task), default=0.0)
    if newest - time.time() > MAX_CLOCK_SKEW_SECONDS:
        raise UserError(
            f"the newest tag of {get_artifact_name(task)} is {newest - time.time():.0f} s ahead; set the clock."
        )
    while time.time() < newest + 1:
        time.sleep(0.05)


def _create_tag(
    action: str, model: str, rev: str, message: str, *, version: str | None = None, stage: str | None = None
) -> str:
    """Make the tag of one of GTO's actions on a commit, and return its name.

    `gto.api` does it too, but reads the files of every tagged commit first, twice: each promotion would take longer
    than the last.
    """
    from gto import tag as gto_tag  # takes a third of a second to import, and only tagging needs it
    from gto.constants import Action
    from gto.exceptions import GTOException
    from scmrepo.exceptions import SCMError
    from scmrepo.git import Git

    try:
        with closing(Git(REPOSITORY)) as repository:
            is_numbered = stage is not None
            name = str(gto_tag.name_tag(Action(action), model, version, stage, repository, simple=not is_numbered))
            gto_tag.parse_name(name)  # raises an error for a name that GTO could not read
            gto_tag.create_tag(repository, name, rev, message)
    except (GTOException, SCMError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise UserError(f"no tag was made: {reason}; run it again if the stage was just changed.") from None
    return name


def _describe_current(events: Sequence[Tag], task: str, stage: str) -> str:
    assigned = list_assigned_commits(events, task, stage)
    return f"{assigned[-1].experiment or assigned[-1].rev[:7]} is current" if assigned else "it is empty"
