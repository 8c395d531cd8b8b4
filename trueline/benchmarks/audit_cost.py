"""What share of a run's CPU time the score audit takes, with child processes, in a copy without what was built."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from trueline.core.errors import UserError
from trueline.core.runtime.params import PARAMS_FILE, STAGES

NEEDED = ("stages", "trueline", "params.yaml", "data/sample")
TIMED_STAGE = """
import runpy, sys, time
from trueline.core.score_audit import stage_audit
audit_stage = stage_audit.audit_stage

def time_audit(*arguments):
    start = time.process_time()
    audit = audit_stage(*arguments)
    print(time.process_time() - start, file=sys.stdout)
    return audit

stage, task = sys.argv[1:]
if stage in ("resample", "tune", "train", "calibrate"):
    stage_audit.audit_stage = time_audit
sys.argv = [stage, task]
runpy.run_module(f"stages.{stage}", run_name="__main__", alter_sys=True)
"""


def main(*tasks: str) -> None:
    """Run every stage of some tasks, all by default, and print the CPU seconds of each and of its audit."""
    print(f"{'task':<8} {'stage':<10} {'CPU s':>8} {'audit s':>8}  share")
    for task in tasks or yaml.safe_load(PARAMS_FILE.read_text())["tasks"]:
        with TemporaryDirectory() as folder:
            _copy_workspace(Path(folder))
            seconds = {stage: _measure_stage(stage, task, Path(folder)) for stage in STAGES}
        total, audit = (sum(times) for times in zip(*seconds.values(), strict=True))
        for stage, (stage_total, stage_audit) in (seconds | {"all": (total, audit)}).items():
            print(
                f"{task:<8} {stage:<10} {stage_total:>8.1f} {stage_audit:>8.1f}  {stage_audit / stage_total:.3f}",
                flush=True,
            )


def _copy_workspace(folder: Path) -> None:
    for name in NEEDED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if Path(name).is_dir():
            shutil.copytree(name, folder / name)
        else:
            shutil.copy2(name, folder / name)


def _measure_stage(stage: str, task: str, folder: Path) -> tuple[float, float]:
    """Return the CPU seconds of a stage with its child processes, and those of its audit."""
    command = [sys.executable, "-c", TIMED_STAGE, stage, task]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise UserError(f"{stage} of {task} fails; run `python -m stages.{stage} {task}` to see why.")
    printed = output.split()
    audit_seconds = float(printed[-1]) if stage in ("resample", "tune", "train", "calibrate") else 0.0
    return usage.ru_utime + usage.ru_stime, audit_seconds
