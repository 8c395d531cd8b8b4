"""Orphan: a worker whose parent was killed ends too, for nobody would end it, and its port would stay taken."""

import asyncio
import os
import signal

LOOK = 1.0  # seconds between two looks


async def end_with(parent: int | None) -> None:
    """End this process, as SIGTERM does, once its parent is not the one that began it."""
    while os.getppid() == parent:
        await asyncio.sleep(LOOK)
    os.kill(os.getpid(), signal.SIGTERM)
