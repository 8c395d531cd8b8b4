"""Read the outputs that a commit's dvc.lock names, located by hash in git, in DVC's cache or in the remote."""

import hashlib
import io
import json
import os
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from trueline.core import dvc_cache
from trueline.core.errors import UserError
from trueline.core.runtime.output_hashes import FOLDER_HASH_SUFFIX
from trueline.experiments.store import dvc_lock, file_cache

Hashes = dict[str, str]


def get_output_hashes(rev: str, task: str) -> Hashes:
    """Return the MD5 of each output of a task by path; that of a folder ends in `.dir`."""
    task_stages = (stage for name, stage in dvc_lock.read_locks([rev])[rev].items() if name.endswith(f"@{task}"))
    return {path: md5 for stage in task_stages for path, md5 in stage["outs"].items()}


def find_missing_outputs(rev: str, task: str) -> tuple[list[str], int]:
    """Return the outputs of a task whose bytes cannot be found, and the number of all its outputs.

    An output that git tracks must have the hash in dvc.lock. Any other must be in the cache or, if one is configured
    and reachable, in the default remote; a folder must be there with every file. Bytes in git and in the cache are
    hashed; for a file in the remote only its name is checked.
    """
    output_hashes = get_output_hashes(rev, task)
    tracked_hashes = file_cache.hash_files((rev, path) for path in output_hashes)
    remotes = _Remotes()
    missing = [
        path
        for path, md5 in output_hashes.items()
        if tracked_hashes.get((rev, path)) != md5 and not _is_stored(md5, remotes)
    ]
    return missing, len(output_hashes)


def read_output_table(rev: str, path: str, task: str) -> pd.DataFrame:
    """Return a table that a commit's dvc.lock names; raises UserError if no bytes with its hash are found."""
    return pd.read_parquet(io.BytesIO(read_output(rev, path, task)))


def read_output(rev: str, path: str, task: str) -> bytes:
    """Return a file that a commit's dvc.lock names; raises UserError if no bytes with its hash are found."""
    md5 = get_output_hashes(rev, task).get(path)
    content = _read_bytes(md5, _Remotes()) if md5 else None
    if content is None:
        raise UserError(f"{path} of {rev[:7]} is not available; run `dvc pull`, or run the experiment again.")
    return content


def read_cached_bytes(md5: str) -> bytes | None:
    """Return the bytes with a hash in DVC's cache, or None if they are missing or corrupt."""
    file = _find_cached_file(md5)
    return file.read_bytes() if file else None


def copy_cached_folder(md5: str, folder: Path) -> None:
    """Copy the files of an output that is a folder, as far as DVC's cache has them, into an empty folder."""
    for member in _list_members(read_cached_bytes(md5)) or []:
        content = read_cached_bytes(member["md5"])
        file = folder / member["relpath"]
        if content is not None and file.resolve().is_relative_to(folder.resolve()):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)


def _list_members(listing: bytes | None) -> list[dict[str, str]] | None:
    """Return the hash and the path of each file that DVC's listing of a folder names; None for anything else."""
    try:
        return [{name: str(file[name]) for name in ("md5", "relpath")} for file in json.loads(listing or b"null")]
    except (KeyError, TypeError, ValueError):
        return None


def get_cache_path(md5: str) -> str:
    """Return the file of DVC's cache that holds the bytes with a hash, relative to this folder."""
    return os.path.relpath(dvc_cache.get_cached_path(_find_cache(Path.cwd()), md5))


@lru_cache
def _find_cache(root: Path) -> Path:
    return dvc_cache.find_cache(root)


def _find_cached_file(md5: str) -> Path | None:
    try:
        return dvc_cache.find_intact_file(_find_cache(Path.cwd()), md5)
    except dvc_cache.ChangedFileError:
        return None


class _Remotes:
    """The remote whose bytes count as available, opened when the cache lacks some: DVC takes half a second to load."""

    @cached_property
    def databases(self) -> list[Any]:
        """The default remote as DVC's database of objects, if one is configured and DVC can write its own files."""
        from dvc.config import NoRemoteError, RemoteNotFoundError
        from dvc.exceptions import NotDvcRepoError
        from dvc.repo import Repo

        try:
            with Repo(".") as repo:
                return [repo.cloud.get_remote_odb()]
        except (NoRemoteError, NotDvcRepoError, RemoteNotFoundError, OSError):
            return []


def _is_stored(md5: str, remotes: _Remotes) -> bool:
    if not md5.endswith(FOLDER_HASH_SUFFIX):
        return _find_cached_file(md5) is not None or any(_has_object(remote, md5) for remote in remotes.databases)
    members = _list_members(_read_bytes(md5, remotes))
    return members is not None and all(_is_stored(member["md5"], remotes) for member in members)


def _read_bytes(md5: str, remotes: _Remotes) -> bytes | None:
    """Return the bytes with a hash, or None; a stored object whose bytes have another hash is skipped."""
    content = read_cached_bytes(md5)
    if content is not None:
        return content
    for remote in remotes.databases:
        if _has_object(remote, md5):
            stored_object = remote.get(md5)
            with stored_object.fs.open(stored_object.path, "rb") as file:
                remote_content = bytes(file.read())
            if hashlib.md5(remote_content).hexdigest() == md5.removesuffix(FOLDER_HASH_SUFFIX):
                return remote_content
    return None


def _has_object(store: Any, md5: str) -> bool:
    try:
        return bool(store.exists(md5))
    except Exception:  # an unreachable remote raises errors of its own library; its objects count as missing
        return False
