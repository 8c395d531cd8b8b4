"""The repository as the service reads it: git tags, files of a commit, and the cache where DVC keeps the rest."""

import configparser
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from trueline.core.errors import UserError, did_you_mean

TAG_FORMAT = "%(refname:strip=2)%00%(*objectname)%00%(creatordate:unix)"
STAGE_PATTERN = re.compile(r"(?P<name>[^#@]+#[^#@!]+?)(?P<out>!?)#(?P<count>\d+)")
VERSION_PATTERN = re.compile(r"(?P<name>[^#@]+)@v(?P<number>\d+\.\d+\.\d+)")


@dataclass(frozen=True)
class Tag:
    """A git tag, the commit that it names, and when it was made."""

    name: str
    commit: str
    created_at: int  # seconds since 1970

    @property
    def event_number(self) -> int:
        """GTO's number of the event in a stage: 3 of events-model#prod#3; 0 for other tags."""
        match = STAGE_PATTERN.fullmatch(self.name)
        return int(match["count"]) if match else 0


def resolve_commit(root: Path, model: str) -> tuple[str, str]:
    """Return the tag and the commit that a model's name means.

    `events-model@v1.2.0` is that version, `events-model@latest` the highest. `events-model#prod` is what is assigned
    to the stage: of all commits that a tag assigned (events-model#prod#3) and none unassigned since
    (events-model#prod!#4), the one assigned last. As in GTO, a tag must be annotated. Raises UserError for a name
    without a tag, and for a stage to which nothing is assigned.
    """
    # tags of the same second are in the order of their numbers
    tags = sorted(_list_tags(root), key=lambda tag: (tag.created_at, tag.event_number))
    resolved = (
        {tag.name: tag for tag in tags}.get(model)
        or _find_latest_version(tags, model)
        or _find_stage_model(tags, model)
    )
    if resolved is None:
        model_names = {match["name"] for tag in tags if (match := STAGE_PATTERN.fullmatch(tag.name))}
        model_names |= {tag.name for tag in tags if VERSION_PATTERN.fullmatch(tag.name)}
        if model in model_names:
            raise UserError(
                f"{model} has no model now: all were removed from the stage; name a version, or promote one."
            )
        raise UserError(f"git has no tag for the model {model!r}; {did_you_mean(model, model_names)}")
    return resolved.name, resolved.commit


def read_committed_file(root: Path, commit: str, path: str) -> bytes | None:
    """Return a file's content in a commit; None if it is not there."""
    completed = subprocess.run(["git", "-C", str(root), "cat-file", "blob", f"{commit}:{path}"], capture_output=True)
    return completed.stdout if completed.returncode == 0 else None


def get_cache_folder(root: Path) -> Path:
    """Return the folder of DVC's cache, where files are named by their MD5."""
    folder = root / ".dvc" / "cache"
    for name in ("config", "config.local"):
        config = configparser.ConfigParser(interpolation=None)
        config.read(root / ".dvc" / name)
        if config.has_option("cache", "dir"):
            folder = root / ".dvc" / config.get("cache", "dir")
    return folder / "files" / "md5"


def _list_tags(root: Path) -> list[Tag]:
    lines = _run_git(root, "for-each-ref", f"--format={TAG_FORMAT}", "refs/tags").decode(errors="replace").splitlines()
    fields = [line.split("\0") for line in lines]
    return [Tag(name, commit, int(timestamp)) for name, commit, timestamp in fields if commit]


def _find_latest_version(tags: list[Tag], model: str) -> Tag | None:
    name, _, version = model.partition("@")
    matches = ((VERSION_PATTERN.fullmatch(tag.name), tag) for tag in tags)
    versions = [(match, tag) for match, tag in matches if match and match["name"] == name]
    if version != "latest" or not versions:
        return None
    return max(versions, key=lambda candidate: tuple(map(int, candidate[0]["number"].split("."))))[1]


def _find_stage_model(tags: list[Tag], model: str) -> Tag | None:
    tags_by_commit: dict[str, Tag] = {}
    for tag in tags:
        match = STAGE_PATTERN.fullmatch(tag.name)
        if match and match["name"] == model:
            tags_by_commit.pop(tag.commit, None)
            if not match["out"]:
                tags_by_commit[tag.commit] = tag
    return next(reversed(tags_by_commit.values()), None)


def _run_git(root: Path, *arguments: str) -> bytes:
    completed = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True)
    if completed.returncode:
        problem = completed.stderr.decode().strip().splitlines()[-1]
        raise UserError(f"git {arguments[0]} failed in {root.name or 'this folder'}: {problem}.")
    return completed.stdout
