"""Waits for a task that was told to end, and has its own idea of when."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

AGAIN_SECONDS: Final = 3.0
"""After which a task that goes on is cancelled again, for what runs below punk may have swallowed it. A tool may clean
up for less."""

ATTEMPTS: Final = 3
"""After which the task is left to itself: nobody waits for ever."""


async def let_end(task: asyncio.Task[object] | asyncio.Task[None]) -> None:
    """Wait until `task`, which was cancelled or is at its end, has let go of everything; for a while, even if the
    caller is cancelled meanwhile."""
    clock = asyncio.get_running_loop().time
    cancelled: asyncio.CancelledError | None = None
    due, attempts = clock() + AGAIN_SECONDS, 0
    while not task.done() and attempts < ATTEMPTS:
        try:
            await asyncio.wait({task}, timeout=max(0.0, due - clock()))
        except asyncio.CancelledError as error:
            cancelled = error
        if not task.done() and clock() >= due:
            due, attempts = clock() + AGAIN_SECONDS, attempts + 1
            task.cancel()
    if not task.done():
        logging.getLogger("punk").warning("a connection that does not close was left to itself")
    if cancelled is not None:
        raise cancelled
