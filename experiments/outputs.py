"""Outputs: what a commit's dvc.lock names, found by its hash in git, in the cache or in the remote."""

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import yaml
from dvc.config import NoRemoteError, RemoteNotFoundError
from dvc.repo import Repo

from core.refusals import Refusal
from experiments import repository

LOCK = "dvc.lock"
Hashes = dict[str, str]


def hashes(rev: str, task: str) -> Hashes:
    """Return the md5 of each output of a task by path; a folder's ends in `.dir`."""
    lock = repository.read(rev, LOCK)
    stages: Mapping[str, Any] = (yaml.load(lock, yaml.CSafeLoader) or {}).get("stages", {}) if lock else {}
    own = (stage for name, stage in stages.items() if name.endswith(f"@{task}"))
    return {out["path"]: out["md5"] for stage in own for out in stage.get("outs", ())}


def absent(rev: str, task: str) -> tuple[list[str], int]:
    """Return the outputs of a task whose bytes are not at hand, and how many there are in all.

    What git holds under the path of an output must be what dvc.lock says; anything else must be in the cache or, where
    one is set up and can be reached, in the default remote, a folder with every file.
    """
    named = hashes(rev, task)
    tracked = repository.git("ls-tree", "-r", "--name-only", rev).decode().splitlines()
    with Repo(".") as repo:
        stores = list(_stores(repo))
        lost = [path for path, md5 in named.items() if not (_in_git(rev, path, md5, tracked) or _stored(md5, stores))]
    return lost, len(named)


def table(rev: str, path: str, task: str) -> pd.DataFrame:
    """Return a table that a commit's dvc.lock names; refuses one that is not at hand."""
    md5 = hashes(rev, task).get(path)
    with Repo(".") as repo:
        held = _bytes(md5, list(_stores(repo))) if md5 else None
    if held is None:
        raise Refusal(f"{path} of {rev[:7]} is not at hand; `dvc pull` it, or run the experiment again.")
    return pd.read_parquet(io.BytesIO(held))


def _stores(repo: Any) -> Iterator[Any]:
    yield repo.cache.local
    try:
        yield repo.cloud.get_remote_odb()
    except (NoRemoteError, RemoteNotFoundError):
        return


def _in_git(rev: str, path: str, md5: str, tracked: list[str]) -> bool:
    if md5.endswith(".dir"):
        return any(name.startswith(f"{path}/") for name in tracked)
    return path in tracked and hashlib.md5(repository.read(rev, path) or b"").hexdigest() == md5


def _stored(md5: str, stores: list[Any]) -> bool:
    if not md5.endswith(".dir"):
        return any(_holds(store, md5) for store in stores)
    listed = _bytes(md5, stores)
    return listed is not None and all(_stored(file["md5"], stores) for file in json.loads(listed))


def _bytes(md5: str, stores: list[Any]) -> bytes | None:
    for store in stores:
        if _holds(store, md5):
            held = store.get(md5)
            with held.fs.open(held.path, "rb") as file:
                return bytes(file.read())
    return None


def _holds(store: Any, md5: str) -> bool:
    try:
        return bool(store.exists(md5))
    except Exception:  # a remote out of reach fails in its own library's way: what it has is not at hand
        return False
