"""Trials: what a project held before a fault and after it, and what was lost, damaged or left behind."""

import hashlib
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from trueline.benchmarks.chaos_lab.small_project import SmallProject
from trueline.benchmarks.chaos_lab.stage_runs import Run

Hashes = dict[str, str]
# what runs keep for each other or leave to git and DVC, and bring no outputs
UNWATCHED = (".memory", ".tune", ".locks", ".temporary", ".git", ".dvc", "trueline", "stages")
LIVE_FOLDER = "curves"  # training curves are shown while a stage runs, and so they are written line by line


class Problem(Enum):
    """What must not come of a fault."""

    TRACEBACK = "traceback"
    UNCLEAR = "no clear sentence"
    HALF_WRITTEN = "half-written output"
    EARLIER_CHANGED = "changed input"
    OTHER_BYTES = "other bytes"
    LEFTOVER = "left-over file"
    NO_RECOVERY = "no recovery"


class Finding(NamedTuple):
    """A problem, and where it showed."""

    problem: Problem
    place: str


class Trial(NamedTuple):
    """One fault in one stage: how the run under it ended, and what problems came of it."""

    fault: str
    task: str
    stage: str
    end: str  # completed, refused, killed or skipped
    message: str  # the sentence of a refusal, or the reason why the fault cannot be made here
    findings: tuple[Finding, ...] = ()


class Reference(NamedTuple):
    """The project in which all stages ran undisturbed, and the hashes of all that it holds."""

    project: SmallProject
    hashes: Hashes
    seconds: dict[str, float]  # by stage


def hash_files(folder: Path) -> Hashes:
    """Return the hash of every file below a folder by its relative path, without what runs keep for each other."""
    files = [file for path in sorted(folder.iterdir()) if path.name not in UNWATCHED for file in list_files(path)]
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def check_fault(project: SmallProject, stage: str, run: Run, reference: Reference) -> list[Finding]:
    """Return what is wrong after a run under a fault: with its message, its outputs, and what was there before.

    An output must be absent or whole. After a run that completed, everything must be as in the reference.
    """
    hashes, outputs = hash_files(project.folder), project.list_outputs(stage)
    findings = _check_messages(run, f"{stage} {project.task}: ")
    for name, digest in reference.hashes.items():
        is_output = any((project.folder / name).is_relative_to(output) for output in outputs)
        if is_output and name in hashes and hashes[name] != digest and LIVE_FOLDER not in Path(name).parts:
            findings.append(Finding(Problem.HALF_WRITTEN, name))
        if not is_output and hashes.get(name) != digest:
            findings.append(Finding(Problem.EARLIER_CHANGED, name))
    if run.exit_code == 0:
        findings += compare_hashes(hashes, reference.hashes)
    elif not run.is_killed:  # nobody can clear up after kill -9
        findings += _find_leftovers(hashes, reference.hashes)
    return findings


def check_recovery(project: SmallProject, run: Run, reference: Reference) -> list[Finding]:
    """Return what is wrong after a run that followed when the fault was gone."""
    if run.exit_code:
        return [Finding(Problem.NO_RECOVERY, get_last_line(run.messages))]
    hashes = hash_files(project.folder)
    return [*compare_hashes(hashes, reference.hashes), *_find_drafts(project.folder)]


def compare_hashes(hashes: Hashes, expected: Hashes) -> list[Finding]:
    """Return a finding for each file that differs, is missing or was not there."""
    differing = [name for name, digest in expected.items() if hashes.get(name) != digest]
    return [*(Finding(Problem.OTHER_BYTES, name) for name in differing), *_find_leftovers(hashes, expected)]


def get_last_line(messages: str) -> str:
    """Return the last line of some messages; progress bars rewrite theirs with carriage returns."""
    lines = messages.replace("\r", "\n").strip().splitlines()
    return lines[-1].strip() if lines else ""


def _check_messages(run: Run, prefix: str) -> list[Finding]:
    last_line = get_last_line(run.messages)
    if "Traceback" in run.messages:
        return [Finding(Problem.TRACEBACK, last_line)]
    is_refusal = run.exit_code != 0 and not run.is_killed
    if is_refusal and not (run.exit_code == 1 and last_line.startswith(prefix) and last_line.endswith(".")):
        return [Finding(Problem.UNCLEAR, f"exit code {run.exit_code}: {last_line}")]
    return []


def _find_leftovers(hashes: Hashes, expected: Hashes) -> list[Finding]:
    return [Finding(Problem.LEFTOVER, name) for name in _drop_known(hashes, expected)]


def _drop_known(names: Iterable[str], hashes: Hashes) -> list[str]:
    return [name for name in names if name not in hashes and LIVE_FOLDER not in Path(name).parts]


def _find_drafts(folder: Path) -> list[Finding]:
    """Return what a kill left in the folders that no output lies in."""
    drafts = [file for name in (".memory", ".tune") for file in list_files(folder / name) if file.name[0] == "."]
    return [Finding(Problem.LEFTOVER, str(file.relative_to(folder))) for file in drafts]


def list_files(path: Path) -> list[Path]:
    """Return a file itself, or all files below a folder, sorted."""
    return [path] if path.is_file() else [file for file in sorted(path.rglob("*")) if file.is_file()]
