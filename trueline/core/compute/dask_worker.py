"""Jobs on a Dask worker: each runs in the folder of the stage that asks for it, by that stage's code or not at all."""

import os
import platform
import sys
import threading
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import dataclass
from typing import Any, TypeVar

from distributed import get_worker

from trueline.core.errors import EngineError
from trueline.core.runtime.file_guard import allow_messages
from trueline.core.runtime.memory import hash_own_code, list_numeric_kernels
from trueline.core.runtime.params import STAGES

In = TypeVar("In")
Out = TypeVar("Out")
START_COMMAND = "`python -m trueline worker ADDRESS`"


@dataclass(frozen=True)
class Asker:
    """The run of a stage that asks for jobs: a name of its own, its folder, and what a worker must have as it has."""

    run: str
    folder: str
    surroundings: dict[str, Any]


def describe_surroundings() -> dict[str, Any]:
    """Return what a result may depend on beside its inputs, by the name that an error message gives it."""
    return {
        "Python": f"{platform.machine()} {sys.version}",
        "numeric kernels": list_numeric_kernels(),
        "code or libraries": hash_own_code(*STAGES),
    }


# as this process was started: code that changes on the disk later is not what it runs
SURROUNDINGS = describe_surroundings()
_last_run: list[tuple[str, str]] = []


def run_job(item: In, work: Callable[[In], Out], asker: Asker) -> Out:
    """Return `work(item)`, computed in the folder of the asker.

    Raises EngineError if this worker has another Python, other kernels or other code, does not see the folder, or runs
    several jobs at a time.
    """
    _check_surroundings(asker)
    _open_folder(asker)
    allow_messages(threading.main_thread().ident or 0)
    with redirect_stderr(sys.__stderr__):
        return work(item)


def _check_surroundings(asker: Asker) -> None:
    worker = get_worker()
    for name, value in asker.surroundings.items():
        if SURROUNDINGS[name] != value:
            raise EngineError(
                f"the Dask worker {worker.address} has not the {name} of this command; start it again in the folder of "
                f"this repository, with the same environment: {START_COMMAND}."
            )
    if worker.state.nthreads != 1:
        raise EngineError(
            f"the Dask worker {worker.address} runs {worker.state.nthreads} jobs at a time in one process, and only 1 "
            f"gives the same bytes; start it as {START_COMMAND} does."
        )


def _open_folder(asker: Asker) -> None:
    """Work in the asker's folder; a plugin that served another run or folder is loaded anew."""
    try:
        os.chdir(asker.folder)
    except OSError as error:
        raise EngineError(
            f"the Dask worker {get_worker().address} cannot open {asker.folder} ({error.strerror}); keep the "
            "repository on storage that every worker sees under the same path."
        ) from None
    if _last_run != [(asker.run, asker.folder)]:
        for name in [name for name in sys.modules if name.startswith("stages.")]:
            del sys.modules[name]
        _last_run[:] = [(asker.run, asker.folder)]
