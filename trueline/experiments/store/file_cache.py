"""Parsed files of commits, cached by content hash: a commit's files never change, so each is parsed once."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from pathspec import GitIgnoreSpec

from trueline.experiments.store import git, metric_definitions

# increase the number when the cached contents change; the folder is DVC's own, outside git
CACHE_FOLDER = Path(".dvc/tmp/trueline-registry/3")
PARAMS, LOCK, IGNORE_FILE = "params.yaml", "dvc.lock", ".dvcignore"
SCORES, REPORT = "metrics/{task}/scores.json", "metrics/{task}/report.json"

CommitFile = tuple[str, str]  # a commit and a path in it


def read_files(commit_files: Iterable[CommitFile]) -> dict[CommitFile, Any]:
    """Return the parsed contents of files of commits, None for missing ones; takes two git processes in all."""
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
    """Return the MD5 of files and the DVC hash of folders of commits, without missing ones; not cached.

    DVC's hash of a folder is that of the list of its files as JSON, without those that `.dvcignore` names.
    """
    objects = git.resolve_objects(commit_files)
    folders = {file: _list_hashed_files(*file, sha) for file, (kind, sha) in objects.items() if kind == "tree"}
    blobs = {file: sha for file, (kind, sha) in objects.items() if kind == "blob"}
    shas = [*blobs.values(), *(sha for members in folders.values() for sha in members.values())]
    md5_by_sha = {sha: hashlib.md5(content).hexdigest() for sha, content in git.read_blobs(shas).items()}
    folder_hashes = {
        file: _hash_file_list({path: md5_by_sha[sha] for path, sha in members.items()})
        for file, members in folders.items()
    }
    return {file: md5_by_sha[sha] for file, sha in blobs.items()} | folder_hashes


def read_workspace_file(path: str) -> Any:
    """Return the parsed contents of a workspace file, or None if it does not exist."""
    if not Path(path).exists():
        return None
    content = Path(path).read_bytes()
    name = _build_cache_name(hashlib.sha1(b"workspace" + content).hexdigest(), path)
    cached = get_cached(name)
    return cached if cached is not None else store_cached(name, parse_file(path, content))


def parse_file(path: str, content: bytes) -> Any:
    """Return the part of a file that is cached: scored rows, scores and intervals of a report, the hashes of a lock.

    Returns {} for a broken file, or one with something else where a number or a section is expected.
    """
    try:
        value = json.loads(content) if path.endswith(".json") else yaml.load(content, _LOADER)
        return _PARSERS.get(Path(path).name, dict)(value)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError, yaml.YAMLError):
        return {}


def get_cached(name: str) -> Any:
    """Return the value cached under a name, or None."""
    try:
        return json.loads((CACHE_FOLDER / name).read_bytes())
    except (OSError, ValueError):
        return None


def store_cached(name: str, value: Any) -> Any:
    """Cache a value under a name and return it as `get_cached` will; a killed process leaves no half-written entry.

    Where the cache cannot be written (a full disk, a read-only file system), the value is computed again next time.
    """
    text = json.dumps(value, default=str)
    draft = CACHE_FOLDER / f"{name}.{os.getpid()}.draft"
    try:
        draft.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text)
        os.replace(draft, CACHE_FOLDER / name)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return json.loads(text)


def _parse_report(value: dict[str, Any]) -> dict[str, Any]:
    return {
        "scored": _get_section(value, "scored"),
        "scores": _get_section(value, "scores"),
        "intervals": metric_definitions.extract_intervals(value),
    }


def _parse_scores(value: dict[str, Any]) -> dict[str, Any]:
    """Return the scores of each task; raises ValueError for a score that must be a number and reasons not in a list."""
    malformed = [
        name
        for scores in value.values()
        for name, score in scores.items()
        if metric_definitions.is_malformed_score(name, score)
    ]
    for scores in value.values():
        if not isinstance(scores.get(metric_definitions.BELIEVABLE_REASONS, []), list):
            raise ValueError("the reasons are not a list")
    if malformed:
        raise ValueError(f"{malformed[0]} is not a number")
    return value


def _parse_params(value: dict[str, Any]) -> dict[str, Any]:
    """Return parameters; raises TypeError if the tasks or the description of the experiment are malformed."""
    tags = _get_section(value, "experiment").get("tags") or []
    if not isinstance(tags, list):
        raise TypeError("the tags are not a list")
    _get_section(value, "tasks")
    return value


def _get_section(value: dict[str, Any], name: str) -> dict[str, Any]:
    section = value.get(name) or {}
    if not isinstance(section, dict):
        raise TypeError(f"{name} has no keys")
    return section


def _parse_lock(value: dict[str, Any]) -> dict[str, Any]:
    """Return by stage the hashes of its dependencies and outputs, and its parameters."""
    return {
        name: {
            "deps": {entry["path"]: entry.get("md5", "") for entry in stage.get("deps") or ()},
            "outs": {entry["path"]: entry.get("md5", "") for entry in stage.get("outs") or ()},
            "params": {file: dict(used) for file, used in (stage.get("params") or {}).items()},
        }
        for name, stage in (value.get("stages") or {}).items()
    }


def _list_hashed_files(rev: str, folder: str, tree: str) -> dict[str, str]:
    """Return the blob ids of the files in a folder that DVC hashes, by their path in it."""
    patterns = GitIgnoreSpec.from_lines((git.read_file(rev, IGNORE_FILE) or b"").decode().splitlines())
    members = git.list_folder_blobs(tree)
    return {path: sha for path, sha in members.items() if not patterns.match_file(f"{folder}/{path}")}


def _hash_file_list(md5_by_path: dict[str, str]) -> str:
    entries = [{"md5": md5, "relpath": path} for path, md5 in sorted(md5_by_path.items())]
    return hashlib.md5(json.dumps(entries, sort_keys=True).encode()).hexdigest() + ".dir"


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times faster, where it is built in
_PARSERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "report.json": _parse_report,
    "scores.json": _parse_scores,
    LOCK: _parse_lock,
    PARAMS: _parse_params,
}


def _build_cache_name(sha: str, path: str) -> str:
    # one blob may lie under two paths that are parsed differently
    return f"{sha[:2]}/{sha[2:]}-{Path(path).name}.json"
