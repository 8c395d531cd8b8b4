"""Jobs for Dask workers, and a script that runs them as a stage would and prints what came of them."""

import asyncio
import json
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from trueline.core.compute import dask_engine
from trueline.core.compute.dask_worker import SURROUNDINGS
from trueline.core.compute.parallel import run_in_parallel
from trueline.core.errors import EngineError
from trueline.core.runtime.params import EngineSettings


def square(item: int) -> int:
    return item * item


def square_and_die_once(item: int) -> int:
    """Return the square; the first worker that gets the 3 is killed before it answers."""
    marker = Path("killed")
    if item == 3 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item * item


def square_and_end_with_an_error(item: int) -> int:
    """Return the square; the first worker that gets the 3 ends between two jobs, and what Dask makes of it is printed.

    So it is when Dask cannot close a worker in order.
    """
    from distributed import get_worker  # imports NumPy, which must come after Trueline

    marker, worker = Path("failed"), get_worker()

    async def end_between_jobs() -> None:
        while worker.state.executing_count:
            await asyncio.sleep(0.01)
        logging.getLogger("distributed.worker").error("ConnectionPool is closed")
        print("RuntimeError: ConnectionPool is closed", file=sys.stderr)
        marker.touch()
        os._exit(1)

    if item == 3 and not marker.exists():
        worker.loop.add_callback(end_between_jobs)
    time.sleep(0.2)
    return item * item


def warn_once(item: int) -> int:
    """Return the item; print a line for the first one, as a library does that warns."""
    if item == 0:
        print("a job's own warning", file=sys.stderr)
    return item


def die_at_three(item: int) -> int:
    if item == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def wait_and_square(item: int) -> int:
    Path("begun").touch()
    time.sleep(2)
    return item * item


def describe_place(item: int) -> tuple[int, str | None, str]:
    """Return what a job finds: its item, the pinned number of threads, and its folder."""
    return item, os.environ.get("OPENBLAS_NUM_THREADS"), str(Path.cwd())


def main(scheduler: str, *names: str) -> None:
    """Run six jobs of each name by Dask, with two workers or at a scheduler, and print results or errors as JSON."""
    dask_engine.POLL_SECONDS, dask_engine.WORKERS_SECONDS = 3, 20
    engine = EngineSettings(kind="dask", scheduler=scheduler or None)
    outcomes: list[Any] = []
    for name in names:
        if name == "other_code":
            SURROUNDINGS["code or libraries"] = "another hash"
            name = "square"
        try:
            outcomes.append(run_in_parallel(globals()[name], range(6), 2, name, engine))
        except EngineError as error:
            outcomes.append(str(error))
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main(*sys.argv[1:])
