"""Stages run in processes that are forked from one that has imported the libraries already, which spares seconds each.

Whatever a stage does, and the code that it does it with, is that of `python -m stages.STAGE TASK` in the same folder.
This file imports nothing of the repository: the stage must import it from the folder that it runs in.
"""

import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path

LIBRARIES = [
    *("joblib", "optuna", "pandas", "pyarrow.parquet", "pydantic", "scipy.optimize", "scipy.sparse.csgraph"),
    *("catboost", "dvclive", "xgboost"),
]
OWN_PACKAGES = ("trueline", "stages", "tests")
STREAMS = ("stdout", "stderr")


def run_stages(folder: Path, stages: Sequence[str], task: str, timeout: float) -> subprocess.CompletedProcess[str]:
    """Run some stages of a task in a folder, one after another in one process, and return what came of it."""
    context = get_context("forkserver")
    context.set_forkserver_preload(LIBRARIES)
    with tempfile.TemporaryDirectory() as streams:
        arguments = (str(folder), tuple(stages), task, streams, dict(os.environ))
        process = context.Process(target=_run_in_folder, args=arguments)
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired([*stages, task], timeout)
        output = [(Path(streams) / name).read_text() for name in STREAMS]
    return subprocess.CompletedProcess([*stages, task], process.exitcode, *output)


def _run_in_folder(folder: str, stages: Sequence[str], task: str, streams: str, environment: Mapping[str, str]) -> None:
    for number, name in enumerate(STREAMS, start=1):
        os.dup2(os.open(f"{streams}/{name}", os.O_WRONLY | os.O_CREAT), number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for name in [name for name in sys.modules if name.split(".")[0] in OWN_PACKAGES]:
        del sys.modules[name]
    sys.path[:] = [folder, *(path for path in sys.path if path not in ("", str(Path(__file__).parents[1])))]
    try:
        for stage in stages:
            sys.argv = [stage, task]
            runpy.run_module(f"stages.{stage}", run_name="__main__", alter_sys=True)
    finally:
        _stop_workers()


def _stop_workers() -> None:
    """End idle workers: a process of multiprocessing would wait the five minutes until they end by themselves."""
    loky = sys.modules.get("joblib.externals.loky.reusable_executor")
    if loky is not None and loky._executor is not None:
        loky._executor.shutdown(wait=True)
