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
from trueline.experiments.store.yaml_sections import load_yaml

# increase the number when the cached contents change; the folder is DVC's own, outside git
CACHE_FOLDER = Path(".dvc/tmp/trueline-registry/3")
PARAMS, LOCK, IGNORE_FILE = "params.yaml", "dvc.lock", ".dvcignore"
SCORES, REPORT = "metrics/{task}/scores.json", "metrics/{task}/report.json"

CommitFile = tuple[str, str]  # a commit and a path in it
Folder = tuple[str | None, str, str]  # the id of the commit's .dvcignore, a path, and the id of the tree that is there


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

    DVC's hash of a folder is that of the list of its files as JSON, without those that `.dvcignore` names. The number
    of git processes does not depend on the number of files, and a folder that many commits share is hashed once.
    """
    unique_files = list(dict.fromkeys(commit_files))
    ignore_files = [(rev, IGNORE_FILE) for rev in dict.fromkeys(rev for rev, _ in unique_files)]
    objects = git.resolve_objects([*unique_files, *ignore_files])
    object_by_file = {file: objects[file] for file in unique_files if file in objects}
    ignored_by = {rev: objects.get((rev, IGNORE_FILE), ("", None))[1] for rev, _ in ignore_files}
    blobs = {file: sha for file, (kind, sha) in object_by_file.items() if kind == "blob"}
    folders = {
        file: (ignored_by[file[0]], file[1], sha) for file, (kind, sha) in object_by_file.items() if kind == "tree"
    }
    members = _list_hashed_files(set(folders.values()))
    shas = {*blobs.values(), *(sha for files in members.values() for sha in files.values())}
    md5_by_sha = {sha: hashlib.md5(content).hexdigest() for sha, content in git.read_blobs(shas).items()}
    folder_hashes = {
        folder: _hash_file_list({path: md5_by_sha[sha] for path, sha in files.items()})
        for folder, files in members.items()
    }
    return {file: md5_by_sha[sha] for file, sha in blobs.items()} | {
        file: folder_hashes[folder] for file, folder in folders.items()
    }


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
        value = json.loads(content) if path.endswith(".json") else load_yaml(content)
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


def _list_hashed_files(folders: Iterable[Folder]) -> dict[Folder, dict[str, str]]:
    """Return the blob ids of the files that DVC hashes, by their path in each folder."""
    folders = list(folders)
    rules = git.read_blobs({ignore_sha for ignore_sha, _, _ in folders if ignore_sha})
    patterns = {sha: GitIgnoreSpec.from_lines(content.decode().splitlines()) for sha, content in rules.items()}
    blobs_by_tree = git.list_folder_blobs({tree for _, _, tree in folders})
    return {
        (ignore_sha, folder, tree): {
            path: sha
            for path, sha in blobs_by_tree[tree].items()
            if not (ignore_sha and patterns[ignore_sha].match_file(f"{folder}/{path}"))
        }
        for ignore_sha, folder, tree in folders
    }


def _hash_file_list(md5_by_path: dict[str, str]) -> str:
    entries = [{"md5": md5, "relpath": path} for path, md5 in sorted(md5_by_path.items())]
    return hashlib.md5(json.dumps(entries, sort_keys=True).encode()).hexdigest() + ".dir"


_PARSERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "report.json": _parse_report,
    "scores.json": _parse_scores,
    LOCK: _parse_lock,
    PARAMS: _parse_params,
}


def _build_cache_name(sha: str, path: str) -> str:
    # one blob may lie under two paths that are parsed differently
    return f"{sha[:2]}/{sha[2:]}-{Path(path).name}.json"
