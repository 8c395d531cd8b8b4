"""Whether Dask gives the bytes of the local engine, and what it costs: every task, with 1, 2 and 4 workers."""

import hashlib
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import yaml

from trueline.benchmarks._stage_processes import run_stage
from trueline.core.errors import UserError
from trueline.core.runtime.params import PARAMS_FILE, STAGES

NEEDED = ("stages", "trueline", "data/sample")
SPREAD_STAGES = ("tune", "train", "calibrate")  # whose work an engine spreads
WORKERS = (1, 2, 4)
COMPARED_WORKERS = 2  # with which the local engine runs
BUILT_FOLDERS = ("data", "models", "metrics")


class Run(NamedTuple):
    """One run of the stages that an engine spreads: the seconds of each, and the hash of every output."""

    seconds: dict[str, float]
    hashes: dict[str, str]


def main(*arguments: str) -> None:
    """Run the stages that an engine spreads, locally and by Dask, for some tasks, all by default.

    Prints the seconds of each stage, their ratio to those of the local engine with 2 workers, and how many outputs have
    other bytes; raises UserError if any has. `task=folder` takes the task's data from a folder instead of the sample.
    """
    print(
        f"{'task':<8} {'engine':<8} {'workers':>7} " + " ".join(f"{stage + ' s':>11}" for stage in SPREAD_STAGES),
        end="",
    )
    print(f" {'all s':>8} {'ratio':>6}  other bytes")
    params = yaml.safe_load(PARAMS_FILE.read_text())
    difference_count = 0
    for argument in arguments or params["tasks"]:
        task, _, source = argument.partition("=")
        difference_count += _compare_engines(task, source, params)
    if difference_count:
        raise UserError(f"{difference_count} outputs differ between the engines; an engine must change no byte.")


def _compare_engines(task: str, source: str, params: dict[str, Any]) -> int:
    """Print a line for each engine and number of workers; return how many outputs differ from the local ones."""
    if task not in params["tasks"]:
        raise UserError(f"params.yaml has no task {task!r}; allowed: {', '.join(params['tasks'])}.")
    if source:
        params["tasks"][task]["source"] = str(Path(source).absolute())
    with TemporaryDirectory() as name:
        folder = Path(name)
        for path in NEEDED:
            shutil.copytree(path, folder / path, ignore=shutil.ignore_patterns("__pycache__"))
        _write_engine(folder, params, "local", COMPARED_WORKERS)
        for stage in STAGES[: STAGES.index(SPREAD_STAGES[0])]:
            run_stage(stage, task, folder)
        local = _run_spread_stages(task, folder)
        _print_line(task, "local", COMPARED_WORKERS, local, local)
        runs = []
        for workers in WORKERS:
            _write_engine(folder, params, "dask", workers)
            runs.append(_run_spread_stages(task, folder))
            _print_line(task, "dask", workers, runs[-1], local)
    return sum(_count_differences(run, local) for run in runs)


def _write_engine(folder: Path, params: dict[str, Any], kind: str, workers: int) -> None:
    content = params | {"engine": {"kind": kind, "scheduler": None}, "workers": workers}
    (folder / PARAMS_FILE).write_text(yaml.safe_dump(content))


def _run_spread_stages(task: str, folder: Path) -> Run:
    seconds = {}
    for stage in SPREAD_STAGES:
        start = time.perf_counter()
        run_stage(stage, task, folder)
        seconds[stage] = time.perf_counter() - start
    return Run(seconds, hash_outputs(folder, BUILT_FOLDERS))


def hash_outputs(folder: Path, built_folders: Sequence[str]) -> dict[str, str]:
    """Return the hash of every file in some folders by its path, without the sample data."""
    files = (file for name in built_folders for file in (folder / name).rglob("*") if file.is_file())
    paths = {str(file.relative_to(folder)): file for file in files}
    return {
        path: hashlib.sha256(file.read_bytes()).hexdigest()
        for path, file in sorted(paths.items())
        if not path.startswith("data/sample/")
    }


def _print_line(task: str, engine: str, workers: int, run: Run, local: Run) -> None:
    total, local_total = sum(run.seconds.values()), sum(local.seconds.values())
    by_stage = " ".join(f"{seconds:>11.1f}" for seconds in run.seconds.values())
    differences = f"{_count_differences(run, local)} of {len(local.hashes)}"
    print(
        f"{task:<8} {engine:<8} {workers:>7} {by_stage} {total:>8.1f} {total / local_total:>6.2f}  {differences}",
        flush=True,
    )


def _count_differences(run: Run, local: Run) -> int:
    return sum(run.hashes.get(path) != local.hashes.get(path) for path in run.hashes | local.hashes)
