"""Model tags in GTO's form: which version of a task's model is assigned to which stage, now and in the past.

A tag is an event: `props-model@v1.2.0` registers a commit as a version, `props-model#prod#3` assigns it to a stage,
`props-model#prod!#4` removes it. Of the versions in a stage, the one assigned last is current.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from trueline.core.errors import UserError
from trueline.experiments.store import git

MODEL_SUFFIX = "-model"  # ends the name of a task's artifact
ARCHIVED = "archived"  # the stage of models that are kept but not to be used
FIRST_VERSION = (1, 0, 0)
MAX_STAGE_CHARS = 60  # characters of a rejected stage that an error message shows
TAG_PATTERN = re.compile(
    r"(?P<task>[a-z0-9_-]+)-model(?:@v(?P<version>\d+\.\d+\.\d+)|#(?P<stage>[a-z0-9_-]+?)(?P<out>!)?#(?P<count>\d+))"
)
STAGE_PATTERN = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?")  # what TAG_PATTERN reads back and GTO accepts
EXPERIMENT_PATTERN = re.compile(r"^Experiment: (.+)$", re.MULTILINE)
FORCED_PATTERN = re.compile(r"^Forced: (.+)$", re.MULTILINE)

Version = tuple[int, int, int]


@dataclass(frozen=True)
class TagEvent:
    """One tag: a version was registered (no stage), or a commit was assigned to a stage or removed from it."""

    task: str
    rev: str
    tagged_at: datetime
    tagger: str
    message: str
    tag: str
    version: Version | None = None
    stage: str | None = None
    is_removal: bool = False

    @property
    def experiment(self) -> str | None:
        """The name of the experiment when the tag was made, if the message has one."""
        name_match = EXPERIMENT_PATTERN.search(self.message)
        return name_match[1] if name_match else None

    @property
    def forced(self) -> str | None:
        """The reason for overriding gates that stopped it, if they were overridden."""
        reason_match = FORCED_PATTERN.search(self.message)
        return reason_match[1] if reason_match else None


@dataclass(frozen=True)
class StagePeriod:
    """A period in which one commit was current in a stage; `until` is None if it still is."""

    event: TagEvent  # the assignment
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


def read_events() -> list[TagEvent]:
    """Return the events that tags record, oldest first.

    Tags of other forms are skipped, and so are lightweight ones, as in GTO.
    """
    tag_format = "%(refname:strip=2)%00%(*objectname)%00%(creatordate:unix)%00%(taggername)%00%(contents)%00%01"
    output = git.run_git("for-each-ref", f"--format={tag_format}", "refs/tags").decode(errors="replace")
    entries = (entry.lstrip("\n").split("\0") for entry in output.split("\0\x01"))
    matches = [(match, entry) for entry in entries if (match := TAG_PATTERN.fullmatch(entry[0])) and entry[1]]
    # tags made in the same second are ordered by their numbers
    matches.sort(key=lambda match_and_entry: (int(match_and_entry[1][2]), int(match_and_entry[0]["count"] or 0)))
    return [_build_event(match, *entry) for match, entry in matches]


def get_versions(events: Sequence[TagEvent], task: str) -> dict[str, Version]:
    """Return the registered versions of a task by commit."""
    return {event.rev: event.version for event in events if event.task == task and event.version}


def get_next_version(events: Sequence[TagEvent], task: str) -> Version:
    """Return the next minor version of a task, or the first version."""
    registered = get_versions(events, task).values()
    major, minor, _ = max(registered, default=(0, 0, 0))
    return (major, minor + 1, 0) if registered else FIRST_VERSION


def list_assigned_commits(events: Iterable[TagEvent], task: str, stage: str) -> list[TagEvent]:
    """Return the assignments of the commits in a stage, the current one last."""
    assigned: dict[str, TagEvent] = {}
    for event in events:
        if (event.task, event.stage) == (task, stage):
            assigned.pop(event.rev, None)
            if not event.is_removal:
                assigned[event.rev] = event
    return list(assigned.values())


def list_stage_periods(events: Sequence[TagEvent], task: str, stage: str) -> list[StagePeriod]:
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


def list_stages(events: Iterable[TagEvent], task: str) -> list[str]:
    """Return the stages in which a model of the task ever was."""
    return sorted({event.stage for event in events if event.task == task and event.stage})


def list_tagged_tasks(events: Iterable[TagEvent]) -> list[str]:
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


def _build_event(match: re.Match[str], name: str, rev: str, seconds: str, tagger: str, message: str) -> TagEvent:
    tagged_at = datetime.fromtimestamp(int(seconds), UTC)
    version = parse_version(match["version"]) if match["version"] else None
    return TagEvent(
        match["task"], rev, tagged_at, tagger, message.strip(), name, version, match["stage"], bool(match["out"])
    )


def parse_version(text: str) -> Version:
    """Return the version that a text such as v1.2.0 or 1.2.0 names; raises UserError for any other form."""
    if not (match := re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+)", text)):
        raise UserError(f"{text!r} is not a version; give three whole numbers, as in v1.2.0.")
    major, minor, patch = map(int, match.groups())
    return major, minor, patch
