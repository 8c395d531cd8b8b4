"""Tags: which version of a task's model stands in which stage, and stood there on a day, as GTO's tags tell it.

A tag is an event: `props-model@v1.2.0` registers a commit as a version, `props-model#prod#3` puts it into a stage,
`props-model#prod!#4` takes it out. Of the versions in a stage, the one put there last is the one that stands.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from core.refusals import Refusal
from experiments import repository

MODEL = "-model"  # closes the name of a task's artifact
ARCHIVED = "archived"  # the stage of what is kept and not to be used
FIRST = (1, 0, 0)
SHOWN = 60  # characters of a refused stage
TAG = re.compile(
    r"(?P<task>[a-z0-9_-]+)-model(?:@v(?P<version>\d+\.\d+\.\d+)|#(?P<stage>[a-z0-9_-]+?)(?P<out>!)?#(?P<count>\d+))"
)
STAGE = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?")  # what TAG reads back and GTO takes
NAMED = re.compile(r"^Experiment: (.+)$", re.MULTILINE)
FORCED = re.compile(r"^Forced: (.+)$", re.MULTILINE)

Version = tuple[int, int, int]


@dataclass(frozen=True)
class Event:
    """One tag: a version registered (no stage), or a commit put into a stage or taken out of it."""

    task: str
    rev: str
    at: datetime
    by: str
    message: str
    tag: str
    version: Version | None = None
    stage: str | None = None
    out: bool = False

    @property
    def experiment(self) -> str | None:
        """The name that the experiment had when the tag was made."""
        found = NAMED.search(self.message)
        return found[1] if found else None

    @property
    def forced(self) -> str | None:
        """Why gates that stopped it were overridden, if they were."""
        found = FORCED.search(self.message)
        return found[1] if found else None


@dataclass(frozen=True)
class Period:
    """A stretch of time in which one commit stood in a stage; `until` is None where it still does."""

    event: Event  # that put it there
    version: Version | None
    since: datetime
    until: datetime | None

    def covers(self, first: datetime, last: datetime) -> bool:
        """Return whether it stood there at some moment from `first` on and before `last`."""
        return self.since < last and (self.until is None or self.until > first)


def readable(stage: str) -> None:
    """Refuse a stage whose tags nobody could read back."""
    if not STAGE.fullmatch(stage):
        raise Refusal(
            f"{stage[:SHOWN]!r} cannot be a stage; use small letters and digits, and within them - or _, as in prod."
        )


def artifact(task: str) -> str:
    """Return the name under which a task's model is registered."""
    return task + MODEL


def word(version: Version | None) -> str:
    """Return a version as it stands in tags."""
    return "unregistered" if version is None else "v" + ".".join(map(str, version))


def events() -> list[Event]:
    """Return what the tags tell, oldest first; tags of other forms are left out, and lightweight ones as GTO does."""
    form = "%(refname:strip=2)%00%(*objectname)%00%(creatordate:unix)%00%(taggername)%00%(contents)%00%01"
    said = repository.git("for-each-ref", f"--format={form}", "refs/tags").decode(errors="replace")
    parts = (entry.lstrip("\n").split("\0") for entry in said.split("\0\x01"))
    found = [(match, entry) for entry in parts if (match := TAG.fullmatch(entry[0])) and entry[1]]
    # tags of one second are in the order of their numbers
    found.sort(key=lambda each: (int(each[1][2]), int(each[0]["count"] or 0)))
    return [_event(match, *entry) for match, entry in found]


def versions(told: Sequence[Event], task: str) -> dict[str, Version]:
    """Return the registered versions of a task by commit."""
    return {each.rev: each.version for each in told if each.task == task and each.version}


def following(told: Sequence[Event], task: str) -> Version:
    """Return the next minor version of a task, or the first."""
    known = versions(told, task).values()
    major, minor, _ = max(known, default=(0, 0, 0))
    return (major, minor + 1, 0) if known else FIRST


def inside(told: Iterable[Event], task: str, stage: str) -> list[Event]:
    """Return by which tags commits are in a stage, the one that stands last."""
    held: dict[str, Event] = {}
    for each in told:
        if (each.task, each.stage) == (task, stage):
            held.pop(each.rev, None)
            if not each.out:
                held[each.rev] = each
    return list(held.values())


def periods(told: Sequence[Event], task: str, stage: str) -> list[Period]:
    """Return who stood in a stage and from when to when, oldest first."""
    own, known = [each for each in told if (each.task, each.stage) == (task, stage)], versions(told, task)
    found: list[Period] = []
    for number, each in enumerate(own, start=1):
        top = next(reversed(inside(own[:number], task, stage)), None)
        last = found[-1] if found and found[-1].until is None else None
        if last and top and last.event.rev == top.rev:
            continue
        if last:
            found[-1] = replace(last, until=each.at)
        if top:
            found.append(Period(top, known.get(top.rev), each.at, None))
    return found


def stages(told: Iterable[Event], task: str) -> list[str]:
    """Return the stages that anything of a task was ever in."""
    return sorted({each.stage for each in told if each.task == task and each.stage})


def tasks(told: Iterable[Event]) -> list[str]:
    """Return the tasks that have tags."""
    return sorted({each.task for each in told})


def standing() -> dict[str, Literal["promoted", "archived"]]:
    """Return by commit what stands in a stage of some task, and what was archived."""
    told = events()
    found: dict[str, Literal["promoted", "archived"]] = {}
    for task in tasks(told):
        for each in inside(told, task, ARCHIVED):
            found[each.rev] = "archived"
    for task in tasks(told):
        for stage in stages(told, task):
            if stage != ARCHIVED and (held := inside(told, task, stage)):
                found[held[-1].rev] = "promoted"
    return found


def _event(match: re.Match[str], name: str, rev: str, seconds: str, by: str, message: str) -> Event:
    at = datetime.fromtimestamp(int(seconds), UTC)
    version = parsed(match["version"]) if match["version"] else None
    return Event(match["task"], rev, at, by, message.strip(), name, version, match["stage"], bool(match["out"]))


def parsed(text: str) -> Version:
    """Return a version from its word, with or without the v; refuses any but three whole numbers."""
    if not (match := re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+)", text)):
        raise Refusal(f"{text!r} is no version; give three whole numbers, as in v1.2.0.")
    major, minor, patch = map(int, match.groups())
    return major, minor, patch
