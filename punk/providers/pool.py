"""Shares one client a running event loop, and closes it when that loop shuts down."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Generic, TypeVar, final

C = TypeVar("C")


@final
class ClientPool(Generic[C]):
    """Clients of the SDK `module`, made by `make`, one an event loop, each closed by `close` in the loop it belongs to.

    The module, which takes seconds to import, is imported in a thread the first time: the loop goes on meanwhile.

    The end of a loop is learnt from an async generator that waits in it: `asyncio.run` closes those before it closes
    the loop, so nothing is left open and nothing warns.
    """

    def __init__(self, module: str, make: Callable[[], C], close: Callable[[C], Awaitable[None]]) -> None:
        self._module = module
        self._make = make
        self._close = close
        self._clients: dict[asyncio.AbstractEventLoop, tuple[C, AsyncGenerator[None, None]]] = {}

    async def get(self) -> C:
        """The client of the running loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients and self._module not in sys.modules:
            await asyncio.to_thread(importlib.import_module, self._module)
        known = self._clients.get(loop)
        if known is not None:
            return known[0]
        for other in list(self._clients):  # a copy, for other threads have loops of their own
            if other.is_closed():
                self._clients.pop(other, None)
        client = self._make()
        guard = self._until_shutdown(loop, client)
        self._clients[loop] = client, guard
        await anext(guard)
        return client

    async def close(self) -> None:
        """Close the running loop's client, if it has one; the next `get` makes another."""
        known = self._clients.get(asyncio.get_running_loop())
        if known is not None:
            await known[1].aclose()

    async def _until_shutdown(self, loop: asyncio.AbstractEventLoop, client: C) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._clients.pop(loop, None)
            await self._close(client)
