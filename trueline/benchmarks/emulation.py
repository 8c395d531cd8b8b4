"""The bytes of another processor: stages and fits under an emulated Haswell (qemu-user) compared with native ones.

Needs `qemu-x86_64` (Debian: qemu-user) and outputs that `dvc repro` has just made. Emulation takes ten to forty times
as long. A child process would run natively, so everything runs in one process. qemu is reliable only with NumPy at its
baseline instruction set.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import yaml

from trueline.benchmarks.pins import copy_repository
from trueline.core.errors import UserError, did_you_mean
from trueline.core.runtime.params import PARAMS_FILE, STAGES, expand_params, list_section_names

QEMU = ("qemu-x86_64", "-cpu", "Haswell-v1")  # from 2013: AVX2 and FMA, no AVX-512
FAST_STAGES = ("prepare", "features", "calibrate")  # the stages that take minutes; the others take hours
OUTPUT_FOLDERS = ("data", "models", "metrics")
FIT_SCRIPT = """
import stages
import hashlib, json, sys
from pathlib import Path
from tempfile import TemporaryDirectory
from trueline.core.splits import fold_data, walk_forward
from trueline.core.runtime.plugins import load_plugin
task, learner, settings = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
names = (f"data/features/{task}.parquet", f"data/folds/{task}.parquet", f"data/resampled/{task}")
paths = [Path(name) for name in names]
table, plugin = fold_data.read_fold_tables(*paths), load_plugin("train", learner)
fold = walk_forward.list_folds(table.folds, "tune")[0]
fit, later = table.get_resampled_rows(fold), table.get_rows(fold, "score")
model = plugin.fit(fit, plugin.Settings(**settings), 0)
digest = hashlib.sha256(plugin.score(model, later.x).tobytes())
with TemporaryDirectory() as folder:
    plugin.save(model, Path(folder) / "model")
    for file in sorted(Path(folder).rglob("*")):
        digest.update(file.read_bytes() if file.is_file() else b"")
print(digest.hexdigest())
"""
SHORT_ROUNDS = {"iterations": 30, "epochs": 2, "trees": 30}  # rounds of a fit: more would repeat the same instructions


def main(*names: str) -> None:
    """Print whether emulation gives the same bytes, for the named tasks (default: all); `whole` runs all stages."""
    if not shutil.which(QEMU[0]):
        raise UserError(f"{QEMU[0]} is not installed; on Debian: apt-get install qemu-user.")
    known_tasks = list_section_names("tasks")
    tasks = [name for name in names if name != "whole"] or known_tasks
    if unknown := sorted(set(tasks) - set(known_tasks)):
        raise UserError(f"there is no task {unknown[0]!r}; {did_you_mean(unknown[0], [*known_tasks, 'whole'])}")
    with TemporaryDirectory() as folder:
        copy = copy_outputs(copy_repository(Path(folder) / "emulated"))
        for task in tasks:
            for stage in STAGES if "whole" in names else FAST_STAGES:
                emulate_stage(stage, task, copy)
        for task in tasks:
            for learner in list_section_names("train", task):
                emulate_fit(learner, task, copy)


def copy_outputs(folder: Path) -> Path:
    """Add the outputs of the stages to a copy, and set it to use one process."""
    for name in OUTPUT_FOLDERS:
        if not Path(name).exists():
            raise UserError(f"{name} is missing; run `dvc repro` first.")
        shutil.copytree(name, folder / name, dirs_exist_ok=True)
    params = yaml.safe_load(PARAMS_FILE.read_text()) | {"workers": 1}
    (folder / PARAMS_FILE).write_text(yaml.safe_dump(params, sort_keys=False))
    return folder


def emulate_stage(stage: str, task: str, copy: Path) -> None:
    """Run a stage under emulation and print which files differ from those of this checkout."""
    start = monotonic()
    run_command([*QEMU, sys.executable, "-m", f"stages.{stage}", task], copy)
    differing = [name for name, content in read_outputs(copy) if content != Path(name).read_bytes()]
    print_verdict(f"{stage} {task}", differing, start)


def emulate_fit(learner: str, task: str, copy: Path) -> None:
    """Fit a learner natively and under emulation on the same rows and print whether model and scores are the same."""
    settings = expand_params(yaml.safe_load(PARAMS_FILE.read_text()))["train"][task][learner]
    if not Path(f"stages/train/{learner}.py").exists():
        return  # not a learner: the settings of the baseline and of the comparison learners are in the same section
    settings |= {name: short_rounds for name, short_rounds in SHORT_ROUNDS.items() if name in settings}
    start = monotonic()
    command = [sys.executable, "-c", FIT_SCRIPT, task, learner, json.dumps(settings)]
    digests = [run_command([*emulator, *command], copy) for emulator in ((), QEMU)]
    print_verdict(f"fit {learner} {task}", ["model or scores"] if digests[0] != digests[1] else [], start)


def read_outputs(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the path, relative to the folder, and the content of every output file."""
    for name in OUTPUT_FOLDERS:
        for path in sorted((folder / name).rglob("*")):
            if path.is_file():
                yield str(path.relative_to(folder)), path.read_bytes()


def print_verdict(title: str, differing: list[str], start: float) -> None:
    """Print one line: title, seconds since `start`, and which outputs differ."""
    verdict = f"DIFFERS: {', '.join(differing)}" if differing else "same bytes"
    print(f"{title:<32}{monotonic() - start:8.0f} s  {verdict}", flush=True)


def run_command(command: list[str], folder: Path) -> str:
    """Run a command in a folder and return its output; raises UserError if it fails."""
    completed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if completed.returncode:
        raise UserError(f"{' '.join(command[:8])[:200]} failed: {completed.stderr[-500:]}")
    return completed.stdout
