"""One thread per fit: jobs already run side by side, and sums taken in one order give the same bits every time."""

import sys
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped,unused-ignore]


def limit_to_one_thread() -> AbstractContextManager[Any]:
    """Return a context in which linear algebra and OpenMP use one thread.

    Limit: a library that is loaded without an import is noticed only after the next import.
    """
    thread_limits: AbstractContextManager[Any] = _find_thread_libraries(len(sys.modules)).limit(limits=1)
    return thread_limits


@lru_cache(maxsize=1)
def _find_thread_libraries(module_count: int) -> ThreadpoolController:
    """Return the loaded libraries that have threads of their own.

    Finding them takes milliseconds, so the result is kept until the number of imported modules changes.
    """
    return ThreadpoolController()
