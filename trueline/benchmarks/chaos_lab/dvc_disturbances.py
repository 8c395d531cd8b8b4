"""Faults around DVC: two `dvc repro` at once, one that is killed, and a file of its cache that decayed."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from trueline.benchmarks.chaos_lab.small_project import SmallProject
from trueline.benchmarks.chaos_lab.stage_runs import Run, run_command
from trueline.benchmarks.chaos_lab.trials import (
    Finding,
    Problem,
    Reference,
    Trial,
    compare_hashes,
    get_last_line,
    hash_files,
)
from trueline.benchmarks.lie_lab.scratch_project import ROOT

ALL_STAGES = "all, by dvc repro"
DVC = (sys.executable, "-m", "dvc")
DVC_FILES = {"dvc.lock", ".gitignore"}  # DVC's own, which a project that DVC never ran does not have
LOCK_MESSAGE = "lock"  # DVC's own sentence on a second run names its lock

DvcFault = Callable[[Reference, SmallProject, random.Random], Iterator[Trial]]


def run_dvc_faults(reference: Reference, draw: random.Random, folder: Path) -> Iterator[Trial]:
    """Run every fault around DVC in a project that DVC knows."""
    project = _make_repository(reference, folder)
    for fault in (repro_twice, kill_repro, corrupt_cache):
        yield from fault(reference, project, draw)


def repro_twice(reference: Reference, project: SmallProject, draw: random.Random) -> Iterator[Trial]:
    """Start `dvc repro` twice at once: one may stop in a sentence, and the outputs are those of one."""
    processes = [_start_repro(project, number) for number in range(2)]
    runs = [_end_repro(project, process, number) for number, process in enumerate(processes)]
    findings = [finding for run in runs for finding in _check_dvc_messages(run)]
    if all(run.exit_code for run in runs):
        findings.append(Finding(Problem.NO_RECOVERY, get_last_line(runs[0].messages)))
    yield _make_trial("two dvc repro at once", reference, runs[1], [*findings, *_check_after(reference, project)])


def kill_repro(reference: Reference, project: SmallProject, draw: random.Random) -> Iterator[Trial]:
    """Kill -9 `dvc repro`, while the stage that it started goes on, and run it again at once."""
    for path in (project.folder / "data/features", project.folder / "data/prepared"):
        shutil.rmtree(path)
    (project.folder / "dvc.lock").unlink()
    shutil.rmtree(project.folder / ".dvc/cache", ignore_errors=True)
    process = _start_repro(project, 0)
    time.sleep(draw.uniform(3, 12))  # seconds: DVC itself needs some to begin
    process.send_signal(signal.SIGKILL)
    run = _end_repro(project, process, 0)
    yield _make_trial("dvc repro killed", reference, run, _check_after(reference, project))


def corrupt_cache(reference: Reference, project: SmallProject, draw: random.Random) -> Iterator[Trial]:
    """Change a byte of a table in DVC's cache, delete the table, and run `dvc repro`."""
    lock = yaml.safe_load((project.folder / "dvc.lock").read_text())
    for stage in ("prepare", "features"):
        output = next(out for out in lock["stages"][f"{stage}@{project.task}"]["outs"] if out["path"].endswith("quet"))
        cached = project.folder / ".dvc/cache/files/md5" / output["md5"][:2] / output["md5"][2:]
        content = bytearray(cached.read_bytes())
        content[draw.randrange(len(content))] ^= 1
        cached.chmod(0o644)
        cached.write_bytes(content)
        (project.folder / output["path"]).unlink()
        run = run_command(project, *DVC, "repro", f"diagnose@{project.task}")
        findings = [*_check_dvc_messages(run), *_check_after(reference, project)]
        yield _make_trial("corrupted file of DVC's cache", reference, run, findings)


def _make_repository(reference: Reference, folder: Path) -> SmallProject:
    """Return a copy of the reference as a git repository with DVC, in which no stage has run."""
    project = reference.project.copy_to(folder / "repository")
    project.remove_memory()
    for name in ("data/prepared", "data/folds", "data/features", "data/resampled", "data/scores", "data/predictions"):
        shutil.rmtree(project.folder / name, ignore_errors=True)
    for name in ("models", "metrics"):
        shutil.rmtree(project.folder / name, ignore_errors=True)
    (project.folder / ".dvc").mkdir()
    shutil.copy2(ROOT / ".dvc/config", project.folder / ".dvc")
    params = yaml.safe_load((project.folder / "params.yaml").read_text())
    params["tasks"] = {project.task: params["tasks"][project.task]}
    (project.folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    pipeline = yaml.safe_load((project.folder / "dvc.yaml").read_text())
    (project.folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": pipeline["stages"]}, sort_keys=False))
    run_command(project, "git", "init", "--quiet")
    author = ("-c", "user.name=chaos", "-c", "user.email=chaos@example.org")
    run_command(project, "git", *author, "commit", "--quiet", "--allow-empty", "--message", "start")
    return project


def _start_repro(project: SmallProject, number: int) -> subprocess.Popen[bytes]:
    with _name_messages(project, number).open("wb") as stream:
        return subprocess.Popen(
            [*DVC, "repro", f"diagnose@{project.task}"],
            cwd=project.folder,
            env=dict(os.environ),
            stdout=stream,
            stderr=stream,
        )


def _end_repro(project: SmallProject, process: subprocess.Popen[bytes], number: int) -> Run:
    process.wait()
    return Run(process.returncode, _name_messages(project, number).read_text(errors="replace"), 0.0)


def _name_messages(project: SmallProject, number: int) -> Path:
    return project.folder.with_name(f"repro-{number}.messages")


def _check_after(reference: Reference, project: SmallProject) -> list[Finding]:
    """Return what differs from the reference when `dvc repro` ran to its end, waiting for what still runs."""
    run = run_command(project, *DVC, "--wait-for-lock", "repro", f"diagnose@{project.task}")
    if run.exit_code:
        return [*_check_dvc_messages(run), Finding(Problem.NO_RECOVERY, get_last_line(run.messages))]
    changed = {"params.yaml", "dvc.yaml", *DVC_FILES}
    hashes = {name: digest for name, digest in hash_files(project.folder).items() if name not in changed}
    expected = {name: digest for name, digest in reference.hashes.items() if name not in changed}
    return compare_hashes({name: h for name, h in hashes.items() if Path(name).name not in DVC_FILES}, expected)


def _check_dvc_messages(run: Run) -> list[Finding]:
    return [Finding(Problem.TRACEBACK, get_last_line(run.messages))] if "Traceback" in run.messages else []


def _make_trial(fault: str, reference: Reference, run: Run, findings: list[Finding]) -> Trial:
    end = "killed" if run.is_killed else "refused" if run.exit_code else "completed"
    message = get_last_line(run.messages) if end == "refused" else ""
    return Trial(fault, reference.project.task, ALL_STAGES, end, message, tuple(findings))
