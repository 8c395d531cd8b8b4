"""Orphan: a worker whose parent was killed ends too, for nobody would end it, and its port would stay taken."""

import asyncio
import os
import signal

POLL_SECONDS = 1.0  # seconds between two looks


async def exit_with_parent(parent_id: int | None) -> None:
    """End this process, as SIGTERM does, once its parent is not the one that began it."""
    while os.getppid() == parent_id:
        await asyncio.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
