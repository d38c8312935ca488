"""Readers that are slow, absent or many: cases 94 to 99, in short; tests/load does the long ones.

Over real connections, but for case 97: what a state holds of an answer is decided above all wires.
"""

from __future__ import annotations

import asyncio
import tracemalloc
from typing import Final

import pytest

from punk.core.events import ThinkingDelta, ThinkingSealed
from punk.core.messages import AssistantMessage
from punk.llm.chat import Chat
from tests.faults.ends import PAYMENT, Tools, asking, incomplete, tidy, until
from tests.faults.judge import LETTING_GO
from tests.faults.recorder import record
from tests.faults.scripts import Hang, Repeat, Script, chunk
from tests.faults.server import Exchange
from tests.faults.wires import WIRES, Wire
from tests.faults.world import World
from tests.llm.script import CALLS, START, STOP, answer, ask, call, read, text
from tests.load.measuring import Counted, Counter, sockets
from tests.support.aio import run

each_wire = pytest.mark.parametrize("wire", WIRES, ids=str)
AHEAD: Final = 2
"""Chunks that a stream holds which no reader has asked for: one in hand, and one read ahead of it."""
STREAMS: Final = 60
CYCLES: Final = 100


def flood(wire: Wire) -> Script:
    """Text for ever, as fast as it is taken."""
    return wire.unended(b"".join(wire.opening), Repeat((chunk(wire.late * 20),)))


@each_wire
def test_94_a_slow_consumer(wire: Wire, world: World) -> None:
    counters: list[Counter] = []

    async def main() -> None:
        world.server.play(flood(wire))
        async with tidy(), asking(Counted(world.model(wire), counters)).complete_stream() as stream:
            await asyncio.sleep(0.02)
            assert counters == []
            pieces = stream.content_delta
            for _ in range(3):
                await anext(pieces)
            await asyncio.sleep(0.05)
            [counter] = counters
            taken = counter.chunks
            assert taken <= 3 + AHEAD
            await asyncio.sleep(0.15)
            assert counter.chunks == taken
            await anext(pieces)  # it is still there
        await stream_is_left(world)

    world.run(main())
    record(94, wire.name, "ok: nothing is asked for before it is read, and two chunks at most are held")


async def stream_is_left(world: World) -> None:
    """Raises AssertionError if the server does not see that its clients have gone."""
    assert await world.server.let_go(LETTING_GO)


@each_wire
def test_95_only_the_content_is_read(wire: Wire, world: World) -> None:
    thoughts = [ThinkingDelta(0, "Hm. ")] * 2000
    said = wire.frames(START, *thoughts, ThinkingSealed(0), *text("Hello", ", world.", block=1), STOP)

    async def main() -> None:
        world.server.play(wire.answer(*said))
        async with tidy(), asking(world.model(wire)).complete_stream() as stream:
            assert await read(stream.content_delta) == ["Hello", ", world."]
            message = (await stream.chat).latest_message
            assert isinstance(message, AssistantMessage)
            assert "".join(part.text for part in message.thinking_blocks) == "Hm. " * 2000
        await stream_is_left(world)

    world.run(main())
    record(95, wire.name, "ok: the thinking is kept")


@each_wire
def test_96_nobody_iterates(wire: Wire, world: World) -> None:
    tools = Tools()

    async def main() -> None:
        called = wire.frames(START, *call("transfer", PAYMENT), CALLS)
        world.server.play(wire.answer(*called), wire.answer(*wire.opening, *wire.rest))
        async with tidy():
            async with asking(world.model(wire), tools.transfer).complete_stream() as stream:
                final = await stream.chat
            assert await stream.chat == final
        assert final.latest_message.content == "Hello, world."
        await stream_is_left(world)

    world.run(main())
    assert len(tools.ran) == 1
    assert len(world.server.requests) == 2
    record(96, wire.name, "ok: 'Hello, world.', stop, 2 requests")


@each_wire
def test_96_nobody_reads_at_all(wire: Wire, world: World) -> None:
    async def main() -> None:
        world.server.play((Hang(),))
        async with tidy():
            async with asking(world.model(wire)).complete_stream() as stream:
                await asyncio.sleep(0.02)
            await incomplete(stream, "")

    world.run(main())
    assert world.server.requests == []
    record(96, wire.name, "StreamIncompleteError, no request", "not even the final chat")


def test_97_100_000_deltas() -> None:
    async def held(deltas: int) -> int:
        """Bytes that a stream of so many deltas has allocated at most while it was read piece by piece."""
        chat, _ = ask(answer(*["x"] * deltas), batch=100)
        tracemalloc.start()
        try:
            async with chat.complete_stream() as stream:
                longest = 0
                async for whole in stream.content:
                    longest = len(whole)
            assert longest == deltas
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    async def main() -> float:
        return await held(100_000) / await held(10_000)

    ratio = run(main(), deadline=60)
    assert ratio < 15
    record(97, "any", "ok: ten times the deltas, about ten times the memory")


@each_wire
def test_98_many_streams_one_of_them_slow(wire: Wire, world: World) -> None:
    def respond(exchange: Exchange) -> Script:
        return flood(wire) if b"slowly" in exchange.body else wire.answer(*wire.opening, *wire.rest)

    async def main() -> None:
        world.server.play(respond)
        model = world.model(wire)
        async with tidy(), asking(model, question="Pay Bob, slowly.").complete_stream() as slow:
            pieces = slow.content_delta
            await anext(pieces)
            async with asyncio.TaskGroup() as group:
                others = [group.create_task(asking(model).complete_async()) for _ in range(STREAMS - 1)]
            assert {other.result().latest_message.content for other in others} == {"Hello, world."}
            assert not world.server.requests[0].over.is_set()
            await anext(pieces)  # it is still there
        await stream_is_left(world)
        assert len(world.server.requests) == STREAMS

    world.run(main())
    record(98, wire.name, "ok: all others are whole while one is not read")


@each_wire
def test_99_streams_opened_and_left(wire: Wire, world: World) -> None:
    scripts = ((Hang(),), wire.unended(Hang()), wire.unended(b"".join(wire.opening), Hang()), flood(wire))
    model = world.model(wire)

    async def left_midway(number: int) -> None:
        server, asked = world.server, len(world.server.requests)
        reading = asyncio.create_task(_read(asking(model)))
        if number % len(scripts) < 2:
            await until(lambda: len(server.requests) > asked)
            reading.cancel()
            await asyncio.wait({reading})
            assert reading.cancelled()
        else:
            assert await reading == "Hello"

    async def main() -> None:
        server = world.server
        server.play(wire.answer(*wire.opening, *wire.rest))
        await asking(model).complete_async()  # what is kept for the next request is not counted
        server.play(lambda exchange: scripts[(len(server.requests) - 1) % len(scripts)])
        open_before = sockets()
        async with tidy():
            for number in range(CYCLES):
                await left_midway(number)
        await stream_is_left(world)
        await until(lambda: sockets() <= open_before)
        assert len(server.requests) == CYCLES

    world.run(main())
    record(99, wire.name, "ok: no tasks, sockets or threads are left")


async def _read(chat: Chat) -> str:
    """The first piece of an answer, which is left then."""
    async with chat.complete_stream() as stream:
        async for piece in stream.content_delta:
            return piece
    return ""
