"""python -m trueline worker ADDRESS [COUNT]: run Dask workers that compute this folder's stages as the stages would."""

import re
import sys

from trueline.core.runtime.params import SCHEDULER_PATTERN

USAGE = "usage: python -m trueline worker ADDRESS [COUNT], with ADDRESS as tcp://10.0.0.5:8786"
GIVE_UP_SECONDS = 60  # after which a worker ends that has not found its scheduler


def main(arguments: list[str]) -> None:
    """Run COUNT worker processes, by default one, for the scheduler at ADDRESS, until they are interrupted."""
    address, count = (*arguments, "1")[:2] if len(arguments) in (1, 2) else ("", "")
    if not re.fullmatch(SCHEDULER_PATTERN, address) or not re.fullmatch("[1-9][0-9]*", count):
        sys.exit(USAGE)
    try:
        from distributed.cli.dask_worker import main as run_dask_worker
    except ImportError:
        sys.exit("worker: the package `distributed` is not installed; install requirements.lock with `make`.")
    run_dask_worker(
        [
            *(address, "--nworkers", count, "--nthreads", "1", "--memory-limit", "0", "--no-dashboard"),
            *("--preload", "trueline.core.compute.dask_worker", "--death-timeout", str(GIVE_UP_SECONDS)),
        ]
    )


if __name__ == "__main__":
    main(sys.argv[1:])
