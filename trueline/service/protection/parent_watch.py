"""Parent watch: a worker whose parent was killed ends too; otherwise it would run on and keep its port."""

import asyncio
import os
import signal

POLL_SECONDS = 1.0  # seconds between two checks


async def exit_with_parent(parent_id: int | None) -> None:
    """Send SIGTERM to this process once its parent is no longer the one that started it."""
    while os.getppid() == parent_id:
        await asyncio.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
