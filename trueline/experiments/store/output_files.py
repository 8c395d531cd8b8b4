"""Read the outputs that a commit's dvc.lock names, located by hash in git, in DVC's cache or in the remote."""

import hashlib
import io
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
from dvc.config import NoRemoteError, RemoteNotFoundError
from dvc.exceptions import NotDvcRepoError
from dvc.repo import Repo

from trueline.core.errors import UserError
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
    with Repo(".") as repo:
        stores = list(_iterate_stores(repo))
        missing = [
            path
            for path, md5 in output_hashes.items()
            if tracked_hashes.get((rev, path)) != md5 and not _is_stored(md5, stores)
        ]
    return missing, len(output_hashes)


def read_output_table(rev: str, path: str, task: str) -> pd.DataFrame:
    """Return a table that a commit's dvc.lock names; raises UserError if no bytes with its hash are found."""
    return pd.read_parquet(io.BytesIO(read_output(rev, path, task)))


def read_output(rev: str, path: str, task: str) -> bytes:
    """Return a file that a commit's dvc.lock names; raises UserError if no bytes with its hash are found."""
    md5 = get_output_hashes(rev, task).get(path)
    with Repo(".") as repo:
        content = _read_bytes(md5, list(_iterate_stores(repo))) if md5 else None
    if content is None:
        raise UserError(f"{path} of {rev[:7]} is not available; run `dvc pull`, or run the experiment again.")
    return content


def read_cached_bytes(md5: str) -> bytes | None:
    """Return the bytes with a hash in DVC's cache, or None if they are missing or corrupt, or DVC has no repository.

    DVC says where its cache is, by all levels of its configuration.
    """
    try:
        with Repo(".") as repo:
            return _read_bytes(md5, [repo.cache.local])
    except NotDvcRepoError:
        return None


def get_cache_path(md5: str) -> str:
    """Return the file of DVC's cache that holds the bytes with a hash, relative to this folder."""
    with Repo(".") as repo:
        return str(os.path.relpath(repo.cache.local.oid_to_path(md5)))


def _iterate_stores(repo: Any) -> Iterator[Any]:
    yield repo.cache.local
    try:
        yield repo.cloud.get_remote_odb()
    except (NoRemoteError, RemoteNotFoundError):
        return


def _is_stored(md5: str, stores: Sequence[Any]) -> bool:
    if not md5.endswith(".dir"):
        cache, *remotes = stores
        return _is_intact(cache, md5) or any(_has_object(store, md5) for store in remotes)
    try:
        members = [str(file["md5"]) for file in json.loads(_read_bytes(md5, stores) or b"null")]
    except (KeyError, TypeError, ValueError):  # not the hash of a folder's file list
        return False
    return all(_is_stored(member, stores) for member in members)


def _read_bytes(md5: str, stores: Sequence[Any]) -> bytes | None:
    """Return the bytes with a hash, or None; a stored object whose bytes have another hash is skipped."""
    for store in stores:
        if _has_object(store, md5):
            stored_object = store.get(md5)
            with stored_object.fs.open(stored_object.path, "rb") as file:
                content = bytes(file.read())
            if hashlib.md5(content).hexdigest() == md5.removesuffix(".dir"):
                return content
    return None


def _is_intact(cache: Any, md5: str) -> bool:
    """Return whether the cache holds a file whose bytes have the hash in its name."""
    if not _has_object(cache, md5):
        return False
    stored_object = cache.get(md5)
    with stored_object.fs.open(stored_object.path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest() == md5


def _has_object(store: Any, md5: str) -> bool:
    try:
        return bool(store.exists(md5))
    except Exception:  # an unreachable remote raises errors of its own library; its objects count as missing
        return False
