"""Model tags in GTO's form: which version of a model is assigned to which stage.

A tag is an event: `props-model@v1.2.0` registers a commit as a version, `props-model#prod#3` assigns it to a stage,
`props-model#prod!#4` removes it. Of the versions in a stage, the one assigned last is current.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from trueline.core.errors import UserError

MODEL_SUFFIX = "-model"  # ends the name of a task's model
TAG_FIELDS = "%(refname:strip=2)%00%(*objectname)%00%(creatordate:unix)%00%(taggername)%00%(contents)%00%01"
GIT_LIST_TAGS = ("for-each-ref", f"--format={TAG_FIELDS}", "refs/tags")  # prints what `parse_tags` reads
TAG_PATTERN = re.compile(
    r"(?P<model>[^#@]+)(?:@v(?P<version>\d+\.\d+\.\d+)|#(?P<stage>[^#@!]+)(?P<removal>!)?#(?P<number>\d+))"
)
EXPERIMENT_PATTERN = re.compile(r"^Experiment: (.+)$", re.MULTILINE)
FORCED_PATTERN = re.compile(r"^Forced: (.+)$", re.MULTILINE)

Version = tuple[int, int, int]


@dataclass(frozen=True)
class Tag:
    """A git tag: if it has GTO's form, a version registered (no stage), or a commit assigned to a stage or removed."""

    name: str
    rev: str
    tagged_at: datetime
    tagger: str
    message: str
    model: str | None = None  # None if the tag has another form
    version: Version | None = None
    stage: str | None = None
    is_removal: bool = False
    number: int = 0  # GTO's number of the event in a stage: 3 of events-model#prod#3

    @property
    def task(self) -> str:
        """The task of the model; empty if the tag has another form."""
        return (self.model or "").removesuffix(MODEL_SUFFIX)

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


def parse_tags(output: bytes) -> list[Tag]:
    """Return the tags that git printed for `GIT_LIST_TAGS`, oldest first, those of one second in order of their number.

    Lightweight tags are skipped, as in GTO.

    >>> made = b"props-model#prod#3\\0" + b"a" * 40 + b"\\x001700000000\\0Ann\\0Experiment: deep\\0\\1\\n"
    >>> [(tag.model, tag.stage, tag.experiment) for tag in parse_tags(made)]
    [('props-model', 'prod', 'deep')]
    """
    entries = (entry.lstrip("\n").split("\0") for entry in output.decode(errors="replace").split("\0\x01"))
    tags = [_build_tag(*entry) for entry in entries if len(entry) > 1 and entry[1]]
    return sorted(tags, key=lambda tag: (tag.tagged_at, tag.number))


def list_assigned(tags: Iterable[Tag], model: str, stage: str) -> list[Tag]:
    """Return the assignments of the commits that are in a stage of a model, the current one last."""
    assigned: dict[str, Tag] = {}
    for tag in tags:
        if (tag.model, tag.stage) == (model, stage):
            assigned.pop(tag.rev, None)
            if not tag.is_removal:
                assigned[tag.rev] = tag
    return list(assigned.values())


def parse_version(text: str) -> Version:
    """Return the version that a text such as v1.2.0 or 1.2.0 names; raises UserError for any other form."""
    if not (match := re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+)", text)):
        raise UserError(f"{text!r} is not a version; give three whole numbers, as in v1.2.0.")
    major, minor, patch = map(int, match.groups())
    return major, minor, patch


def _build_tag(name: str, rev: str, seconds: str, tagger: str, message: str) -> Tag:
    tag = Tag(name, rev, datetime.fromtimestamp(int(seconds), UTC), tagger, message.strip())
    if not (match := TAG_PATTERN.fullmatch(name)):
        return tag
    return replace(
        tag,
        model=match["model"],
        version=parse_version(match["version"]) if match["version"] else None,
        stage=match["stage"],
        is_removal=bool(match["removal"]),
        number=int(match["number"] or 0),
    )
