"""Artifacts: files that are read only if they are what dvc.lock says they are."""

import hashlib
import json
import shutil
import tempfile
import weakref
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from pydantic import BaseModel, TypeAdapter

from core.refusals import Refusal
from service import repository

FOLDER = ".dir"  # ends the hash of a folder: the MD5 of the list of its files
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the lock is long: 0.05 s against 0.6


class Out(BaseModel):
    """An output in dvc.lock."""

    path: str
    md5: str


class Stage(BaseModel):
    """A stage in dvc.lock, as far as it is read here."""

    params: dict[str, dict[str, Any]] = {}
    outs: list[Out] = []


STAGES = TypeAdapter(dict[str, Stage])


@dataclass
class Files:
    """The outputs of a commit, or of the workspace where `commit` is None, as its dvc.lock names them."""

    root: Path
    name: str  # of the version: the git tag, or workspace
    commit: str | None = None

    def path(self, relative: str) -> Path:
        """Return where an output, or a file of an output that is a folder, can be read; its hash was looked at.

        Refuses what dvc.lock does not name, what is not there and what has another hash.
        """
        out = self._out(relative)
        whole = self._in_workspace(out) if self.commit is None else self._in_cache(out)
        found = whole / PurePosixPath(relative).relative_to(out)
        if not found.exists():
            raise Refusal(f"{self.name}: {out} holds no {PurePosixPath(relative).name}; run `dvc repro`.")
        return found

    def json(self, relative: str) -> dict[str, Any]:
        """Return a JSON output."""
        told: dict[str, Any] = json.loads(self.path(relative).read_bytes())
        return told

    def hash(self, relative: str) -> str:
        """Return the MD5 of an output as dvc.lock has it."""
        return self.outs[self._out(relative)]

    def has(self, relative: str) -> bool:
        """Whether dvc.lock names the output."""
        return relative in self.outs

    def params(self) -> dict[str, Any]:
        """Return params.yaml as it was when the outputs were made: what dvc.lock says of every stage, one tree."""
        tree: dict[str, Any] = {}
        for stage in self.lock.values():
            for name, value in stage.params.get("params.yaml", {}).items():
                *sections, last = name.split(".")
                place = tree
                for section in sections:
                    place = place.setdefault(section, {})
                place[last] = place[last] | value if isinstance(place.get(last), dict) and value else value
        return tree

    @cached_property
    def lock(self) -> dict[str, Stage]:
        """The stages of dvc.lock."""
        text = self._file("dvc.lock")
        if text is None:
            raise Refusal(f"{self.name} has no dvc.lock; run `dvc repro` first, and commit it.")
        try:
            return STAGES.validate_python(yaml.load(text, LOADER)["stages"])
        except (yaml.YAMLError, KeyError, TypeError, ValueError):
            raise Refusal(f"{self.name}: dvc.lock cannot be read; run `dvc repro`.") from None

    @cached_property
    def outs(self) -> dict[str, str]:
        """Every output with its hash."""
        return {out.path: out.md5 for stage in self.lock.values() for out in stage.outs}

    def _out(self, relative: str) -> str:
        for place in (PurePosixPath(relative), *PurePosixPath(relative).parents):
            if str(place) in self.outs:
                return str(place)
        raise Refusal(f"{self.name}: dvc.lock names no output {relative}; run `dvc repro`, or name a later version.")

    def _in_workspace(self, out: str) -> Path:
        place = self.root / out
        if not place.exists():
            raise Refusal(f"{out} is not there, though dvc.lock names it; run `dvc checkout` or `dvc repro`.")
        if _hashed(place) != self.outs[out]:
            raise Refusal(
                f"{out} is not what dvc.lock says it is: its hash differs; run `dvc repro` or `dvc checkout`."
            )
        return place

    def _in_cache(self, out: str) -> Path:
        told = self.outs[out]
        if not told.endswith(FOLDER):
            return self._whole(told) or self._tracked(out, told)
        listed = self._whole(told)
        if listed is None:
            raise Refusal(f"{self.name}: {out} is not in DVC's cache; run `dvc fetch --all-tags` or `dvc pull`.")
        place = self._folder()
        for one in json.loads(listed.read_bytes()):
            file = place / one["relpath"]
            file.parent.mkdir(parents=True, exist_ok=True)
            if (whole := self._whole(one["md5"])) is None:
                raise Refusal(f"{self.name}: {out}/{one['relpath']} is not in DVC's cache; run `dvc fetch --all-tags`.")
            file.symlink_to(whole.resolve())
        return place

    def _whole(self, told: str) -> Path | None:
        """Return a file of the cache, None where it is not there; refuse one that was changed."""
        file = repository.cache(self.root) / told[:2] / told[2:]
        if not file.is_file():
            return None
        if _md5(file.read_bytes()) != told.removesuffix(FOLDER):
            raise Refusal(f"{self.name}: {told} in DVC's cache is not what its name says; remove it and `dvc fetch`.")
        return file

    def _tracked(self, out: str, told: str) -> Path:
        """Return an output that git keeps, not the cache."""
        found = self._file(out)
        if found is None or _md5(found) != told:
            raise Refusal(f"{self.name}: {out} is neither in DVC's cache nor in git; run `dvc fetch --all-tags`.")
        file = self._folder() / PurePosixPath(out).name
        file.write_bytes(found)
        return file

    def _folder(self) -> Path:
        place = tempfile.mkdtemp(prefix="trueline-")
        weakref.finalize(self, shutil.rmtree, place, ignore_errors=True)
        return Path(place)

    def _file(self, path: str) -> bytes | None:
        if self.commit is not None:
            return repository.read(self.root, self.commit, path)
        return (self.root / path).read_bytes() if (self.root / path).is_file() else None


def workspace(root: Path) -> Files:
    """Return the files of the workspace."""
    return Files(root, "workspace")


def promoted(root: Path, model: str) -> Files:
    """Return the files of the commit that a model's name means."""
    return Files(root, *repository.commit_of(root, model))


def _hashed(place: Path) -> str:
    if place.is_file():
        return _md5(place.read_bytes())
    files = [file for file in place.rglob("*") if file.is_file()]
    told = [{"md5": _md5(file.read_bytes()), "relpath": file.relative_to(place).as_posix()} for file in files]
    return _md5(json.dumps(sorted(told, key=lambda one: one["relpath"]), sort_keys=True).encode()) + FOLDER


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
