"""Carries values from a worker thread to the event loop that waits for them."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar, final

T = TypeVar("T")


def call_on(loop: asyncio.AbstractEventLoop, callback: Callable[[], object]) -> bool:
    """Calls `callback` soon on `loop`, from any thread. False: the loop is closed, so nobody is left to care."""
    try:
        loop.call_soon_threadsafe(callback)
    except RuntimeError:
        return False
    return True


@final
class Inbox(Generic[T]):
    """An unbounded queue read by one event loop and filled from any thread. Make it on the loop that reads it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[T] = asyncio.Queue()

    def post(self, item: T) -> bool:
        """Hands `item` over, from any thread. False: the loop is closed, nobody will ever read it."""
        return call_on(self._loop, lambda: self._queue.put_nowait(item))

    async def take(self) -> T:
        """The next item, in the order of posting. A cancelled take loses nothing."""
        return await self._queue.get()
