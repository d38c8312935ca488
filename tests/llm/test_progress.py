"""Tools that say how far they are, and bounds of single tools."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from punk.core.media import InlineMedia
from punk.core.messages import ToolResultMessage
from punk.core.parts import ImagePart, TextPart
from punk.core.tool_events import ToolProgressed, ToolReturned, ToolStarted
from punk.llm.chat import Chat
from punk.llm.timeouts import Timeouts
from punk.llm.tools import Tool, ToolContext
from tests.llm.script import CALLS, START, answer, ask, call, read
from tests.support.aio import run


def results(chat: Chat) -> list[tuple[str, bool]]:
    return [(m.content, m.is_error) for m in chat.messages if isinstance(m, ToolResultMessage)]


async def _slowly(context: ToolContext) -> str:
    context.report("begun")
    await asyncio.sleep(0)
    context.report(progress=1, total=2)
    return "x"


def _in_a_thread(context: ToolContext) -> str:
    context.report("begun")
    context.report(progress=1, total=2)
    return "x"


@pytest.mark.parametrize("tool", [_slowly, _in_a_thread])
def test_reports_are_events_in_their_order_and_no_messages(tool: object) -> None:
    async def main() -> None:
        chat, model = ask([START, *call("tool", id="c"), CALLS], answer("ok"))
        async with chat.with_tools([Tool(tool, name="tool")]).complete_stream() as stream:  # type: ignore[arg-type]  # both are
            events = [entry.event for entry in await read(stream.events)]
        told = [e for e in events if isinstance(e, ToolStarted | ToolProgressed | ToolReturned)]
        assert told == [
            ToolStarted("c"),
            ToolProgressed("c", "begun"),
            ToolProgressed("c", None, 1, 2),
            ToolReturned("c", "x"),
        ]
        assert results(await stream.chat) == [("x", False)]
        assert [type(m).__name__ for m in model.requests[1].messages] == [
            "UserMessage",
            "ToolCallMessage",
            "ToolResultMessage",
        ]

    run(main())


def test_a_report_is_seen_while_the_tool_still_runs() -> None:
    go_on = threading.Event()

    def tool(context: ToolContext) -> str:
        context.report("waiting")
        assert go_on.wait(5)
        return "x"

    async def main() -> None:
        chat, _ = ask([START, *call("tool"), CALLS], answer("ok"))
        async with chat.with_tools([tool]).complete_stream() as stream:
            async for entry in stream.events:
                if isinstance(entry.event, ToolProgressed):
                    go_on.set()
            assert results(await stream.chat) == [("x", False)]

    run(main())


def test_what_comes_after_the_call_is_over_is_not_heard() -> None:
    contexts: list[ToolContext] = []
    done = threading.Event()

    def stuck(context: ToolContext) -> str:
        contexts.append(context)
        done.wait(5)
        context.report("too late")
        return "x"

    async def main() -> None:
        chat, _ = ask([START, *call("stuck"), CALLS], answer("ok"))
        async with chat.with_tools([Tool(stuck, timeout=0.05)]).complete_stream() as stream:
            final = await stream.chat
            done.set()
            contexts[0].report("later still")
            await asyncio.sleep(0.05)
            assert not [e for e in await read(stream.events) if isinstance(e.event, ToolProgressed)]
        assert results(final) == [("the tool took longer than 0.05 s", True)]
        contexts[0].report("after the end")

    run(main())
    contexts[0].report("without a loop")


def test_a_tools_own_timeout_comes_before_that_of_the_run() -> None:
    async def tool() -> str:
        await asyncio.sleep(0.05)
        return "x"

    for own, of_the_run, expected in ((5, 0.01, ("x", False)), (0.01, 5, ("the tool took longer than 0.01 s", True))):
        chat, _ = ask([START, *call("tool"), CALLS], answer("ok"))
        final = chat.with_tools([Tool(tool, timeout=own)]).complete(timeouts=Timeouts(tool=of_the_run))
        assert results(final) == [expected]


def test_a_tool_bounds_its_own_calls_and_no_others() -> None:
    now = {"one": 0, "many": 0}
    most = {"one": 0, "many": 0}

    async def busy(name: str) -> str:
        now[name] += 1
        most[name] = max(most[name], now[name])
        await asyncio.sleep(0.01)
        now[name] -= 1
        return name

    async def one() -> str:
        return await busy("one")

    async def many() -> str:
        return await busy("many")

    calls = [event for n in range(3) for event in call("one", block=n, id=f"o{n}")]
    calls += [event for n in range(3) for event in call("many", block=n + 3, id=f"m{n}")]
    chat, _ = ask([START, *calls, CALLS], answer("ok"))
    final = chat.with_tools([Tool(one, concurrency=1), many]).complete(max_concurrent_tools=3)
    assert [content for content, _ in results(final)] == ["one"] * 3 + ["many"] * 3
    assert most["one"] == 1
    # Those that wait for their own turn take no place from the others.
    assert most["many"] >= 2


def test_who_waits_for_a_call_of_the_same_tool_takes_no_place_from_others() -> None:
    seen = asyncio.Event()

    async def one() -> str:
        await asyncio.wait_for(seen.wait(), 1)
        return "one"

    async def other() -> str:
        seen.set()
        return "other"

    calls = [*call("one", id="a"), *call("one", block=1, id="b"), *call("other", block=2, id="c")]
    chat, _ = ask([START, *calls, CALLS], answer("ok"))
    final = chat.with_tools([Tool(one, concurrency=1), other]).complete(max_concurrent_tools=2)
    assert results(final) == [("one", False), ("one", False), ("other", False)]


def test_images_of_a_tool_stay_parts_and_survive_json() -> None:
    image = ImagePart(InlineMedia("image/png", b"png"))

    def draw() -> list[object]:
        return ["a chart", image]

    chat, model = ask([START, *call("draw"), CALLS], answer("ok"))
    final = chat.with_tools([draw]).complete()
    (result,) = [m for m in final.messages if isinstance(m, ToolResultMessage)]
    assert result.parts == (TextPart("a chart"), image)
    assert result.content == "a chart"
    assert result in model.requests[1].messages
    assert Chat.from_json(final.to_json()).messages == final.messages


def test_ten_tools_take_as_long_as_one() -> None:
    async def nap() -> str:
        await asyncio.sleep(0.2)
        return "x"

    def sleep() -> str:
        time.sleep(0.2)
        return "x"

    for tool in (nap, sleep):
        calls = [event for n in range(10) for event in call(tool.__name__, block=n, id=f"c{n}")]
        chat, _ = ask([START, *calls, CALLS], answer("ok"))
        began = time.monotonic()
        assert results(chat.with_tools([tool]).complete()) == [("x", False)] * 10
        # One after another they would take two seconds; a busy machine takes less than half of that.
        assert time.monotonic() - began < 1
