"""Tools that fail, abort, block, or give what is no result: cases 81 to 88.

Over real connections where the wire carries what comes of it; cases 85, 86 and 88 are decided above all wires, and are
asked of a scripted model.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Final, NoReturn

import pytest

from punk.core.messages import ToolResultMessage
from punk.errors import ToolExecutionAbortError
from punk.llm.chat import Chat
from tests.faults.ends import asking, tidy
from tests.faults.judge import LETTING_GO
from tests.faults.recorder import record
from tests.faults.wires import WIRES, Wire
from tests.faults.world import World
from tests.llm.script import CALLS, START, answer, ask, call, read, text
from tests.support.aio import run

each_wire = pytest.mark.parametrize("wire", WIRES, ids=str)


def calling(wire: Wire, world: World, *tools: Callable[..., object]) -> Chat:
    """A question whose answer says `I will. `, calls each of `tools` and then is whole."""
    calls = [
        event for block, tool in enumerate(tools) for event in call(name_of(tool), block=block + 1, id=f"c{block}")
    ]
    frames = wire.frames(START, *text("I will. "), *calls, CALLS)
    world.server.play(wire.answer(*frames), wire.answer(*wire.opening, *wire.rest))
    return asking(world.model(wire), *tools)


def name_of(tool: Callable[..., object]) -> str:
    """The name under which a tool is offered."""
    return str(getattr(tool, "__name__", ""))


def results(chat: Chat) -> list[tuple[str, bool]]:
    """What the tools of a chat answered, and whether these are errors."""
    return [(said.content, said.is_error) for said in chat.messages if isinstance(said, ToolResultMessage)]


def went_on(wire: Wire, world: World, *tools: Callable[..., object]) -> tuple[list[tuple[str, bool]], str]:
    """The results of calls of `tools`, after which the run must go on to its whole end, and what the model was sent."""

    async def main() -> tuple[list[tuple[str, bool]], str]:
        chat = calling(wire, world, *tools)
        async with tidy(), chat.complete_stream() as stream:
            assert "".join(await read(stream.content_delta)) == "I will. Hello, world."
            final = await stream.chat
        assert await world.server.let_go(LETTING_GO)
        assert len(world.server.requests) == 2
        return results(final), json.dumps(world.server.requests[1].json, ensure_ascii=False)

    return world.run(main())


def raising() -> str:
    """Fail."""
    raise ValueError("no such account")


async def raising_async() -> str:
    """Fail."""
    raise ValueError("no such account")


async def raising_several() -> str:
    """Fail."""
    raise ExceptionGroup("several", [ValueError("no such account"), KeyError("nobody")])


@each_wire
def test_81_a_tool_raises(wire: Wire, world: World) -> None:
    found, sent = went_on(wire, world, raising, raising_async, raising_several)
    assert [is_error for _, is_error in found] == [True] * 3
    assert sent.count("ValueError: no such account") >= 2
    record(81, wire.name, "ok: 'I will. Hello, world.', told 'ValueError: no such account', 2 requests")


STOP: Final = ToolExecutionAbortError("Enough.")


def aborting() -> str:
    """Abort in a thread."""
    raise STOP


async def aborting_async() -> str:
    """Abort."""
    raise STOP


async def aborting_in_groups() -> str:
    """Abort inside of exception groups."""
    raise ExceptionGroup("several", [ValueError("no"), ExceptionGroup("inner", [STOP])])


async def aborting_in_a_task_group() -> str:
    """Abort in a task of its own."""
    async with asyncio.TaskGroup() as group:
        group.create_task(aborting_async())
    return "never"


ABORTS: Final[dict[Callable[[], object], tuple[int, str]]] = {
    aborting: (82, "in a thread"),
    aborting_async: (82, ""),
    aborting_in_groups: (83, "an exception group"),
    aborting_in_a_task_group: (83, "a task group"),
}


@each_wire
@pytest.mark.parametrize("tool", ABORTS, ids=lambda tool: f"{ABORTS[tool][0]}-{name_of(tool)}")
def test_82_83_a_tool_aborts(tool: Callable[[], object], wire: Wire, world: World) -> None:
    cancelled: list[str] = []

    async def sibling() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append("sibling")
            raise
        return "late"

    async def main() -> list[tuple[str, bool]]:
        stream = calling(wire, world, tool, sibling).complete_stream()
        shown: list[str] = []
        async with tidy():
            with pytest.raises(ToolExecutionAbortError) as caught:
                async with stream:
                    async for piece in stream.content_delta:
                        shown.append(piece)
            assert caught.value is STOP
            for _ in range(2):
                with pytest.raises(ToolExecutionAbortError, match=r"^Enough\.$"):
                    await stream.chat
        assert shown == ["I will. "]
        assert await world.server.let_go(LETTING_GO)
        return results(stream.partial_chat)

    left = world.run(main())
    assert cancelled == ["sibling"]
    assert [is_error for _, is_error in left] == [True, True]
    assert len(world.server.requests) == 1
    number, variant = ABORTS[tool]
    record(number, wire.name, "ToolExecutionAbortError, 'I will. ' kept; the other tool is cancelled", variant)


def cancelling() -> str:
    """Raise what only asyncio should, in a thread."""
    raise asyncio.CancelledError


async def cancelling_async() -> str:
    """Raise what only asyncio should."""
    raise asyncio.CancelledError


async def cancelling_itself() -> str:
    """Cancel the task that it runs in."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(60)
    return "late"


@each_wire
def test_84_a_tool_raises_cancelled_error(wire: Wire, world: World) -> None:
    found, sent = went_on(wire, world, cancelling, cancelling_async, cancelling_itself)
    assert found == [("the tool cancelled itself", True)] * 3
    assert sent.count("the tool cancelled itself") == 3
    record(84, wire.name, "ok: 'I will. Hello, world.', told 'the tool cancelled itself', 2 requests")


class StrangeError(BaseException):
    """Neither an exception nor an interrupt."""


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, StrangeError])
@pytest.mark.parametrize("kind", ["async", "sync"])
def test_85_a_tool_raises_base_exception(error: type[BaseException], kind: str) -> None:
    async def tool_async() -> NoReturn:
        raise error

    def tool() -> NoReturn:
        raise error

    used: Callable[[], object] = tool_async if kind == "async" else tool
    chat, model = ask([START, *call(name_of(used)), CALLS], answer("never"))
    before = set(threading.enumerate())
    with pytest.raises(error):
        chat.with_tools([used]).complete()
    for thread in set(threading.enumerate()) - before:
        thread.join(LETTING_GO)
        assert not thread.is_alive()
    assert len(model.requests) == 1
    record(85, "any", f"{error.__name__} leaves as itself", error.__name__)


def test_86_a_sync_tool_blocks() -> None:
    go_on = threading.Event()
    begun = threading.Event()

    def blocking() -> str:
        begun.set()
        return "done" if go_on.wait(8) else "late"

    async def main() -> None:
        chat, _ = ask([START, *call("blocking"), CALLS], answer("ok"))
        waiting = asyncio.create_task(chat.with_tools([blocking]).complete_async())
        while not begun.is_set():
            await asyncio.sleep(0.001)
        for _ in range(3):
            other, _ = ask(answer("other"))
            assert (await other.complete_async()).latest_message.content == "other"
        assert not waiting.done()
        go_on.set()
        assert results(await waiting) == [("done", False)]

    run(main(), deadline=10)
    record(86, "any", "ok: other streams go on meanwhile")


HUGE: Final = 1_000_000


def a_dict() -> dict[str, object]:
    """What is no text."""
    return {"price": 3, "tags": ["a", None]}


def nothing() -> None:
    """What is nothing."""


def huge() -> str:
    """A long text."""
    return "x" * HUGE


def surrogate() -> str:
    """Half a character."""
    return "half \ud83d!"


def no_json() -> object:
    """What has no JSON form."""
    return object()


def not_a_number() -> float:
    """What JSON has no word for."""
    return float("nan")


@each_wire
def test_87_results(wire: Wire, world: World) -> None:
    found, sent = went_on(wire, world, a_dict, nothing, huge, surrogate, no_json, not_a_number)
    assert found == [
        ('{"price":3,"tags":["a",null]}', False),
        ("null", False),
        ("x" * HUGE, False),
        ("half \ufffd!", False),
        ("the result contains a value of type object, which has no JSON form", True),
        ("the result contains nan, a number that JSON can't hold", True),
    ]
    for words in ("x" * HUGE, "half \ufffd!", "has no JSON form", "a number that JSON can't hold"):
        assert words in sent
    words = "serialised, whole, repaired; an error result where there is no JSON form, 2 requests"
    record(87, wire.name, f"ok: {words}")


def test_88_a_tool_uses_the_stream_that_waits_for_it() -> None:
    async def main() -> list[tuple[str, bool]]:
        async def reading() -> str:
            return "".join(await read(stream.content))

        async def finishing() -> str:
            return (await stream.chat).latest_message.content

        async def entering() -> str:
            async with stream:
                return "entered"

        calls = [*call("reading", id="a"), *call("finishing", block=1, id="b"), *call("entering", block=2, id="c")]
        chat, model = ask([START, *calls, CALLS], answer("ok"))
        stream = chat.with_tools([reading, finishing, entering]).complete_stream()
        async with stream:
            final = await stream.chat
        assert final.latest_message.content == "ok"
        assert len(model.requests) == 2
        return results(final)

    found = run(main(), deadline=10)
    assert found == [
        ("StreamingError: a tool cannot read the stream that waits for it", True),
        ("StreamingError: a tool cannot read the stream that waits for it", True),
        ("StreamingError: this stream was entered before; call complete_stream() for another", True),
    ]
    record(88, "any", "ok: StreamingError, invalid state, in the tool: an error result")
