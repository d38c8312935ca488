"""Shares one client a running event loop, and closes it when nobody uses it any more or its loop shuts down."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar, final
from weakref import ReferenceType, ref

from punk.core.failures import Unsupported
from punk.providers.base import ByteStream, TransportError

C = TypeVar("C")

FOREIGN_LOOP: Final = Unsupported(
    "the client that was given was used in another event loop, and belongs to it: leave client out, or stay in one "
    "loop with `await chat.complete_async()`"
)

CLOSED: Final = Unsupported("the client that was given is closed: give an open one, or leave client out")


@final
@dataclass(slots=True)
class _Shared(Generic[C]):
    """One client, the environment that it was made in, the answers under way through it, and whether it is to be closed
    with the last of them."""

    client: C
    environment: tuple[tuple[str, str], ...] = field(repr=False)
    guard: AsyncGenerator[None, None] | None = None
    streams: int = 0
    retired: bool = False


@final
class ClientPool(Generic[C]):
    """Clients of the SDK `module`, made by `make`, one an event loop, each closed by `close` in the loop it belongs to.

    The module, which takes seconds to import, is imported in a thread the first time: the loop goes on meanwhile. A
    client that read its settings from variables that begin with one of `variables` is replaced when one of them has
    changed; the answers under way through it go on.

    The end of a loop is learnt from an async generator that waits in it: `asyncio.run` closes those before it closes
    the loop, so nothing is left open and nothing warns.
    """

    def __init__(
        self,
        module: str,
        make: Callable[[], C],
        close: Callable[[C], Awaitable[None]],
        variables: tuple[str, ...] = (),
    ) -> None:
        self._module = module
        self._make = make
        self._close = close
        self._variables = variables
        self._clients: dict[asyncio.AbstractEventLoop, _Shared[C]] = {}
        self._blocks: dict[asyncio.AbstractEventLoop, int] = {}

    async def get(self) -> C:
        """The client of the running loop."""
        return (await self._shared()).client

    async def opened(self, request: Callable[[C], Awaitable[ByteStream]]) -> ByteStream:
        """The answer that `request` opens with the running loop's client, which stays open for as long as it does."""
        shared = await self._shared()
        shared.streams += 1
        try:
            stream = await request(shared.client)
        except BaseException:
            await self._released(shared)
            raise
        return _Counted(stream, lambda: self._released(shared))

    def enter(self) -> None:
        """A block begins in the running loop, at whose end `leave` is called."""
        loop = asyncio.get_running_loop()
        self._blocks[loop] = self._blocks.get(loop, 0) + 1

    async def leave(self) -> None:
        """A block ends: the last one closes the client."""
        loop = asyncio.get_running_loop()
        left = self._blocks.pop(loop, 1) - 1
        if left > 0:
            self._blocks[loop] = left
        else:
            await self.close()

    async def close(self) -> None:
        """Close the running loop's client, if it has one, once no answer is under way through it; the next `get` makes
        another."""
        shared = self._clients.pop(asyncio.get_running_loop(), None)
        if shared is not None:
            await self._retire(shared)

    async def _shared(self) -> _Shared[C]:
        loop = asyncio.get_running_loop()
        if loop not in self._clients and self._module not in sys.modules:
            await asyncio.to_thread(importlib.import_module, self._module)
        environment = self._environment()
        known = self._clients.get(loop)
        if known is not None and known.environment != environment:
            del self._clients[loop]
            await self._retire(known)
            known = self._clients.get(loop)
        if known is not None:
            return known
        for other in [*self._clients, *self._blocks]:  # a copy, for other threads have loops of their own
            if other.is_closed():
                self._clients.pop(other, None)
                self._blocks.pop(other, None)
        shared = _Shared(self._make(), environment)
        shared.guard = self._until_shutdown(loop, shared)
        self._clients[loop] = shared
        await anext(shared.guard)
        return shared

    def _environment(self) -> tuple[tuple[str, str], ...]:
        if not self._variables:
            return ()
        return tuple(sorted(item for item in os.environ.items() if item[0].startswith(self._variables)))

    async def _released(self, shared: _Shared[C]) -> None:
        shared.streams -= 1
        if shared.retired:
            await self._retire(shared)

    async def _retire(self, shared: _Shared[C]) -> None:
        shared.retired = True
        if shared.streams == 0 and shared.guard is not None:
            await shared.guard.aclose()

    async def _until_shutdown(self, loop: asyncio.AbstractEventLoop, shared: _Shared[C]) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            if self._clients.get(loop) is shared:
                del self._clients[loop]
            await self._close(shared.client)


@final
class _Counted:
    """An answer under way, whose end `released` is told of, once."""

    def __init__(self, stream: ByteStream, released: Callable[[], Awaitable[None]]) -> None:
        self._stream = stream
        self._released: Callable[[], Awaitable[None]] | None = released
        # Not a method of its own, which every piece of every answer would pass through.
        self.read = stream.read

    @property
    def secrets(self) -> tuple[str, ...]:
        """The keys it was asked with."""
        return self._stream.secrets

    async def close(self) -> None:
        """Let go of the connection, at once. May be called again."""
        try:
            await self._stream.close()
        finally:
            released, self._released = self._released, None
            if released is not None:
                await released()


@final
@dataclass(slots=True)
class HomeLoop:
    """The event loop that a given client belongs to: the first one in which it is used."""

    _home: ReferenceType[asyncio.AbstractEventLoop] | None = field(default=None, repr=False)

    def check(self) -> None:
        """Raise `TransportError` in any other loop than the first."""
        loop = asyncio.get_running_loop()
        if self._home is None:
            self._home = ref(loop)
        elif self._home() is not loop:
            raise TransportError(FOREIGN_LOOP)
