"""Training info: when the model's hash was committed, and which rows the final fold was fitted on."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trueline.service.status.stage_outputs import TaskOutputs

TIMEOUT_SECONDS = 20.0  # a git command takes a tenth of a second, reading the folds a second
READER_MODULE = "trueline.service.status.fold_dates"  # run in a child, so that this process needs no table library
LOCK_FILE = "dvc.lock"
NO_GIT = "There is no git repository here."

FoldRoles = Mapping[str, Mapping[str, Any]]  # by role in the final fold: rows, first and last day


@dataclass(frozen=True)
class TrainingInfo:
    """What is known about a training; what is not has its reason."""

    last_trained: str | None = None  # ISO 8601, committer date
    commit: str | None = None
    rows: Mapping[str, int] = field(default_factory=dict)  # by role in the final fold
    days: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # first and last, by role
    source: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)


def read_training_info(outputs: TaskOutputs, root: Path, fold_roles: FoldRoles | None) -> TrainingInfo:
    """Return what git and the folds reveal about a task's training.

    `fold_roles` is what `read_fold_roles` returned for the task's folds, None if they could not be read.
    """
    reasons: dict[str, str] = {}
    fold_file = f"data/folds/{outputs.task}.parquet"
    if fold_roles is None:
        reasons["training_window"] = outputs.missing_reasons.get(fold_file, f"{fold_file} cannot be read.")
    days = {
        role: (str(role_summary["first"]), str(role_summary["last"]))
        for role, role_summary in (fold_roles or {}).items()
        if role_summary["first"]
    }
    if fold_roles and not days:
        reasons["training_window"] = "The rows have no clock."
    rows = {role: int(role_summary["rows"] or 0) for role, role_summary in (fold_roles or {}).items()}
    commit = outputs.commit or _get_checked_out_commit(root, reasons)
    trained = _find_training_date(outputs, root, reasons)
    return TrainingInfo(trained, commit, rows, days, f"{fold_file}, fold final", reasons)


def read_fold_roles(folds: Sequence[Path]) -> dict[Path, FoldRoles]:
    """Return the roles in each file's final fold; empty if a file cannot be read. Takes about a second."""
    if not folds:
        return {}
    command = [sys.executable, "-m", READER_MODULE, *(str(file.resolve()) for file in folds)]
    code_folder = Path(__file__).parents[3]
    try:
        completed = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, cwd=code_folder)
        roles_by_file: dict[str, FoldRoles] = json.loads(completed.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return {}
    return {file: roles_by_file[str(file.resolve())] for file in folds if str(file.resolve()) in roles_by_file}


def _get_checked_out_commit(root: Path, reasons: dict[str, str]) -> str | None:
    """Return the checked-out commit, if the workspace's dvc.lock is the one in it."""
    head = run_git(root, "rev-parse", "HEAD")
    if head is None:
        reasons["commit"] = NO_GIT
        return None
    if run_git(root, "diff", "--quiet", "HEAD", "--", LOCK_FILE) is None:
        reasons["commit"] = f"{LOCK_FILE} of the workspace is not committed; {head[:7]} is checked out."
        return None
    return head


def _find_training_date(outputs: TaskOutputs, root: Path, reasons: dict[str, str]) -> str | None:
    """Return the committer date of the newest commit that introduced the model's hash into dvc.lock."""
    model_hash, rev = outputs.hashes.get(f"models/{outputs.task}/final"), outputs.commit or "HEAD"
    if model_hash is None or run_git(root, "rev-parse", rev) is None:
        reasons["last_trained"] = f"{LOCK_FILE} names no model." if model_hash is None else NO_GIT
        return None
    if run_git(root, "grep", "-q", model_hash, rev, "--", LOCK_FILE) is None:
        reasons["last_trained"] = f"The model's hash is not in {LOCK_FILE} of {rev[:7]}: it is not committed."
        return None
    date = run_git(root, "log", "-1", "--format=%cI", f"-S{model_hash}", rev, "--", LOCK_FILE)
    if not date:
        reasons["last_trained"] = "git's history does not go back to the commit that introduced the model."
    return date or None


def run_git(root: Path, *arguments: str) -> str | None:
    """Return git's output; None if the command fails or takes longer than TIMEOUT_SECONDS."""
    try:
        command = ["git", "-C", str(root), *arguments]
        completed = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return completed.stdout.strip() if completed.returncode == 0 else None
