"""What share of a run's CPU time the score audit takes, with child processes, in a copy without what was built.

The stages that audit themselves run twice, without and with the audit; the difference is what it costs.
"""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from trueline.benchmarks._stage_processes import run_stage
from trueline.core.runtime.params import PARAMS_FILE, STAGES

NEEDED = ("stages", "trueline", "data/sample")
AUDITED_STAGES = ("resample", "tune", "train", "calibrate")


def main(*tasks: str) -> None:
    """Run every stage of some tasks, all by default, and print the CPU seconds of each and of its audit."""
    print(f"{'task':<8} {'stage':<10} {'CPU s':>8} {'audit s':>8}  share")
    params = yaml.safe_load(PARAMS_FILE.read_text())
    for task in tasks or params["tasks"]:
        with TemporaryDirectory() as name:
            folder = Path(name)
            for needed in NEEDED:
                shutil.copytree(needed, folder / needed, ignore=shutil.ignore_patterns("__pycache__"))
            seconds = {stage: _measure_stage(stage, task, folder, params) for stage in STAGES}
        total, audit = (sum(times) for times in zip(*seconds.values(), strict=True))
        for stage, (stage_total, stage_audit) in (seconds | {"all": (total, audit)}).items():
            print(
                f"{task:<8} {stage:<10} {stage_total:>8.1f} {stage_audit:>8.1f}  {stage_audit / stage_total:.3f}",
                flush=True,
            )


def _measure_stage(stage: str, task: str, folder: Path, params: dict[str, Any]) -> tuple[float, float]:
    """Return the CPU seconds of a stage, and how many of them it would not take without its audit."""
    if stage not in AUDITED_STAGES:
        return _run_with_params(stage, task, folder, params), 0.0
    without_audit = _run_with_params(stage, task, folder, params | {"score_audit": {"folds": 0}})
    seconds = _run_with_params(stage, task, folder, params)
    return seconds, seconds - without_audit


def _run_with_params(stage: str, task: str, folder: Path, params: dict[str, Any]) -> float:
    """Return the CPU seconds of a stage with its child processes, without results of earlier runs."""
    (folder / PARAMS_FILE).write_text(yaml.safe_dump(params, sort_keys=False))
    return run_stage(stage, task, folder)
