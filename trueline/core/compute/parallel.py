"""Independent jobs in several processes: results in the order of the inputs, progress on stderr."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from joblib import Parallel, delayed
from tqdm import tqdm

In = TypeVar("In")
Out = TypeVar("Out")


def run_in_parallel(work: Callable[[In], Out], inputs: Iterable[In], workers: int, label: str) -> list[Out]:
    """Return `work(item)` for every item, in order; the number of workers changes the time, never the results."""
    items = list(inputs)
    results = Parallel(n_jobs=min(workers, len(items)) or 1, return_as="generator")(
        delayed(work)(item) for item in items
    )
    return list(tqdm(results, total=len(items), desc=label, mininterval=1.0))
