"""Model tags of the workspace's repository: which version of a task's model is or was assigned to which stage."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from trueline.core.errors import UserError
from trueline.core.model_tags import GIT_LIST_TAGS, MODEL_SUFFIX, Tag, Version, list_assigned, parse_tags
from trueline.experiments.store import git

ARCHIVED = "archived"  # the stage of models that are kept but not to be used
FIRST_VERSION = (1, 0, 0)
MAX_STAGE_CHARS = 60  # characters of a rejected stage that an error message shows
STAGE_PATTERN = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?")  # what GTO accepts
READ_PATTERN = re.compile(rf"[a-z0-9_-]+{MODEL_SUFFIX}(@[^#@]+|#[a-z0-9_-]+!?#\d+)")  # tags of tasks and stages


@dataclass(frozen=True)
class StagePeriod:
    """A period in which one commit was current in a stage; `until` is None if it still is."""

    event: Tag  # the assignment
    version: Version | None
    since: datetime
    until: datetime | None

    def overlaps_span(self, start: datetime, end: datetime) -> bool:
        """Return whether it was current at some moment from `start` (included) to `end` (excluded)."""
        return self.since < end and (self.until is None or self.until > start)


def require_stage_name(stage: str) -> None:
    """Raise UserError for a stage whose tags could not be read back."""
    if not STAGE_PATTERN.fullmatch(stage):
        raise UserError(
            f"{stage[:MAX_STAGE_CHARS]!r} cannot be a stage; use lowercase letters and digits, "
            f"with - or _ between them, as in eu-prod."
        )


def get_artifact_name(task: str) -> str:
    """Return the name under which a task's model is registered."""
    return task + MODEL_SUFFIX


def format_version(version: Version | None) -> str:
    """Return a version as tags write it."""
    return "unregistered" if version is None else "v" + ".".join(map(str, version))


def read_events() -> list[Tag]:
    """Return the tags of models, oldest first; tags of other forms and lightweight ones are skipped."""
    return [tag for tag in parse_tags(git.run_git(*GIT_LIST_TAGS)) if tag.model and READ_PATTERN.fullmatch(tag.name)]


def get_versions(events: Sequence[Tag], task: str) -> dict[str, Version]:
    """Return the registered versions of a task by commit."""
    return {event.rev: event.version for event in events if event.task == task and event.version}


def get_next_version(events: Sequence[Tag], task: str) -> Version:
    """Return the next minor version of a task, or the first version."""
    registered = get_versions(events, task).values()
    major, minor, _ = max(registered, default=(0, 0, 0))
    return (major, minor + 1, 0) if registered else FIRST_VERSION


def list_assigned_commits(events: Iterable[Tag], task: str, stage: str) -> list[Tag]:
    """Return the assignments of the commits in a stage, the current one last."""
    return list_assigned(events, get_artifact_name(task), stage)


def list_stage_periods(events: Sequence[Tag], task: str, stage: str) -> list[StagePeriod]:
    """Return the periods of a stage, one per current commit, oldest first."""
    stage_events = [event for event in events if (event.task, event.stage) == (task, stage)]
    registered = get_versions(events, task)
    stage_periods: list[StagePeriod] = []
    for event_count, event in enumerate(stage_events, start=1):
        current = next(reversed(list_assigned_commits(stage_events[:event_count], task, stage)), None)
        open_period = stage_periods[-1] if stage_periods and stage_periods[-1].until is None else None
        if open_period and current and open_period.event.rev == current.rev:
            continue
        if open_period:
            stage_periods[-1] = replace(open_period, until=event.tagged_at)
        if current:
            stage_periods.append(StagePeriod(current, registered.get(current.rev), event.tagged_at, None))
    return stage_periods


def list_stages(events: Iterable[Tag], task: str) -> list[str]:
    """Return the stages in which a model of the task ever was."""
    return sorted({event.stage for event in events if event.task == task and event.stage})


def list_tagged_tasks(events: Iterable[Tag]) -> list[str]:
    """Return the tasks that have tags."""
    return sorted({event.task for event in events})


def get_current_assignments() -> dict[str, Literal["promoted", "archived"]]:
    """Return by commit whether it is current in a stage of some task ("promoted") or archived."""
    events = read_events()
    statuses: dict[str, Literal["promoted", "archived"]] = {}
    for task in list_tagged_tasks(events):
        for event in list_assigned_commits(events, task, ARCHIVED):
            statuses[event.rev] = "archived"
    for task in list_tagged_tasks(events):
        for stage in list_stages(events, task):
            if stage != ARCHIVED and (assigned := list_assigned_commits(events, task, stage)):
                statuses[assigned[-1].rev] = "promoted"
    return statuses
