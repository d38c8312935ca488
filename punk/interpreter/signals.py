"""How readers and the pump of a run wait for each other, in one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import final


@final
class Bell:
    """Wakes the one task that waits for a condition, when somebody says that it may have come true."""

    __slots__ = ("_loop", "_rung")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._rung: asyncio.Future[None] | None = None

    async def until(self, true: Callable[[], bool]) -> None:
        """Return once `true` says so; it is asked at every ring."""
        while not true():
            self._rung = self._loop.create_future()
            try:
                await self._rung
            finally:
                self._rung = None

    def ring(self) -> None:
        """The condition may have come true."""
        if self._rung is not None and not self._rung.done():
            self._rung.set_result(None)


@final
class Crowd:
    """Readers that wait for something new."""

    __slots__ = ("_loop", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[asyncio.Future[None]] = []

    def is_waiting(self) -> bool:
        """Whether anybody waits; one whose wait was cancelled does not."""
        return any(not waiter.done() for waiter in self._waiting)

    def join(self) -> asyncio.Future[None]:
        """What one more reader awaits. It need not say when it gives up."""
        waiter = self._loop.create_future()
        if self._waiting:
            self._waiting = [other for other in self._waiting if not other.done()]
        self._waiting.append(waiter)
        return waiter

    def wake(self) -> None:
        """There is something new for everybody."""
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)
