"""Bounds what is done on entering a stream by the clocks of its run (internal)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from math import inf
from typing import TypeVar

from punk.core.failures import Clock
from punk.core.timeouts import Clocks, timed_out
from punk.errors import StreamingError

T = TypeVar("T")


async def until(deadline: float, clock: Clock, clocks: Clocks, provider: str, work: Awaitable[T]) -> T:
    """What `work` gives before the loop's time is `deadline`. Raises `StreamingError` where `clock` of `clocks` runs
    out."""
    limit = asyncio.timeout_at(None if deadline == inf else deadline)
    try:
        async with limit:
            return await work
    except TimeoutError:
        if not limit.expired():
            raise
    failure = timed_out(clock, clocks)
    raise StreamingError(failure.message, failure=failure, provider=provider)
