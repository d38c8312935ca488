"""How streams are left before their end: readers that stop midway, and what must be true after any of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar, final

import pytest

from punk.llm.chat import Chat
from punk.llm.incomplete import StreamIncompleteError
from punk.llm.streaming import ChatStream
from tests.faults.ends import Tools, asking, incomplete, tidy
from tests.faults.judge import LETTING_GO
from tests.faults.scripts import Hang, Script
from tests.faults.server import FaultServer
from tests.faults.wires import Wire
from tests.faults.world import World

T = TypeVar("T")


@final
@dataclass(slots=True)
class Reader:
    """Reads a chat until the text that it waits for, and then does something else, in a block."""

    chat: Chat
    then: Callable[[ChatStream], Awaitable[object]]
    shown: list[str] = field(default_factory=list)
    stream: ChatStream | None = None
    is_there: bool = False

    async def read(self) -> None:
        """Read one piece; the block ends with what `then` does."""
        async with self.chat.complete_stream() as self.stream:
            async for piece in self.stream.content_delta:
                self.shown.append(piece)
                self.is_there = True
                await self.then(self.stream)
                break

    async def read_on(self) -> None:
        """Read everything."""
        async with self.chat.complete_stream() as self.stream:
            async for piece in self.stream.content_delta:
                self.shown.append(piece)
                self.is_there = True

    async def incomplete(self, kept: str = "Hello") -> StreamIncompleteError:
        """What the final chat raises, in which there is what was `kept`."""
        assert self.stream is not None
        return await incomplete(self.stream, kept)


async def nothing(stream: ChatStream) -> None:
    """Leave at once."""


async def for_ever(stream: ChatStream) -> None:
    """Wait until cancelled."""
    await asyncio.sleep(60)


def quiet(wire: Wire) -> Script:
    """An answer that says `Hello`, and nothing more."""
    return wire.unended(b"".join(wire.opening), Hang())


def watched(world: World, script: Script, main: Callable[[FaultServer, Chat], Awaitable[T]], wire: Wire) -> T:
    """What `main` gives, which leaves nothing behind, runs no tool, and whose one request the server sees closed."""
    tools = Tools()

    async def whole() -> T:
        world.server.play(script)
        chat = asking(world.model(wire), tools.transfer)
        async with tidy():
            given = await main(world.server, chat)
        assert await world.server.let_go(LETTING_GO), "the connection is still open a second after the block was left"
        return given

    given = world.run(whole())
    assert tools.ran == []
    assert len(world.server.requests) == 1
    return given


async def cancelled(task: asyncio.Task[object], why: str = "why") -> None:
    """Cancel a task, and see the very cancellation come out of it."""
    task.cancel(why)
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert caught.value.args == (why,)
    assert task.cancelled()
