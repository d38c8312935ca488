"""Tools that a run has let go of: nothing that begins, fails, returns or reports too late disturbs anybody."""

from __future__ import annotations

import asyncio
import gc
import inspect
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress

import pytest

from punk.core.messages import ToolResultMessage
from punk.core.parts import ToolCall
from punk.core.state import Completed
from punk.core.tool_events import ToolProgressed
from punk.interpreter import tool_call
from punk.llm.chat import Chat
from punk.llm.incomplete import StreamIncompleteError
from punk.llm.streaming import ChatStream
from punk.llm.tools import AsTool, Tool, ToolContext
from tests.llm.script import CALLS, START, answer, ask, call, read
from tests.support.aio import run

TOO_LONG = "the tool took longer than 0.02 s"


def said(chat: Chat) -> list[str]:
    """What the tools of a chat answered."""
    return [message.content for message in chat.messages if isinstance(message, ToolResultMessage)]


def calling(*tools: AsTool) -> Chat:
    """A chat whose model calls `tool` once."""
    chat, _ = ask([START, *call("tool"), CALLS], answer("ok"))
    return chat.with_tools(tools)


def reported() -> list[object]:
    """What the running loop reports to nobody in particular, from now on."""
    seen: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(context["message"]))
    return seen


def test_a_report_through_the_context_of_an_earlier_call_is_not_heard() -> None:
    kept: list[ToolContext] = []

    async def keep(context: ToolContext) -> str:
        kept.append(context)
        return "kept"

    async def other() -> str:
        kept[0].report("late")
        await asyncio.sleep(0.01)
        return "other"

    async def main() -> None:
        chat, _ = ask([START, *call("keep"), CALLS], [START, *call("other", id="c2"), CALLS], answer("ok"))
        async with chat.with_tools([keep, other]).complete_stream() as stream:
            events = [entry.event for entry in await read(stream.events)]
        assert not [event for event in events if isinstance(event, ToolProgressed)]
        assert isinstance(stream.state, Completed)

    run(main())


def test_a_report_after_the_end_of_the_loop_does_not_fail_the_tool() -> None:
    is_over = threading.Event()
    came: list[BaseException | None] = []
    done = threading.Event()

    def stuck(context: ToolContext) -> str:
        is_over.wait(5)
        try:
            context.report("too late")
            came.append(None)
        except BaseException as error:
            came.append(error)
        done.set()
        return "x"

    asyncio.run(calling(Tool(stuck, name="tool", timeout=0.02)).complete_async())
    is_over.set()
    assert done.wait(5)
    assert came == [None]


async def fails_when_cancelled() -> str:
    try:
        await asyncio.sleep(20)
    finally:
        raise ValueError("while it was let go")


def returns_late() -> str:
    time.sleep(0.05)
    return "x"


def fails_late() -> str:
    time.sleep(0.05)
    raise ValueError("late")


@pytest.mark.parametrize("tool", [fails_when_cancelled, returns_late, fails_late])
def test_what_a_tool_does_after_its_time_is_reported_nowhere(tool: Callable[[], object]) -> None:
    async def main() -> None:
        seen = reported()
        final = await calling(Tool(tool, name="tool", timeout=0.02)).complete_async()
        assert said(final) == [TOO_LONG]
        await asyncio.sleep(0.1)
        gc.collect()
        assert seen == []

    run(main())


@pytest.mark.parametrize("after_the_loop", [False, True])
def test_a_coroutine_that_comes_too_late_is_closed(after_the_loop: bool) -> None:
    go_on, done = threading.Event(), threading.Event()
    made: list[Coroutine[object, object, str]] = []

    async def inner() -> str:
        return "x"

    def tool() -> Coroutine[object, object, str]:
        go_on.wait(5)
        made.append(inner())
        done.set()
        return made[0]

    async def main() -> None:
        assert said(await calling(Tool(tool, timeout=0.02)).complete_async()) == [TOO_LONG]
        if not after_the_loop:
            go_on.set()
            await until_closed()

    async def until_closed() -> None:
        for _ in range(200):
            if made and inspect.getcoroutinestate(made[0]) == inspect.CORO_CLOSED:
                return
            await asyncio.sleep(0.01)
        pytest.fail("it is still open")

    asyncio.run(main())
    go_on.set()
    assert done.wait(5)
    asyncio.run(until_closed())


def test_a_tool_that_ignores_its_cancellation_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool_call, "GRACE_SECONDS", 0.01)

    async def deaf() -> str:
        try:
            await asyncio.sleep(20)
        except asyncio.CancelledError:
            await asyncio.sleep(0.5)
        return "x"

    async def main() -> None:
        began = time.monotonic()
        final = await calling(Tool(deaf, name="tool", timeout=0.02)).complete_async()
        assert time.monotonic() - began < 0.4
        assert said(final) == [TOO_LONG]
        await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})

    run(main())


def test_two_tools_that_end_as_no_tool_should_are_reported_once() -> None:
    async def tool() -> str:
        raise GeneratorExit

    async def main() -> None:
        seen = reported()
        chat, _ = ask([START, *call("tool"), *call("tool", block=1, id="c2"), CALLS])
        with pytest.raises(GeneratorExit):
            await chat.with_tools([tool]).complete_async()
        await asyncio.sleep(0)
        gc.collect()
        assert seen == []

    run(main())


async def allow(_: ToolCall) -> bool:
    return True


@pytest.mark.parametrize("guarded", [False, True])
def test_what_the_history_calls_not_run_has_not_begun(guarded: bool) -> None:
    async def left_after(ticks: int) -> int:
        ran = 0

        async def tool() -> str:
            nonlocal ran
            ran += 1
            return "x"

        chat, _ = ask([START, *call("tool"), *call("tool", block=1, id="c2"), CALLS], answer("ok"), batch=99)
        chat = chat.with_tools([Tool(tool, requires_approval=guarded)])
        async with chat.complete_stream(approve=allow) as stream:
            leaving = asyncio.create_task(leave(stream, ticks))
            with suppress(StreamIncompleteError):
                await stream.chat
            await leaving
        for _ in range(9):  # what was begun all the same would show by now
            await asyncio.sleep(0)
        unrun = [told for told in said(stream.partial_chat) if told.startswith("Not run")]
        assert ran + len(unrun) <= 2
        return ran

    async def main() -> None:
        # From before the first tool begins until all are over.
        assert {await left_after(ticks) for ticks in range(16)} == {0, 2}

    run(main())


async def leave(stream: ChatStream, ticks: int) -> None:
    for _ in range(ticks):
        await asyncio.sleep(0)
    stream.cancel()
