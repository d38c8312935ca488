"""Effects wait for demand, waits are woken at once, and leaving waits for the end of what runs."""

from __future__ import annotations

import asyncio

import pytest

from punk.core.events import TurnEnded
from punk.core.state import Cancelled
from punk.core.tool_events import ToolStarted
from tests.llm.script import CALLS, START, answer, ask, call, read
from tests.support.aio import run


def test_a_tool_waits_until_somebody_wants_what_comes_after_its_turn() -> None:
    ran = []

    def tool() -> str:
        ran.append(1)
        return "x"

    async def main() -> None:
        chat, _ = ask([START, *call("tool"), CALLS], answer("ok"))
        async with chat.with_tools([tool]).complete_stream() as stream:
            events = aiter(stream.events)
            while not isinstance((await anext(events)).event, TurnEnded):
                pass
            await asyncio.sleep(0.01)
            assert ran == []
            await stream.chat
        assert ran == [1]

    run(main())


def test_a_reader_that_has_given_up_is_no_demand() -> None:
    async def main() -> None:
        chat, model = ask(answer("a"))
        async with chat.complete_stream() as stream:
            reader = asyncio.ensure_future(anext(stream.content))
            await asyncio.sleep(0)
            reader.cancel()
            await asyncio.sleep(0.01)
            assert model.requests == ()

    run(main())


def test_what_tools_do_is_told_as_it_happens() -> None:
    async def main() -> None:
        gate = asyncio.Event()

        async def tool() -> str:
            await gate.wait()
            return "x"

        chat, _ = ask([START, *call("tool"), CALLS], answer("ok"))
        async with chat.with_tools([tool]).complete_stream() as stream:
            events = aiter(stream.events)
            while not isinstance((await asyncio.wait_for(anext(events), 5)).event, ToolStarted):
                pass
            gate.set()
            await stream.chat

    run(main())


def test_every_waiting_reader_learns_of_the_end_at_once() -> None:
    async def main() -> None:
        ended: list[str] = []
        held = asyncio.Event()

        async def tool() -> str:
            try:
                await asyncio.sleep(20)
            finally:
                await held.wait()
            return "x"

        chat, _ = ask([START, *call("tool"), CALLS])
        async with chat.with_tools([tool]).complete_stream() as stream:
            readers = [asyncio.create_task(read(stream.content)) for _ in range(2)]
            async for event in stream.events:
                if isinstance(event.event, ToolStarted):
                    break
            stream.cancel()
            # The tool still cleans up: nobody has to wait for that to know that the stream is over.
            done, _pending = await asyncio.wait(readers, timeout=0.5)
            ended += ["over"] * len(done)
            held.set()
        assert ended == ["over", "over"]
        assert isinstance(stream.state, Cancelled)

    run(main())


def test_leaving_waits_for_the_tools_even_if_it_is_cancelled_meanwhile() -> None:
    cleaned = []

    async def main() -> None:
        started = asyncio.Event()

        async def tool() -> str:
            started.set()
            try:
                await asyncio.sleep(20)
            finally:
                await asyncio.sleep(0.05)
                cleaned.append(1)
            return "x"

        async def body() -> None:
            chat, _ = ask([START, *call("tool"), CALLS])
            try:
                async with chat.with_tools([tool]).complete_stream() as stream:
                    reading = asyncio.create_task(read(stream.content))
                    await started.wait()
                    task = asyncio.current_task()
                    assert task is not None
                    asyncio.get_running_loop().call_later(0.01, task.cancel)
            finally:
                await reading
                seen.extend(cleaned)

        seen: list[int] = []
        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(body())
        assert seen == [1]

    run(main())
