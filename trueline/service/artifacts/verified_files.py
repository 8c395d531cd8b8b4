"""Verified files: outputs that are read only if their hashes are those in dvc.lock."""

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

from trueline.core.dvc_cache import ChangedFileError, find_cache, find_intact_file
from trueline.core.errors import UserError
from trueline.core.runtime.output_hashes import FOLDER_HASH_SUFFIX, hash_path
from trueline.service.artifacts import git_tags

YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # dvc.lock is long: 0.05 s against 0.6 s


class LockOutput(BaseModel):
    """An output in dvc.lock."""

    path: str
    md5: str


class LockStage(BaseModel):
    """A stage in dvc.lock, with the fields that are read here."""

    params: dict[str, dict[str, Any]] = {}
    outs: list[LockOutput] = []


STAGES_ADAPTER = TypeAdapter(dict[str, LockStage])


@dataclass
class VerifiedFiles:
    """The outputs of a commit, or of the workspace where `commit` is None, as its dvc.lock names them."""

    root: Path
    name: str  # the version's: the git tag, or workspace
    commit: str | None = None
    is_exported: bool = False  # the root is a folder that artifacts/exported_model.py wrote, though there is a commit

    @property
    def is_in_root(self) -> bool:
        """Whether the outputs are in the root folder, not in DVC's cache."""
        return self.commit is None or self.is_exported

    def read_lock(self) -> bytes:
        """Return the content of dvc.lock. Raises UserError if it is missing."""
        content = self._read_file("dvc.lock")
        if content is None:
            raise UserError(f"{self.name} has no dvc.lock; run `dvc repro` first, and commit it.")
        return content

    def resolve_path(self, relative: str) -> Path:
        """Return the path of an output, or of a file in an output folder, after verifying the output's hash.

        Raises UserError if dvc.lock does not name the output, if it does not exist or if its hash differs.
        """
        output = self._find_output(relative)
        output_path = self._find_in_workspace(output) if self.is_in_root else self._find_in_cache(output)
        resolved = output_path / PurePosixPath(relative).relative_to(output)
        if not resolved.exists():
            raise UserError(f"{self.name}: {output} has no {PurePosixPath(relative).name}; run `dvc repro`.")
        return resolved

    def read_json(self, relative: str) -> dict[str, Any]:
        """Return the content of a JSON output."""
        content: dict[str, Any] = json.loads(self.resolve_path(relative).read_bytes())
        return content

    def get_hash(self, relative: str) -> str:
        """Return an output's MD5 from dvc.lock."""
        return self.output_hashes[self._find_output(relative)]

    def has_output(self, relative: str) -> bool:
        """Whether dvc.lock names the output."""
        return relative in self.output_hashes

    def read_params(self) -> dict[str, Any]:
        """Return params.yaml as it was when the outputs were made: the parameters of all stages in dvc.lock, merged."""
        tree: dict[str, Any] = {}
        for stage in self.lock_stages.values():
            for name, value in stage.params.get("params.yaml", {}).items():
                *sections, leaf = name.split(".")
                branch = tree
                for section in sections:
                    branch = branch.setdefault(section, {})
                branch[leaf] = branch[leaf] | value if isinstance(branch.get(leaf), dict) and value else value
        return tree

    @cached_property
    def lock_stages(self) -> dict[str, LockStage]:
        """The stages of dvc.lock. Raises UserError if it is missing or malformed."""
        text = self.read_lock()
        try:
            return STAGES_ADAPTER.validate_python(yaml.load(text, YAML_LOADER)["stages"])
        except (yaml.YAMLError, KeyError, TypeError, ValueError):
            raise UserError(f"{self.name}: dvc.lock cannot be read; run `dvc repro`.") from None

    @cached_property
    def output_hashes(self) -> dict[str, str]:
        """The hash of every output by its path."""
        return {out.path: out.md5 for stage in self.lock_stages.values() for out in stage.outs}

    @cached_property
    def _cache(self) -> Path:
        return find_cache(self.root)

    def _find_output(self, relative: str) -> str:
        for candidate in (PurePosixPath(relative), *PurePosixPath(relative).parents):
            if str(candidate) in self.output_hashes:
                return str(candidate)
        raise UserError(f"{self.name}: dvc.lock names no output {relative}; run `dvc repro`, or name a later version.")

    def _find_in_workspace(self, output: str) -> Path:
        output_path = self.root / output
        if not output_path.exists():
            raise UserError(f"{output} is not there, though dvc.lock names it; run `dvc checkout` or `dvc repro`.")
        if hash_path(output_path) != self.output_hashes[output]:
            raise UserError(
                f"{output} is not what dvc.lock says it is: its hash differs; run `dvc repro` or `dvc checkout`."
            )
        return output_path

    def _find_in_cache(self, output: str) -> Path:
        md5 = self.output_hashes[output]
        if not md5.endswith(FOLDER_HASH_SUFFIX):
            return self._find_verified_blob(md5) or self._restore_from_git(output, md5)
        listing = self._find_verified_blob(md5)
        if listing is None:
            raise UserError(f"{self.name}: {output} is not in DVC's cache; run `dvc fetch --all-tags` or `dvc pull`.")
        folder = self._create_temp_folder()
        for entry in json.loads(listing.read_bytes()):
            file = folder / entry["relpath"]
            file.parent.mkdir(parents=True, exist_ok=True)
            if (blob := self._find_verified_blob(entry["md5"])) is None:
                raise UserError(
                    f"{self.name}: {output}/{entry['relpath']} is not in DVC's cache; run `dvc fetch --all-tags`."
                )
            file.symlink_to(blob.resolve())
        return folder

    def _find_verified_blob(self, md5: str) -> Path | None:
        """Return a file of the cache, None if it is not there. Raises UserError if it was changed."""
        try:
            return find_intact_file(self._cache, md5)
        except ChangedFileError:
            raise UserError(
                f"{self.name}: {md5} in DVC's cache does not match its name; remove it, then run `dvc fetch`."
            ) from None

    def _restore_from_git(self, output: str, md5: str) -> Path:
        """Return an output that is kept in git instead of the cache. Raises UserError if neither has it."""
        content = self._read_file(output)
        if content is None or _compute_md5(content) != md5:
            raise UserError(f"{self.name}: {output} is neither in DVC's cache nor in git; run `dvc fetch --all-tags`.")
        file = self._create_temp_folder() / PurePosixPath(output).name
        file.write_bytes(content)
        return file

    def _create_temp_folder(self) -> Path:
        folder = tempfile.mkdtemp(prefix="trueline-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)

    def _read_file(self, path: str) -> bytes | None:
        if self.commit is not None and not self.is_exported:
            return git_tags.read_committed_file(self.root, self.commit, path)
        return (self.root / path).read_bytes() if (self.root / path).is_file() else None


def open_workspace(root: Path) -> VerifiedFiles:
    """Return the files of the workspace."""
    return VerifiedFiles(root, "workspace")


def open_promoted(root: Path, model: str) -> VerifiedFiles:
    """Return the files of the commit that a model's name means. Raises UserError as `resolve_commit` does."""
    return VerifiedFiles(root, *git_tags.resolve_commit(root, model))


def _compute_md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
