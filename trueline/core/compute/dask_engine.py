"""Dask as the engine: jobs as futures of a cluster that this process starts, or of one whose scheduler is named."""

import atexit
import logging
import os
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import Any, TypeVar

from trueline.core.errors import EngineError

try:
    import dask
    from distributed import Client, KilledWorker, LocalCluster
    from distributed.client import FutureCancelledError
except ImportError:
    raise EngineError(
        "engine.kind is 'dask', and the package `distributed` is not installed; install requirements.lock with `make`, "
        "or set engine.kind to local."
    ) from None

from trueline.core.compute import silent_worker
from trueline.core.compute.dask_worker import SURROUNDINGS, Asker, run_job
from trueline.core.runtime.file_guard import allow_messages
from trueline.core.runtime.imported_files import OWN_PACKAGES

In = TypeVar("In")
Out = TypeVar("Out")
CONNECT_SECONDS = 10  # within which a scheduler must answer
WORKERS_SECONDS = 60  # within which a scheduler must have a worker, or have one again
POLL_SECONDS = 30  # after which is looked whether any worker is left
SCHEDULER_COMMAND = "PYTHONPATH=. dask scheduler"
RUN = uuid.uuid4().hex  # tells the runs of stages apart that one cluster serves


def run_jobs(work: Callable[[In], Out], items: Sequence[In], workers: int, scheduler: str | None) -> Iterator[Out]:
    """Yield `work(item)` for every item, in order, computed by `workers` processes or those of the scheduler.

    A worker that dies is replaced, and its jobs are done again. Raises EngineError if the scheduler cannot be reached
    or is lost, and if a job ends every worker that it is given to. An error of a job is raised as it is.

    These are futures, not joblib's backend for Dask: under that, what a learner calls joblib for would be sent to the
    cluster too, from within a plugin, which connects to nothing.
    """
    client = _open_client(scheduler, workers)
    if client.status != "running":
        raise EngineError(_describe_loss(scheduler))
    asker = Asker(RUN, os.getcwd(), SURROUNDINGS)
    futures = client.map(partial(run_job, work=work, asker=asker), items, pure=False)
    for future in futures:
        yield _wait_for(future, client, scheduler)


def _wait_for(future: Any, client: Any, scheduler: str | None) -> Any:
    """Return the result of a future; raise its error, or EngineError if the engine failed."""
    try:
        while True:
            try:
                return future.result(timeout=POLL_SECONDS)  # which may also wait for a job to be done again
            except TimeoutError:
                if future.status == "error":  # the job itself raised it
                    raise
                _require_workers(client, scheduler)
    except KilledWorker:
        raise EngineError(
            "a job ended every Dask worker that it was given to, most likely because memory ran out; give each worker "
            "more memory, or start fewer on each machine."
        ) from None
    except FutureCancelledError:
        raise EngineError(_describe_loss(scheduler)) from None
    except (ModuleNotFoundError, RuntimeError) as error:
        cause = error.__cause__ or error
        if not isinstance(cause, ModuleNotFoundError) or (cause.name or "").split(".")[0] not in OWN_PACKAGES:
            raise
        raise EngineError(
            f"the Dask scheduler {scheduler}, or one of its workers, cannot load the code of this repository; start "
            f"both in its folder: `{SCHEDULER_COMMAND}` and `python -m trueline worker {scheduler}`."
        ) from None


def _describe_loss(scheduler: str | None) -> str:
    return (
        f"the Dask scheduler {scheduler or 'of this command'} was lost while it had jobs; start it and its workers "
        "again, and run the same command."
    )


@lru_cache(maxsize=1)
def _open_client(scheduler: str | None, workers: int) -> Any:
    """Return a client of the scheduler, or of a cluster on this machine; both are closed when the process ends."""
    _silence_dask()
    client = _create_client(scheduler) if scheduler else _start_cluster(workers)
    allow_messages(_find_loop_thread(client))
    return client


def _find_loop_thread(client: Any) -> int:
    """Return the identifier of the thread in which a client, and a cluster of this process, exchange messages."""
    return client.sync(_get_thread)  # type: ignore[no-any-return]


async def _get_thread() -> int:
    return threading.get_ident()


def _silence_dask() -> None:
    """Let Dask say nothing: what a user must know is an error of run_jobs."""
    dask.config.set(
        {"distributed.admin.large-graph-warning-threshold": "1 TiB", "distributed.scheduler.http.routes": []}
    )
    silent_worker.silence_dask_logs()


def _create_client(address: str) -> Any:
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except OSError:
        raise EngineError(
            f"no Dask scheduler answers at {address} (engine.scheduler) within {CONNECT_SECONDS} seconds; start one "
            f"in the folder of this repository (`{SCHEDULER_COMMAND}`), correct the address, or set it to null."
        ) from None
    atexit.register(client.close)
    _require_workers(client, address)
    return client


def _require_workers(client: Any, scheduler: str | None) -> None:
    """Wait until there is a worker; raise EngineError if there is none in time."""
    try:
        client.wait_for_workers(1, timeout=WORKERS_SECONDS)
    except TimeoutError:
        raise EngineError(
            f"the Dask scheduler {scheduler} has no worker; start one in the folder of this repository: "
            f"`python -m trueline worker {scheduler}`."
            if scheduler
            else "every Dask worker of this command has ended; run it again, with more memory or fewer workers."
        ) from None


def _start_cluster(workers: int) -> Any:
    cluster = LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        memory_limit=0,  # as with local processes, the machine's memory is the limit
        dashboard_address="127.0.0.1:0",  # any free port, for a server that serves nothing
        silence_logs=logging.CRITICAL + 1,
        preload=silent_worker.__name__,
        security=True,  # certificates of its own: no other user of this machine can hand its workers code to run
    )
    client = Client(cluster, set_as_default=False)
    atexit.register(cluster.close)
    atexit.register(client.close)
    return client
