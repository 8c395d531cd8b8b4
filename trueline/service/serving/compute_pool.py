"""Compute pool: a few threads and a short queue for requests that take long, so that the event loop stays free.

A request that finds the queue full, or is not answered in time, is refused; one whose client has left is not computed.
"""

import asyncio
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from time import perf_counter
from typing import Any, TypeVar

from starlette.types import Receive

T = TypeVar("T")
SMOOTHING = 0.2  # weight of the latest job in the mean duration


class OverloadError(Exception):
    """The request was refused, because more are waiting than can be answered in time."""

    def __init__(self, retry_seconds: int) -> None:
        super().__init__(retry_seconds)
        self.retry_seconds = retry_seconds


class AbandonedError(Exception):
    """The client has left before its answer was computed."""


class Claim:
    """Decides once whether a request is answered or given up: whoever takes the claim first."""

    def __init__(self) -> None:
        self._lock = Lock()

    def take(self) -> bool:
        """Return True to the first who calls this, False to any other."""
        return self._lock.acquire(blocking=False)


class ComputePool:
    """Threads that answer requests, and how many may wait for them and how long."""

    def __init__(self, threads: int, max_waiting: int, deadline_seconds: float) -> None:
        self._threads, self._max_jobs, self._deadline_seconds = threads, threads + max_waiting, deadline_seconds
        self._executor = self._create_executor()
        self._jobs, self._mean_seconds, self._lock = 0, 0.1, Lock()

    async def run_job(
        self, compute: Callable[[Claim], T], receive: Receive, sends_no_more: asyncio.Event | None = None
    ) -> T:
        """Return the result of `compute` in a thread; it takes its claim before it logs or counts its result.

        Raises OverloadError if too many wait or the deadline passes first. Raises AbandonedError if `receive` reports
        that the client has left, or if it stops sending before `compute` has begun. Then `compute` is not begun, or
        does not get its claim.
        """
        if self._jobs >= self._max_jobs:
            raise OverloadError(self._estimate_wait())
        claim = Claim()
        with self._lock:
            self._jobs += 1
        job = self._executor.submit(self._run_measured, compute, claim)
        job.add_done_callback(lambda _: self._remove_job())
        answered = asyncio.wrap_future(job)
        departed = asyncio.ensure_future(_wait_for_disconnect(receive))
        stopped = asyncio.ensure_future((sends_no_more or asyncio.Event()).wait())
        deadline = asyncio.get_running_loop().time() + self._deadline_seconds
        try:
            await _wait_for_any(deadline, answered, departed, stopped)
            if stopped.done() and not answered.done():
                if job.cancel():
                    raise AbandonedError
                await _wait_for_any(deadline, answered, departed)
            if not answered.done() and claim.take():
                answered.cancel()
                raise AbandonedError if departed.done() else OverloadError(self._estimate_wait())
            return await answered
        finally:
            departed.cancel()
            stopped.cancel()

    def close(self) -> None:
        """End the threads without waiting for them; another job would start new ones."""
        former_executor, self._executor = self._executor, self._create_executor()
        former_executor.shutdown(wait=False, cancel_futures=True)

    def _create_executor(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._threads, thread_name_prefix="compute")

    def _run_measured(self, compute: Callable[[Claim], T], claim: Claim) -> T:
        start = perf_counter()
        result = compute(claim)
        self._mean_seconds += SMOOTHING * (perf_counter() - start - self._mean_seconds)
        return result

    def _remove_job(self) -> None:
        with self._lock:
            self._jobs -= 1

    def _estimate_wait(self) -> int:
        """Return the seconds until the present jobs are done, at least 1."""
        return max(1, math.ceil(self._jobs * self._mean_seconds / self._threads))


async def _wait_for_any(deadline: float, *futures: "asyncio.Future[Any]") -> None:
    remaining_seconds = deadline - asyncio.get_running_loop().time()
    await asyncio.wait(futures, timeout=remaining_seconds, return_when=asyncio.FIRST_COMPLETED)


async def _wait_for_disconnect(receive: Receive) -> None:
    """Return when the client has left; the request's body has been read before."""
    message = await receive()
    if message["type"] != "http.disconnect":
        await asyncio.Event().wait()
