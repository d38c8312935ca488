"""Streams that are left before their end: cases 70 to 80.

Over real connections, but for cases 79 and 80: what cursors and the final chat of a stream give is decided above all
wires, and asked of a scripted model.
"""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from punk.core.failures import ConnectionLost
from punk.core.messages import ToolResultMessage
from punk.core.tool_events import ToolStarted
from punk.errors import StreamingError
from punk.llm.chat import Chat
from punk.llm.incomplete import StreamIncompleteError
from punk.llm.streaming import ChatStream
from punk.testing import Fault
from tests.faults.deaf import deaf
from tests.faults.ends import asking, tidy, until
from tests.faults.judge import LETTING_GO
from tests.faults.leaving import Reader, cancelled, for_ever, nothing, quiet, watched
from tests.faults.recorder import record
from tests.faults.scripts import Hang, Repeat, chunk
from tests.faults.server import FaultServer
from tests.faults.wires import WIRES, Wire
from tests.faults.world import World
from tests.llm.script import CALLS, START, STOP, answer, ask, call, read, text
from tests.support.aio import run

each_wire = pytest.mark.parametrize("wire", WIRES, ids=str)
TICKS: Final = 8
"""Turns of the loop after which a second cancellation comes."""


@each_wire
def test_70_break(wire: Wire, world: World) -> None:
    async def main(server: FaultServer, chat: Chat) -> None:
        reader = Reader(chat, nothing)
        await reader.read()
        await reader.incomplete()

    watched(world, quiet(wire), main, wire)
    record(70, wire.name, "closed; StreamIncompleteError, 'Hello' kept")


@each_wire
def test_70_cancel(wire: Wire, world: World) -> None:
    async def main(server: FaultServer, chat: Chat) -> None:
        async def cancel(stream: ChatStream) -> None:
            stream.cancel()
            assert await server.let_go(LETTING_GO)
            assert await read(stream.content_delta) == []

        reader = Reader(chat, cancel)
        await reader.read()
        await reader.incomplete()

    watched(world, quiet(wire), main, wire)
    record(70, wire.name, "closed; StreamIncompleteError, 'Hello' kept", "stream.cancel")


@each_wire
def test_71_the_body_raises(wire: Wire, world: World) -> None:
    mine = ValueError("mine")

    async def main(server: FaultServer, chat: Chat) -> None:
        async def fail(stream: ChatStream) -> None:
            raise mine

        reader = Reader(chat, fail)
        with pytest.raises(ValueError) as caught:
            await reader.read()
        assert caught.value is mine
        assert mine.__cause__ is mine.__context__ is None
        await reader.incomplete()

    watched(world, quiet(wire), main, wire)
    record(71, wire.name, "closed; that very error, then StreamIncompleteError, 'Hello' kept")


@each_wire
def test_72_cancelled_while_it_waits(wire: Wire, world: World) -> None:
    async def main(server: FaultServer, chat: Chat) -> None:
        reader = Reader(chat, nothing)
        task = asyncio.create_task(reader.read_on())
        await until(lambda: reader.is_there)
        await asyncio.sleep(0.01)
        await cancelled(task)
        await reader.incomplete()

    watched(world, quiet(wire), main, wire)
    record(72, wire.name, "closed; CancelledError, then StreamIncompleteError, 'Hello' kept")


@each_wire
def test_72_cancelled_in_the_fold(wire: Wire, world: World) -> None:
    async def main(server: FaultServer, chat: Chat) -> None:
        task = asyncio.create_task(chat.complete_async())
        await until(lambda: bool(server.requests))
        await asyncio.sleep(0.05)
        await cancelled(task)

    watched(world, quiet(wire), main, wire)
    record(72, wire.name, "closed; CancelledError", "complete_async")


@each_wire
def test_73_cancelled_before_headers(wire: Wire, world: World) -> None:
    async def main(server: FaultServer, chat: Chat) -> None:
        reader = Reader(chat, nothing)
        task = asyncio.create_task(reader.read_on())
        await until(lambda: bool(server.requests))
        await cancelled(task)
        await reader.incomplete("")

    watched(world, (Hang(),), main, wire)
    record(73, wire.name, "closed; CancelledError, then StreamIncompleteError")


@each_wire
def test_73_cancelled_before_a_connection(wire: Wire, world: World) -> None:
    async def main(base: str) -> None:
        reader = Reader(asking(wire.model(base, True)), nothing)
        async with tidy():
            task = asyncio.create_task(reader.read_on())
            await until(lambda: reader.stream is not None, 5)
            await asyncio.sleep(0.05)
            await cancelled(task)
            await reader.incomplete("")

    with deaf() as base:
        world.run(main(base))
    record(73, wire.name, "CancelledError, then StreamIncompleteError", "before a connection")


@each_wire
def test_74_cancelled_with_a_full_buffer(wire: Wire, world: World) -> None:
    flood = wire.unended(b"".join(wire.opening), Repeat((chunk(wire.late * 100),)))

    async def main(server: FaultServer, chat: Chat) -> None:
        reader = Reader(chat, for_ever)
        task = asyncio.create_task(reader.read())
        await until(lambda: reader.is_there)
        await asyncio.sleep(0.05)
        await cancelled(task)
        await reader.incomplete("".join(reader.shown))

    watched(world, flood, main, wire)
    record(74, wire.name, "closed; CancelledError, then StreamIncompleteError, what was read is kept")


@each_wire
def test_75_cancelled_while_tools_run(wire: Wire, world: World) -> None:
    begun: list[str] = []
    ended: list[str] = []

    async def slow(name: str) -> str:
        begun.append(name)
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            ended.append(name)
        return "late"

    calls = [*call("slow", '{"name": "a"}', block=1, id="c1"), *call("slow", '{"name": "b"}', block=2, id="c2")]
    script = wire.answer(*wire.frames(START, *text("Hello"), *calls, CALLS))

    async def main(server: FaultServer, chat: Chat) -> None:
        reader = Reader(chat.with_tools([slow]), nothing)
        task = asyncio.create_task(reader.read_on())
        await until(lambda: len(begun) == 2)
        await cancelled(task)
        assert sorted(ended) == ["a", "b"], "a tool was not awaited"
        left = (await reader.incomplete()).partial_chat
        results = [message for message in left.messages if isinstance(message, ToolResultMessage)]
        assert [result.is_error for result in results] == [True, True]

    watched(world, script, main, wire)
    record(75, wire.name, "tools cancelled and awaited; CancelledError, then StreamIncompleteError")


@each_wire
def test_76_a_timeout_of_the_caller(wire: Wire, world: World) -> None:
    async def main(server: FaultServer, chat: Chat) -> None:
        reader = Reader(chat, nothing)
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(0.3):
                await reader.read_on()
        assert type(caught.value) is TimeoutError
        await reader.incomplete("Hello" if reader.shown else "")

    watched(world, quiet(wire), main, wire)
    record(76, wire.name, "closed; TimeoutError, then StreamIncompleteError")


@each_wire
@pytest.mark.parametrize("first", ["break", "cancelled"])
def test_77_cancelled_while_the_block_is_left(wire: Wire, first: str, world: World) -> None:
    numbers = iter(range(TICKS))

    async def main(server: FaultServer, chat: Chat) -> bool:
        ticks = next(numbers)
        reader = Reader(chat, nothing if first == "break" else for_ever)
        task = asyncio.create_task(reader.read())
        while not reader.is_there:
            await asyncio.sleep(0)
        if first == "cancelled":
            task.cancel()
        for _ in range(ticks):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        await reader.incomplete()
        return task.cancelled()

    came_out = [watched(world, quiet(wire), main, wire) for _ in range(TICKS)]
    # A block that has been left by then is left by its break.
    assert came_out[0]
    assert all(came_out) or first == "break"
    record(77, wire.name, "closed; CancelledError, then StreamIncompleteError, 'Hello' kept", f"after {first}")


def test_77_cancelled_while_the_block_waits_for_a_tool() -> None:
    ended: list[str] = []

    async def slow() -> str:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)
            ended.append("slow")
        return "late"

    async def main() -> None:
        chat, model = ask([START, *text("Hello"), *call("slow", block=1), CALLS])
        chat = chat.with_tools([slow])

        async def leave() -> None:
            async with chat.complete_stream() as stream:
                async for entry in stream.events:
                    if isinstance(entry.event, ToolStarted):
                        break

        task = asyncio.create_task(leave())
        await until(lambda: model.opened == 1)
        await asyncio.sleep(0.02)
        assert not task.done()
        for number in range(3):
            task.cancel(str(number))
            await asyncio.sleep(0.005)
        assert not task.done()
        await asyncio.wait({task})
        assert task.cancelled()
        assert ended == ["slow"]
        assert model.opened == model.closed == 1

    run(main(), deadline=10)
    record(77, "any", "CancelledError, once the tool has ended", "while a tool ends")


@each_wire
def test_78_break_after_the_last_delta(wire: Wire, world: World) -> None:
    said = b"".join(wire.frames(START, *text("Hello, world.")))

    async def main(server: FaultServer, chat: Chat) -> None:
        reader = Reader(chat, nothing)
        await reader.read()
        await reader.incomplete("Hello, world.")

    watched(world, wire.unended(said, Hang()), main, wire)
    record(78, wire.name, "closed; StreamIncompleteError, 'Hello, world.' kept")


@each_wire
def test_78_the_final_chat_awaited_midway(wire: Wire, world: World) -> None:
    async def main(server: FaultServer, chat: Chat) -> None:
        async with chat.complete_stream() as stream:
            pieces = stream.content_delta
            assert await anext(pieces) == "Hello"
            final = await stream.chat
            assert final.latest_message.content == "Hello, world."
            assert await read(pieces) == [", world."]
        assert await stream.chat == final

    watched(world, wire.answer(*wire.opening, *wire.rest), main, wire)
    record(78, wire.name, "ok: 'Hello, world.', stop", "the final chat awaited midway")


def test_79_two_readers() -> None:
    async def main() -> None:
        chat, _ = ask([START, *text(*"abcd"), STOP])
        async with chat.complete_stream() as stream, asyncio.TaskGroup() as group:
            readers = [group.create_task(read(stream.content_delta)) for _ in range(2)]
            readers.append(group.create_task(read(stream.content)))
        assert [reader.result() for reader in readers] == [[*"abcd"], [*"abcd"], ["a", "ab", "abc", "abcd"]]

    run(main(), deadline=10)
    record(79, "any", "both see everything", "two readers")


def test_79_a_second_loop() -> None:
    async def loops(stream: ChatStream) -> list[list[str]]:
        return [await read(pieces) for pieces in (stream.content, stream.content_delta, stream.thinking)]

    async def main() -> None:
        chat, _ = ask(answer("a", "b"))
        async with chat.complete_stream() as stream:
            pieces = stream.content
            assert await read(pieces) == ["a", "ab"]
            assert await read(pieces) == []
            assert await read(stream.content) == []
            with pytest.raises(StopAsyncIteration):
                await anext(pieces)
            assert await loops(stream) == [[], ["a", "b"], []]
        assert await loops(stream) == [[], [], []]

    run(main(), deadline=10)
    record(79, "any", "ends at once", "a second loop")


def test_79_a_second_loop_after_a_failure() -> None:
    async def main() -> None:
        chat, _ = ask([START, *text("a"), Fault(ConnectionLost("gone"))])
        stream = chat.complete_stream()
        with pytest.raises(StreamingError):
            async with stream:
                await read(stream.content)
        for _ in range(3):
            with pytest.raises(StreamingError, match=r"^gone$"):
                await read(stream.content)

    run(main(), deadline=10)
    record(79, "any", "error: ConnectionLost, each time", "a second loop after a failure")


def test_79_a_second_block() -> None:
    async def main() -> None:
        chat, model = ask(answer("a"))
        async with chat.complete_stream() as stream:
            with pytest.raises(StreamingError, match="entered before"):
                await stream.__aenter__()
            assert await read(stream.content) == ["a"]
        with pytest.raises(StreamingError, match="entered before"):
            await stream.__aenter__()
        assert len(model.requests) == 1

    run(main(), deadline=10)
    record(79, "any", "StreamingError, invalid state", "a second block")


ENDINGS: Final = {
    "after the end": ("ok, the same chat", [START, *text("a"), STOP]),
    "after a failure": ("the same error", [START, *text("a"), Fault(ConnectionLost("gone"))]),
    "after leaving": ("the same error", [START, *text("a"), STOP]),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_80_the_final_chat_awaited_twice(ending: str) -> None:
    outcome, turn = ENDINGS[ending]

    async def told(stream: ChatStream) -> Chat | tuple[type, str]:
        try:
            return await stream.chat
        except (StreamingError, StreamIncompleteError) as error:
            return type(error), str(error)

    async def main() -> list[Chat | tuple[type, str]]:
        chat, model = ask(turn)  # type: ignore[arg-type]  # events, and a fault
        found: list[Chat | tuple[type, str]] = []
        async with chat.complete_stream() as stream:
            if ending != "after leaving":
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(told(stream)) for _ in range(2)]
                found = [task.result() for task in tasks]
        found += [await told(stream) for _ in range(2)]
        assert len(model.requests) <= 1
        return found

    found = run(main(), deadline=10)
    assert found == [found[0]] * len(found)
    expected = {"after the end": Chat, "after a failure": StreamingError, "after leaving": StreamIncompleteError}
    first = found[0]
    assert (first[0] if isinstance(first, tuple) else type(first)) is expected[ending]
    record(80, "any", outcome, ending)
