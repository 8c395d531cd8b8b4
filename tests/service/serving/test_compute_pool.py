"""The pool computes what can be answered in time, once, and nothing for those who have left."""

import asyncio
import threading
import time
from typing import Any

import pytest

from trueline.service.serving.compute_pool import AbandonedError, Claim, ComputePool, OverloadError


async def stay() -> Any:
    """Receive nothing, as from a client that waits."""
    await asyncio.Event().wait()


async def leave() -> Any:
    """Receive that the client has left."""
    return {"type": "http.disconnect"}


def test_a_full_queue_is_refused_at_once_and_what_waits_is_computed_once() -> None:
    computed: list[int] = []

    async def ask(pool: ComputePool) -> list[Any]:
        def compute(number: int) -> int:
            time.sleep(0.02)
            computed.append(number)
            return number

        jobs = [pool.run_job(lambda claim, number=number: compute(number), stay) for number in range(9)]  # type: ignore[misc]
        return await asyncio.gather(*jobs, return_exceptions=True)

    results = asyncio.run(ask(ComputePool(threads=2, max_waiting=3, deadline_seconds=5)))
    assert results[:5] == sorted(computed) == [0, 1, 2, 3, 4]
    assert [type(result) for result in results[5:]] == [OverloadError] * 4
    assert all(result.retry_seconds >= 1 for result in results[5:])


def test_after_the_deadline_the_thread_does_not_get_its_claim() -> None:
    claimed: list[bool] = []
    finished = threading.Event()

    def compute(claim: Claim) -> None:
        time.sleep(0.1)
        claimed.append(claim.take())
        finished.set()

    with pytest.raises(OverloadError):
        asyncio.run(ComputePool(1, 1, deadline_seconds=0.02).run_job(compute, stay))
    assert finished.wait(5)
    assert claimed == [False]


def test_a_thread_that_has_its_claim_is_waited_for_though_the_deadline_has_passed() -> None:
    def compute(claim: Claim) -> str:
        assert claim.take()
        time.sleep(0.1)
        return "answer"

    assert asyncio.run(ComputePool(1, 1, deadline_seconds=0.02).run_job(compute, stay)) == "answer"


@pytest.mark.parametrize("is_silent", [False, True])
def test_what_waits_for_a_client_that_left_or_stopped_sending_is_never_begun(is_silent: bool) -> None:
    begun: list[str] = []

    async def ask() -> None:
        pool, stopped = ComputePool(1, 5, deadline_seconds=5), asyncio.Event()
        if is_silent:
            stopped.set()
        first = asyncio.ensure_future(pool.run_job(lambda claim: time.sleep(0.1), stay))
        await asyncio.sleep(0.02)
        with pytest.raises(AbandonedError):
            await pool.run_job(lambda claim: begun.append("begun"), stay if is_silent else leave, stopped)
        await first

    asyncio.run(ask())
    assert begun == []


def test_a_closed_pool_starts_again_when_it_is_asked() -> None:
    pool = ComputePool(1, 1, 5)
    pool.close()
    assert asyncio.run(pool.run_job(lambda claim: 7, stay)) == 7
