"""Silent worker: preloaded by the Dask workers of a command, so that Dask prints nothing there when one ends early.

What a user must know is raised where the results are awaited; a worker that is lost is replaced.
"""

import logging
import os
import sys

DASK_LOGGERS = ("distributed", "distributed.client", "distributed.worker", "distributed.nanny", "asyncio")


def silence_dask_logs() -> None:
    """Let Dask log nothing in this process."""
    for name in DASK_LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def dask_setup(_worker: object) -> None:
    """Called by Dask when it preloads this module in a worker: send what Python prints outside a job to nowhere.

    An exception that ends the process is printed by `multiprocessing`, not logged.
    """
    silence_dask_logs()
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 (for as long as the process lives)
