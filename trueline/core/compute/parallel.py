"""Independent jobs in several processes: results in the order of the inputs, progress on stderr."""

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import TypeVar

from joblib import Parallel, delayed
from joblib.externals.loky import process_executor
from tqdm import tqdm

from trueline.core.runtime.params import EngineSettings

In = TypeVar("In")
Out = TypeVar("Out")
LOCAL = EngineSettings(kind="local", scheduler=None)
DASK_MODULE = "trueline.core.compute.dask_engine"  # loaded only if it is asked for: its library is an extra


def run_in_parallel(
    work: Callable[[In], Out], inputs: Iterable[In], workers: int, label: str, engine: EngineSettings = LOCAL
) -> list[Out]:
    """Return `work(item)` for every item, in order; workers and engine change the time, never the results.

    Progress is shown if there are several items.
    """
    items = list(inputs)
    results = _start_jobs(work, items, workers, engine)
    return list(tqdm(results, total=len(items), desc=label, mininterval=1.0, disable=len(items) < 2))


def run_brief_jobs(
    work: Callable[[In], Out], inputs: Iterable[In], workers: int, label: str, engine: EngineSettings
) -> list[Out]:
    """Return `run_in_parallel` of jobs so brief, or so few, that the local engine does them in this process."""
    return run_in_parallel(work, inputs, limit_brief_workers(workers, engine), label, engine)


def limit_brief_workers(workers: int, engine: EngineSettings) -> int:
    """Return the number of workers for jobs so brief, or so few, that the local engine does them in this process."""
    return workers if engine.kind == "dask" else 1


def _start_jobs(work: Callable[[In], Out], items: list[In], workers: int, engine: EngineSettings) -> Iterable[Out]:
    if engine.kind == "dask" and items:
        futures: Iterator[Out] = import_module(DASK_MODULE).run_jobs(work, items, workers, engine.scheduler)
        return futures
    results: Iterable[Out] = Parallel(
        n_jobs=min(workers, len(items)) or 1, return_as="generator", initializer=allow_growth
    )(delayed(work)(item) for item in items)
    return results


def allow_growth() -> None:
    """Let this worker process grow: loky takes one that grew by 300 MB after its first job for a leak and restarts it.

    It grows because later folds have more rows and other learners load other libraries. Each restart reads the tables
    again and warns. Without psutil, loky collects garbage every second instead.
    """
    process_executor._USE_PSUTIL = False
