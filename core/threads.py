"""Threads: one for each fit, for jobs run side by side, and sums taken in one order give the same bits every time."""

from contextlib import AbstractContextManager
from typing import Any

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped,unused-ignore]


def one_thread() -> AbstractContextManager[Any]:
    """Return a context in which linear algebra and OpenMP use one thread."""
    limits: AbstractContextManager[Any] = threadpool_limits(1)
    return limits
