"""Independent jobs in several processes: results in the order of the inputs, progress on stderr."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from joblib import Parallel, delayed
from joblib.externals.loky import process_executor
from tqdm import tqdm

In = TypeVar("In")
Out = TypeVar("Out")


def run_in_parallel(work: Callable[[In], Out], inputs: Iterable[In], workers: int, label: str) -> list[Out]:
    """Return `work(item)` for every item, in order; the number of workers changes the time, never the results."""
    items = list(inputs)
    results = Parallel(n_jobs=min(workers, len(items)) or 1, return_as="generator", initializer=allow_growth)(
        delayed(work)(item) for item in items
    )
    return list(tqdm(results, total=len(items), desc=label, mininterval=1.0))


def allow_growth() -> None:
    """Let this worker process grow: loky takes one that grew by 300 MB after its first job for a leak and restarts it.

    It grows because later folds have more rows and other learners load other libraries. Each restart reads the tables
    again and warns. Without psutil, loky collects garbage every second instead.
    """
    process_executor._USE_PSUTIL = False
