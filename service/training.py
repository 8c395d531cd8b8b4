"""Training: when the model's hash came into git, and which rows the final fold was fitted on."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service.outputs import Outputs

PATIENCE = 20.0  # seconds; a question to git takes a tenth, one to the folds a second
READER = "service.fold_rows"  # in a process of its own, so that this one need not hold a table library
LOCK = "dvc.lock"
NO_GIT = "There is no git repository at hand."

Roles = Mapping[str, Mapping[str, Any]]  # by role in the final fold: rows, first and last day


@dataclass(frozen=True)
class Training:
    """What is known of a training; what is not has its reason."""

    last_trained: str | None = None  # ISO 8601, committer date
    commit: str | None = None
    rows: Mapping[str, int] = field(default_factory=dict)  # by role in the final fold
    days: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # first and last, by role
    source: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)


def training(outputs: Outputs, root: Path, held: Roles | None) -> Training:
    """Return what git and the folds at hand tell of a task's training; `held` is what `roles` found of its folds."""
    reasons: dict[str, str] = {}
    file = f"data/folds/{outputs.task}.parquet"
    if held is None:
        reasons["training_window"] = outputs.absent.get(file, f"{file} cannot be read.")
    days = {role: (str(one["first"]), str(one["last"])) for role, one in (held or {}).items() if one["first"]}
    if held and not days:
        reasons["training_window"] = "The rows have no clock."
    rows = {role: int(one["rows"] or 0) for role, one in (held or {}).items()}
    commit = outputs.commit or _committed(root, reasons)
    return Training(_trained(outputs, root, reasons), commit, rows, days, f"{file}, fold final", reasons)


def roles(folds: Sequence[Path]) -> dict[Path, Roles]:
    """Return what the final fold of each file holds; nothing of files that cannot be read. Takes about a second."""
    if not folds:
        return {}
    command = [sys.executable, "-m", READER, *(str(file.resolve()) for file in folds)]
    here = Path(__file__).parents[1]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, cwd=here)
        found: dict[str, Roles] = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return {}
    return {file: found[str(file.resolve())] for file in folds if str(file.resolve()) in found}


def _committed(root: Path, reasons: dict[str, str]) -> str | None:
    """Return the commit that is checked out, where dvc.lock is as it has it."""
    head = git(root, "rev-parse", "HEAD")
    if head is None:
        reasons["commit"] = NO_GIT
        return None
    if git(root, "diff", "--quiet", "HEAD", "--", LOCK) is None:
        reasons["commit"] = f"{LOCK} of the workspace is not committed; {head[:7]} is checked out."
        return None
    return head


def _trained(outputs: Outputs, root: Path, reasons: dict[str, str]) -> str | None:
    """Return the committer date of the newest commit that brought the model's hash into dvc.lock."""
    told, rev = outputs.hashes.get(f"models/{outputs.task}/final"), outputs.commit or "HEAD"
    if told is None or git(root, "rev-parse", rev) is None:
        reasons["last_trained"] = f"{LOCK} names no model." if told is None else NO_GIT
        return None
    if git(root, "grep", "-q", told, rev, "--", LOCK) is None:
        reasons["last_trained"] = f"The model's hash is not in {LOCK} of {rev[:7]}: it is not committed."
        return None
    found = git(root, "log", "-1", "--format=%cI", f"-S{told}", rev, "--", LOCK)
    if not found:
        reasons["last_trained"] = "git's history does not go back to the commit that brought the model."
    return found or None


def git(root: Path, *words: str) -> str | None:
    """Return what git says, None where it says no."""
    try:
        command = ["git", "-C", str(root), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
