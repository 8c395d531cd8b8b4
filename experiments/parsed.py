"""Parsed: files of commits, read once and remembered by their content, for git's answers never change."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml

from experiments import metrics, repository

# the number changes with what is kept here; the folder is DVC's own, outside git
KEPT = Path(".dvc/tmp/trueline-registry/2")
PARAMS, LOCK = "params.yaml", "dvc.lock"
SCORES, REPORT = "metrics/{task}/scores.json", "metrics/{task}/report.json"

File = tuple[str, str]  # a commit and a path in it


def files(asked: Iterable[File]) -> dict[File, Any]:
    """Return what files of commits hold, None where a commit has no such file; two git processes in all."""
    blobs = repository.identify(asked)
    wanted = {sha: path for (_, path), sha in blobs.items() if sha}
    held = {sha: found for sha, path in wanted.items() if (found := recall(_name(sha, path))) is not None}
    for sha, content in repository.contents(wanted.keys() - held.keys()).items():
        held[sha] = remember(_name(sha, wanted[sha]), parse(wanted[sha], content))
    return {file: held[sha] if sha else None for file, sha in blobs.items()}


def md5s(asked: Iterable[File]) -> dict[File, str]:
    """Return the MD5 of files of commits, without those that a commit does not have; nothing of it is remembered."""
    blobs = {file: sha for file, sha in repository.identify(asked).items() if sha}
    held = {sha: hashlib.md5(content).hexdigest() for sha, content in repository.contents(blobs.values()).items()}
    return {file: held[sha] for file, sha in blobs.items()}


def workspace(path: str) -> Any:
    """Return what a file of the workspace holds, or None."""
    if not Path(path).exists():
        return None
    content = Path(path).read_bytes()
    name = _name(hashlib.sha1(b"workspace" + content).hexdigest(), path)
    held = recall(name)
    return held if held is not None else remember(name, parse(path, content))


def parse(path: str, content: bytes) -> Any:
    """Return what of a file is kept: of a report the scored rows and intervals, of a lock its hashes.

    Of a file that is broken, or has something else where a number or a section must stand, nothing is kept: {}.
    """
    try:
        value = json.loads(content) if path.endswith(".json") else yaml.load(content, _LOADER)
        return _PARTS.get(Path(path).name, dict)(value)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError, yaml.YAMLError):
        return {}


def recall(name: str) -> Any:
    """Return what was remembered under a name, or None."""
    try:
        return json.loads((KEPT / name).read_bytes())
    except (OSError, ValueError):
        return None


def remember(name: str, value: Any) -> Any:
    """Remember a value under a name; a run that is killed leaves nothing half written. Returns what recall will."""
    text = json.dumps(value, default=str)
    (KEPT / name).parent.mkdir(parents=True, exist_ok=True)
    draft = KEPT / f"{name}.{os.getpid()}.draft"
    draft.write_text(text)
    os.replace(draft, KEPT / name)
    return json.loads(text)


def _report(value: dict[str, Any]) -> dict[str, Any]:
    return {"scored": _section(value, "scored"), "intervals": metrics.intervals(value)}


def _scores(value: dict[str, Any]) -> dict[str, Any]:
    """Return the scores of each task; refuses text where a number must stand, that of other scores is kept."""
    odd = [name for scores in value.values() for name, held in scores.items() if metrics.miswritten(name, held)]
    if odd:
        raise ValueError(f"{odd[0]} is not a number")
    return value


def _params(value: dict[str, Any]) -> dict[str, Any]:
    """Return parameters; refuses those whose plan or description cannot be read."""
    tags = _section(value, "experiment").get("tags") or []
    if not isinstance(tags, list):
        raise TypeError("the tags are no list")
    _section(value, "tasks")
    return value


def _section(value: dict[str, Any], name: str) -> dict[str, Any]:
    held = value.get(name) or {}
    if not isinstance(held, dict):
        raise TypeError(f"{name} has no keys")
    return held


def _lock(value: dict[str, Any]) -> dict[str, Any]:
    """Return by stage the hashes of what it read and wrote, and its parameters."""
    return {
        name: {
            "deps": {each["path"]: each.get("md5", "") for each in stage.get("deps") or ()},
            "outs": {each["path"]: each.get("md5", "") for each in stage.get("outs") or ()},
            "params": {file: dict(used) for file, used in (stage.get("params") or {}).items()},
        }
        for name, stage in (value.get("stages") or {}).items()
    }


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times faster, where it is built in
_PARTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "report.json": _report,
    "scores.json": _scores,
    LOCK: _lock,
    PARAMS: _params,
}


def _name(sha: str, path: str) -> str:
    # a blob may be found under two paths that are kept differently
    return f"{sha[:2]}/{sha[2:]}-{Path(path).name}.json"
