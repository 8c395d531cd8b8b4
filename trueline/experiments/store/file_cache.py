"""Parsed: files of commits, read once and remembered by their content, for git's answers never change."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml

from trueline.experiments.store import git, metric_definitions

# the number changes with what is kept here; the folder is DVC's own, outside git
CACHE_FOLDER = Path(".dvc/tmp/trueline-registry/2")
PARAMS, LOCK = "params.yaml", "dvc.lock"
SCORES, REPORT = "metrics/{task}/scores.json", "metrics/{task}/report.json"

CommitFile = tuple[str, str]  # a commit and a path in it


def read_files(commit_files: Iterable[CommitFile]) -> dict[CommitFile, Any]:
    """Return what files of commits hold, None where a commit has no such file; two git processes in all."""
    blobs = git.resolve_blobs(commit_files)
    path_by_sha = {sha: path for (_, path), sha in blobs.items() if sha}
    value_by_sha = {
        sha: value
        for sha, path in path_by_sha.items()
        if (value := get_cached(_build_cache_name(sha, path))) is not None
    }
    for sha, content in git.read_blobs(path_by_sha.keys() - value_by_sha.keys()).items():
        value_by_sha[sha] = store_cached(
            _build_cache_name(sha, path_by_sha[sha]), parse_file(path_by_sha[sha], content)
        )
    return {file: value_by_sha[sha] if sha else None for file, sha in blobs.items()}


def hash_files(commit_files: Iterable[CommitFile]) -> dict[CommitFile, str]:
    """Return the MD5 of files of commits, without those that a commit does not have; nothing of it is remembered."""
    blobs = {file: sha for file, sha in git.resolve_blobs(commit_files).items() if sha}
    md5_by_sha = {sha: hashlib.md5(content).hexdigest() for sha, content in git.read_blobs(blobs.values()).items()}
    return {file: md5_by_sha[sha] for file, sha in blobs.items()}


def read_workspace_file(path: str) -> Any:
    """Return what a file of the workspace holds, or None."""
    if not Path(path).exists():
        return None
    content = Path(path).read_bytes()
    name = _build_cache_name(hashlib.sha1(b"workspace" + content).hexdigest(), path)
    cached = get_cached(name)
    return cached if cached is not None else store_cached(name, parse_file(path, content))


def parse_file(path: str, content: bytes) -> Any:
    """Return what of a file is kept: of a report the scored rows and intervals, of a lock its hashes.

    Of a file that is broken, or has something else where a number or a section must stand, nothing is kept: {}.
    """
    try:
        value = json.loads(content) if path.endswith(".json") else yaml.load(content, _LOADER)
        return _PARSERS.get(Path(path).name, dict)(value)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError, yaml.YAMLError):
        return {}


def get_cached(name: str) -> Any:
    """Return what was remembered under a name, or None."""
    try:
        return json.loads((CACHE_FOLDER / name).read_bytes())
    except (OSError, ValueError):
        return None


def store_cached(name: str, value: Any) -> Any:
    """Remember a value under a name; a run that is killed leaves nothing half written. Returns what recall will."""
    text = json.dumps(value, default=str)
    (CACHE_FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
    draft = CACHE_FOLDER / f"{name}.{os.getpid()}.draft"
    draft.write_text(text)
    os.replace(draft, CACHE_FOLDER / name)
    return json.loads(text)


def _parse_report(value: dict[str, Any]) -> dict[str, Any]:
    return {"scored": _get_section(value, "scored"), "intervals": metric_definitions.extract_intervals(value)}


def _parse_scores(value: dict[str, Any]) -> dict[str, Any]:
    """Return the scores of each task; refuses text where a number must stand, that of other scores is kept."""
    malformed = [
        name
        for scores in value.values()
        for name, score in scores.items()
        if metric_definitions.is_malformed_score(name, score)
    ]
    if malformed:
        raise ValueError(f"{malformed[0]} is not a number")
    return value


def _parse_params(value: dict[str, Any]) -> dict[str, Any]:
    """Return parameters; refuses those whose plan or description cannot be read."""
    tags = _get_section(value, "experiment").get("tags") or []
    if not isinstance(tags, list):
        raise TypeError("the tags are no list")
    _get_section(value, "tasks")
    return value


def _get_section(value: dict[str, Any], name: str) -> dict[str, Any]:
    section = value.get(name) or {}
    if not isinstance(section, dict):
        raise TypeError(f"{name} has no keys")
    return section


def _parse_lock(value: dict[str, Any]) -> dict[str, Any]:
    """Return by stage the hashes of what it read and wrote, and its parameters."""
    return {
        name: {
            "deps": {entry["path"]: entry.get("md5", "") for entry in stage.get("deps") or ()},
            "outs": {entry["path"]: entry.get("md5", "") for entry in stage.get("outs") or ()},
            "params": {file: dict(used) for file, used in (stage.get("params") or {}).items()},
        }
        for name, stage in (value.get("stages") or {}).items()
    }


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times faster, where it is built in
_PARSERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "report.json": _parse_report,
    "scores.json": _parse_scores,
    LOCK: _parse_lock,
    PARAMS: _parse_params,
}


def _build_cache_name(sha: str, path: str) -> str:
    # a blob may be found under two paths that are kept differently
    return f"{sha[:2]}/{sha[2:]}-{Path(path).name}.json"
