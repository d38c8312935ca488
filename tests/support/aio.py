"""Runs a coroutine in a loop of its own, within a deadline, and sees that it left no task and no thread behind."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")

# A thread that was told to end needs a moment to do so.
GRACE = 2.0


def run(coroutine: Coroutine[object, object, T], *, deadline: float = 30.0) -> T:
    """The coroutine's result.

    Raises:
        TimeoutError: it took longer than `deadline` seconds.
        AssertionError: a task or a thread that it started is still alive.
    """
    before = set(threading.enumerate())
    result = asyncio.run(_within(coroutine, deadline))
    patience = time.monotonic() + GRACE
    while (left := set(threading.enumerate()) - before) and time.monotonic() < patience:
        time.sleep(0.005)
    assert not left, f"threads left behind: {sorted(thread.name for thread in left)}"
    return result


async def _within(coroutine: Coroutine[object, object, T], deadline: float) -> T:
    async with asyncio.timeout(deadline):
        result = await coroutine
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"tasks left behind: {left}"
    return result
