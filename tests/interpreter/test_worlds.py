"""Random small worlds: whatever the provider, the tools and the readers do, everybody comes to an end and nothing is
lost, run twice or left behind."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from punk.core.events import ApprovalNeeded, CallSealed, TextDelta
from punk.core.failures import ConnectionLost
from punk.core.messages import ToolResultMessage
from punk.core.parts import ToolCall
from punk.core.state import AwaitingApproval, Completed, Failed, RunningTools, Streaming
from punk.core.tool_events import ToolApproved, ToolStarted
from punk.errors import PunkError, ToolExecutionAbortError
from punk.llm.streaming import ChatStream
from punk.llm.tools import Approve, AsTool, Denied, Tool, ToolContext, Verdict
from punk.testing import Fault, ScriptItem
from punk.testing.call_laws import check_starts
from punk.testing.laws import check_history
from tests.llm.script import CALLS, START, STOP, ask, call, text, thinking
from tests.support.aio import run


@dataclass(frozen=True)
class Reader:
    """Reads `what`, `pieces` of it at the most, yielding to others `pauses` times after each."""

    what: str
    pieces: int
    pauses: int
    impatient: bool


@dataclass(frozen=True)
class World:
    """Turns to play, tools by what they do, readers, after how many yields the body leaves (None: at the end), who is
    asked about guarded calls (None: nobody), and how many tools run at once."""

    turns: tuple[tuple[ScriptItem, ...], ...]
    batch: int
    readers: tuple[Reader, ...]
    leave_after: int | None
    approve: Approve | None
    side_by_side: int | None


def turn(draw: st.DrawFn, number: int, last: bool) -> tuple[ScriptItem, ...]:
    items: list[ScriptItem] = [START]
    block = 0
    for _ in range(draw(st.integers(0, 3))):
        if draw(st.booleans()):
            items += text(*draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=4)), block=block)
        else:
            items += thinking(*draw(st.lists(st.sampled_from("xyz"), min_size=1, max_size=3)), block=block)
        block += 1
    if draw(st.integers(0, 9)) == 0:
        return (*items, Fault(ConnectionLost("gone")))
    if draw(st.integers(0, 9)) == 0:
        return tuple(items)
    if last:
        return (*items, STOP)
    for position in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(NAMES))
        items += call(name, block=block, id=f"c{number}-{position}")
        block += 1
    return (*items, CALLS)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    count = draw(st.integers(1, 3))
    reader = st.builds(
        Reader,
        st.sampled_from(["content", "content_delta", "thinking", "events", "chat"]),
        st.integers(0, 12),
        st.integers(0, 3),
        st.booleans(),
    )
    return World(
        tuple(turn(draw, number, number == count - 1) for number in range(count)),
        draw(st.integers(1, 5)),
        tuple(draw(st.lists(reader, min_size=1, max_size=4))),
        draw(st.none() | st.integers(0, 20)),
        draw(st.sampled_from([None, all_allowed, one_in_two, in_a_thread, undecided])),
        draw(st.none() | st.integers(1, 2)),
    )


async def all_allowed(call: ToolCall) -> bool:
    await asyncio.sleep(0)
    return True


async def one_in_two(call: ToolCall) -> Verdict:
    await asyncio.sleep(0.001)
    return Denied("odd") if call.id[-1] in "13" else True


def in_a_thread(call: ToolCall) -> bool:
    return True


def undecided(call: ToolCall) -> bool:
    raise ValueError("who knows")


RAN: Counter[str] = Counter()
"""The calls that really ran, in the world that is lived."""


async def quick(context: ToolContext) -> str:
    RAN[context.call_id] += 1
    return "quick"


async def slow(context: ToolContext) -> str:
    RAN[context.call_id] += 1
    context.report("slow", progress=0)
    await asyncio.sleep(0.002)
    context.report(progress=1)
    return "slow"


def threaded(context: ToolContext) -> str:
    RAN[context.call_id] += 1
    context.report("threaded")
    return "threaded"


async def guarded(context: ToolContext) -> str:
    RAN[context.call_id] += 1
    return "guarded"


def stuck() -> str:
    time.sleep(0.01)
    return "stuck"


async def cancels_itself() -> str:
    raise asyncio.CancelledError


async def raises() -> str:
    raise ValueError("no")


async def aborts() -> str:
    raise ToolExecutionAbortError("stop")


TOOLS: list[AsTool] = [
    quick,
    slow,
    threaded,
    raises,
    aborts,
    cancels_itself,
    Tool(guarded, requires_approval=True, concurrency=1),
    Tool(stuck, timeout=0.002, concurrency=1),
]
NAMES = ("quick", "slow", "threaded", "raises", "aborts", "cancels_itself", "guarded", "stuck", "unknown")


async def read_some(stream: ChatStream, reader: Reader) -> list[object]:
    seen: list[object] = []
    if reader.what == "chat":
        return [await stream.chat]
    pieces = aiter(getattr(stream, reader.what))
    while len(seen) < reader.pieces:
        try:
            if reader.impatient:
                seen.append(await asyncio.wait_for(anext(pieces), 0.0005))
            else:
                seen.append(await anext(pieces))
        except TimeoutError:
            continue
        except StopAsyncIteration:
            break
        for _ in range(reader.pauses):
            await asyncio.sleep(0)
    return seen


async def live(world: World) -> None:
    RAN.clear()
    chat, model = ask(*world.turns, batch=world.batch)
    chat = chat.with_tools(TOOLS)
    stream = chat.complete_stream(approve=world.approve, max_concurrent_tools=world.side_by_side)
    tasks: list[asyncio.Task[list[object]]] = []
    try:
        async with stream:
            tasks = [asyncio.create_task(read_some(stream, reader)) for reader in world.readers]
            if world.leave_after is None:
                await asyncio.wait(tasks)
            else:
                for _ in range(world.leave_after):
                    await asyncio.sleep(0)
    except PunkError:
        pass  # what nobody saw is raised on leaving
    await asyncio.wait(tasks)
    for task, reader in zip(tasks, world.readers, strict=True):
        if task.exception() is None:
            check(stream, reader, task.result())
        else:
            assert isinstance(task.exception(), PunkError)

    assert model.opened == model.closed
    state = stream.state
    assert not isinstance(state, Streaming | RunningTools)
    started = Counter(entry.call_id for entry in state.log if isinstance(entry, ToolStarted))
    sealed = Counter(entry.call.id for entry in state.log if isinstance(entry, CallSealed))
    assert all(count == 1 for count in started.values())
    assert started.keys() <= sealed.keys()
    check_starts(state)
    assert all(count == 1 for count in RAN.values())
    for message in stream.partial_chat.messages:
        if isinstance(message, ToolResultMessage) and message.content.startswith("Not run"):
            assert message.call_id not in RAN
    check_history(state)
    approved = {entry.call_id for entry in state.log if isinstance(entry, ToolApproved)}
    needed = {entry.call.id for entry in state.log if isinstance(entry, ApprovalNeeded)}
    assert needed & started.keys() <= approved <= needed
    assert not approved or world.approve in (all_allowed, one_in_two, in_a_thread)
    if isinstance(state, AwaitingApproval):
        assert world.approve is None
        assert {call.id for call in stream.partial_chat.unanswered_calls} == {call.id for call in state.calls}
    if isinstance(state, Completed | Failed | AwaitingApproval):
        assert len(model.requests) == state.run.rounds


def check(stream: ChatStream, reader: Reader, seen: list[object]) -> None:
    deltas = [entry.text for entry in stream.state.log if isinstance(entry, TextDelta)]
    match reader.what:
        case "content_delta":
            assert seen == deltas[: len(seen)]
        case "content":
            assert seen == ["".join(deltas[: end + 1]) for end in range(len(seen))]
        case "events":
            assert [getattr(event, "number", None) for event in seen] == list(range(len(seen)))
        case _:
            pass


@given(worlds())
def test_every_world_comes_to_its_end(world: World) -> None:
    run(live(world), deadline=10)
