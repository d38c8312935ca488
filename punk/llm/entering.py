"""Bounds what is done on entering a stream by the total clock of its run (internal)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from math import inf
from typing import TypeVar

from punk.core.timeouts import Clocks, timed_out
from punk.errors import StreamingError

T = TypeVar("T")


async def in_time(begun: float, clocks: Clocks, provider: str, work: Awaitable[T]) -> T:
    """What `work` gives, if that is before the total clock runs out that has run since `begun`, in the loop's time.
    Raises `StreamingError` otherwise. No other clock runs yet: to import an SDK may take seconds."""
    limit = asyncio.timeout_at(None if clocks.total == inf else begun + clocks.total)
    try:
        async with limit:
            return await work
    except TimeoutError:
        if not limit.expired():
            raise
    failure = timed_out("total", clocks)
    raise StreamingError(failure.message, failure=failure, provider=provider)
