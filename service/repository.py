"""The repository as the service reads it: tags, files of a commit, and where DVC keeps what git does not."""

import configparser
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from core.refusals import Refusal, suggest

FORM = "%(refname:strip=2)%00%(*objectname)%00%(creatordate:unix)"
STAGE = re.compile(r"(?P<name>[^#@]+#[^#@!]+?)(?P<out>!?)#(?P<count>\d+)")
VERSION = re.compile(r"(?P<name>[^#@]+)@v(?P<number>\d+\.\d+\.\d+)")


@dataclass(frozen=True)
class Tag:
    """A tag of git, the commit that it is about, and when it was made."""

    name: str
    commit: str
    at: int  # seconds since 1970

    @property
    def count(self) -> int:
        """GTO counts what happens in a stage: 3 of events-model#prod#3."""
        found = STAGE.fullmatch(self.name)
        return int(found["count"]) if found else 0


def commit_of(root: Path, model: str) -> tuple[str, str]:
    """Return the tag and the commit that a model's name means.

    `events-model@v1.2.0` is that version, `events-model@latest` the highest. `events-model#prod` is what stands in the
    stage: of all that tags put there (events-model#prod#3) and none took out since (events-model#prod!#4), the one put
    there last. Refuses a name without a tag, and a stage in which nothing stands. As for GTO, a tag must be annotated.
    """
    tags = sorted(_tags(root), key=lambda tag: (tag.at, tag.count))  # those of one second in the order of their numbers
    found = {tag.name: tag for tag in tags}.get(model) or _highest(tags, model) or _standing(tags, model)
    if found is None:
        known = {told["name"] for tag in tags if (told := STAGE.fullmatch(tag.name))}
        known |= {tag.name for tag in tags if VERSION.fullmatch(tag.name)}
        if model in known:
            raise Refusal(
                f"{model} holds no model now: all were taken out of the stage; name a version, or promote one."
            )
        raise Refusal(f"git has no tag for the model {model!r}; {suggest(model, known)}")
    return found.name, found.commit


def read(root: Path, commit: str, path: str) -> bytes | None:
    """Return a file as a commit has it, None where it has none."""
    done = subprocess.run(["git", "-C", str(root), "cat-file", "blob", f"{commit}:{path}"], capture_output=True)
    return done.stdout if done.returncode == 0 else None


def head(root: Path) -> str | None:
    """Return the commit that is checked out, None outside git."""
    done = subprocess.run(["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def cache(root: Path) -> Path:
    """Return the folder in which DVC keeps files by their MD5."""
    place = root / ".dvc" / "cache"
    for name in ("config", "config.local"):
        told = configparser.ConfigParser(interpolation=None)
        told.read(root / ".dvc" / name)
        if told.has_option("cache", "dir"):
            place = root / ".dvc" / told.get("cache", "dir")
    return place / "files" / "md5"


def _tags(root: Path) -> list[Tag]:
    lines = _git(root, "for-each-ref", f"--format={FORM}", "refs/tags").decode(errors="replace").splitlines()
    parts = [line.split("\0") for line in lines]
    return [Tag(name, commit, int(at)) for name, commit, at in parts if commit]


def _highest(tags: list[Tag], model: str) -> Tag | None:
    name, _, word = model.partition("@")
    told = [(found, tag) for tag in tags if (found := VERSION.fullmatch(tag.name)) and found["name"] == name]
    if word != "latest" or not told:
        return None
    return max(told, key=lambda one: tuple(map(int, one[0]["number"].split("."))))[1]


def _standing(tags: list[Tag], model: str) -> Tag | None:
    held: dict[str, Tag] = {}
    for tag in tags:
        found = STAGE.fullmatch(tag.name)
        if found and found["name"] == model:
            held.pop(tag.commit, None)
            if not found["out"]:
                held[tag.commit] = tag
    return next(reversed(held.values()), None)


def _git(root: Path, *words: str) -> bytes:
    done = subprocess.run(["git", "-C", str(root), *words], capture_output=True)
    if done.returncode:
        raise Refusal(
            f"git {words[0]} failed in {root.name or 'this folder'}: {done.stderr.decode().strip().splitlines()[-1]}."
        )
    return done.stdout
