"""Tools in a stream: run once, from whole calls, side by side; whatever they do, the run goes on or ends cleanly."""

from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
import threading
import time
from collections import UserDict
from contextlib import suppress
from typing import Unpack, cast

import pytest

from punk.core.events import CallDelta, CallStarted, TurnEnded, UsageReported
from punk.core.failures import CallLimit, RoundLimit, TokenLimit
from punk.core.messages import AssistantMessage, Finish, FinishReason, ToolCallMessage, ToolResultMessage
from punk.core.state import history
from punk.core.tool_events import ToolReturned, ToolStarted
from punk.core.usage import Usage
from punk.errors import ConfigurationError, StreamingError, ToolExecutionAbortError
from punk.llm.chat import Chat
from punk.llm.incomplete import StreamIncompleteError
from punk.llm.models.anthropic import AnthropicModel
from punk.llm.options import RunOptions
from punk.llm.timeouts import Timeouts
from punk.testing import ScriptedModel
from tests.llm.script import CALLS, START, answer, ask, call, read, text
from tests.support.aio import run
from tests.support.paths import ROOT


def results(chat: Chat) -> list[tuple[str, str, bool]]:
    """What the tools of a chat answered."""
    return [(m.call_id, m.content, m.is_error) for m in chat.messages if isinstance(m, ToolResultMessage)]


def one_call(tool: object, arguments: str = "{}", **options: Unpack[RunOptions]) -> Chat:
    """The final chat of a run in which the model calls `tool` once."""
    name = getattr(tool, "__name__", "tool")
    chat, _ = ask([START, *call(name, arguments), CALLS], answer("ok"))
    return chat.with_tools([cast("type[object]", tool)]).complete(**options)


def test_a_round_of_tools_and_the_answer_after_it() -> None:
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    chat, model = ask([START, *text("let me"), *call("add", '{"a": 1, "b": "2"}', block=1), CALLS], answer("3"))
    final = chat.with_tools([add]).complete()
    user, called, result, said = final.messages
    assert isinstance(called, ToolCallMessage)
    assert [part.name for part in called.calls] == ["add"]
    assert result == ToolResultMessage("c1", "add", "3")
    assert isinstance(said, AssistantMessage)
    assert said.content == "3"
    assert [request.messages for request in model.requests] == [(user,), (user, called, result)]
    assert [spec.name for spec in model.requests[1].tools] == ["add"]


def test_calls_of_a_turn_run_side_by_side_and_answer_in_order() -> None:
    running = 0
    most = 0

    async def slow(n: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02 * (5 - n))
        running -= 1
        return n

    calls = [event for n in range(5) for event in call("slow", f'{{"n": {n}}}', block=n, id=f"c{n}")]
    chat, _ = ask([START, *calls, CALLS], answer("ok"))
    chat = chat.with_tools([slow])
    assert [content for _, content, _ in results(chat.complete())] == list("01234")
    assert most == 5
    most = 0
    chat = chat.with_model(ScriptedModel([[START, *calls, CALLS], answer("ok")]))
    chat.complete(max_concurrent_tools=2)
    assert most == 2


def test_a_sync_tool_runs_in_a_thread_with_the_context_of_the_block() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")

    def tool() -> str:
        assert threading.current_thread() is not threading.main_thread()
        return variable.get()

    async def main() -> None:
        variable.set("of the block")
        chat, _ = ask([START, *call("tool"), CALLS], answer("ok"))
        async with chat.with_tools([tool]).complete_stream() as stream:
            variable.set("later")
            await stream.chat
        assert results(await stream.chat) == [("c1", "of the block", False)]

    run(main())


def test_a_blocking_tool_does_not_stop_the_loop() -> None:
    ticks = 0

    def tool() -> str:
        time.sleep(0.2)
        return "x"

    async def main() -> None:
        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.005)
                ticks += 1

        ticking = asyncio.create_task(tick())
        chat, _ = ask([START, *call("tool"), CALLS], answer("ok"))
        await chat.with_tools([tool]).complete_async()
        ticking.cancel()
        await asyncio.wait({ticking})

    run(main())
    assert ticks > 10


def test_a_bound_method_is_called_on_its_own_object() -> None:
    class Counter:
        def __init__(self) -> None:
            self.count = 0

        def increase(self) -> int:
            self.count += 1
            return self.count

    counter = Counter()
    assert results(one_call(counter.increase)) == [("c1", "1", False)]
    assert counter.count == 1


def _raise(error: BaseException) -> str:
    raise error


def boom() -> str:
    return _raise(ValueError("bad \ud800 news"))


def stop() -> str:
    return _raise(StopIteration("x"))


def cancels_itself() -> str:
    return _raise(asyncio.CancelledError())


async def cancels_itself_async() -> str:
    return _raise(asyncio.CancelledError())


def speechless() -> str:
    class SpeechlessError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("in str")

    return _raise(SpeechlessError())


def unwritable() -> object:
    return object()


def unwritable_in_odd_words() -> object:
    class Odd(UserDict[str, int]):
        def __getitem__(self, key: str) -> int:
            raise ValueError("\ud800 again")

    return Odd(a=1)


@pytest.mark.parametrize(
    ("tool", "says"),
    [
        (boom, "ValueError: bad \ufffd news"),
        (stop, "StopIteration"),
        (cancels_itself, "the tool cancelled itself"),
        (cancels_itself_async, "the tool cancelled itself"),
        (unwritable, "no JSON form"),
        (unwritable_in_odd_words, "could not be written as JSON: ValueError: \ufffd again"),
        (speechless, "SpeechlessError"),
    ],
)
def test_what_a_tool_raises_becomes_an_error_result(tool: object, says: str) -> None:
    [(_, content, is_error)] = results(one_call(tool))
    assert is_error
    assert says in content


def test_arguments_that_do_not_fit_are_told_to_the_model() -> None:
    ran = []

    def tool(n: int) -> str:
        ran.append(n)
        return "x"

    [(_, content, is_error)] = results(one_call(tool, '{"n": "many"}'))
    assert is_error
    assert content.startswith("Invalid arguments for tool:\nn: Input should be a valid integer")
    assert ran == []


def test_an_unknown_tool_is_told_to_the_model() -> None:
    chat, _ = ask([START, *call("nothing"), CALLS], answer("ok"))
    [(_, content, is_error)] = results(chat.complete())
    assert is_error
    assert "unknown tool" in content


def test_a_tool_over_its_time_is_an_error_result() -> None:
    async def slow() -> str:
        await asyncio.sleep(20)
        return "x"

    assert results(one_call(slow, timeouts=Timeouts(tool=0.05))) == [("c1", "the tool took longer than 0.05 s", True)]


async def aborts() -> str:
    raise ToolExecutionAbortError("blocked")


def aborts_in_a_thread() -> str:
    raise ToolExecutionAbortError("blocked")


async def aborts_in_a_group() -> str:
    async with asyncio.TaskGroup() as group:
        group.create_task(aborts())
    return "x"


async def aborts_beside_a_cancellation() -> str:
    raise BaseExceptionGroup("both", [asyncio.CancelledError(), ToolExecutionAbortError("blocked")])


class OwnAbort(ToolExecutionAbortError):
    def __init__(self, reason: str) -> None:
        self.reason = reason  # and no call of the base's


async def aborts_in_its_own_way() -> str:
    raise OwnAbort("blocked")


@pytest.mark.parametrize(
    "tool", [aborts, aborts_in_its_own_way, aborts_in_a_thread, aborts_in_a_group, aborts_beside_a_cancellation]
)
def test_an_abort_ends_the_stream_and_cancels_the_siblings(tool: object) -> None:
    cancelled = []

    async def sibling() -> str:
        try:
            await asyncio.sleep(20)
        except asyncio.CancelledError:
            cancelled.append(1)
            raise
        return "x"

    name = getattr(tool, "__name__", "")

    async def main() -> None:
        chat, model = ask([START, *call(name), *call("sibling", block=1, id="c2"), CALLS], answer("never"))
        stream = chat.with_tools([cast("type[object]", tool), sibling]).complete_stream()
        with pytest.raises(ToolExecutionAbortError) as caught:
            async with stream:
                await read(stream.content)
        assert caught.value.message == "blocked"
        with pytest.raises(ToolExecutionAbortError):
            await stream.chat
        assert cancelled == [1]
        assert len(model.requests) == 1
        partial = stream.partial_chat
        assert [is_error for _, _, is_error in results(partial)] == [True, True]

    run(main())


def test_leaving_cancels_and_awaits_the_tools() -> None:
    ended = []

    async def main() -> None:
        started = asyncio.Event()

        async def tool() -> str:
            started.set()
            try:
                await asyncio.sleep(20)
            finally:
                await asyncio.sleep(0.01)
                ended.append(1)
            return "x"

        chat, _ = ask([START, *call("tool"), CALLS])
        async with chat.with_tools([tool]).complete_stream() as stream:
            waiting = asyncio.create_task(read(stream.content))
            await started.wait()
        assert ended == [1]
        assert await waiting == []
        assert results(stream.partial_chat)[0][2]

    run(main())


def test_a_tool_cannot_read_the_stream_that_waits_for_it() -> None:
    async def main() -> None:
        async def tool() -> str:
            async for _ in stream.content:
                pass
            return "x"

        chat, _ = ask([START, *call("tool"), CALLS], answer("ok"))
        stream = chat.with_tools([tool]).complete_stream()
        async with stream:
            final = await stream.chat
        [(_, content, is_error)] = results(final)
        assert is_error
        assert content == "StreamingError: a tool cannot read the stream that waits for it"

    run(main())


def test_a_tool_may_hold_a_chat_of_its_own() -> None:
    def tool() -> str:
        inner, _ = ask(answer("inner"))
        return inner.complete().latest_message.content

    assert results(one_call(tool)) == [("c1", "inner", False)]


def test_a_tool_cannot_read_the_stream_that_waits_for_it_from_a_chat_within() -> None:
    async def main() -> None:
        async def deep() -> str:
            return "".join(await read(stream.content))

        async def tool() -> str:
            inner, _ = ask([START, *call("deep"), CALLS], answer("inner"))
            [(_, content, _)] = results(await inner.with_tools([deep]).complete_async())
            return content

        chat, _ = ask([START, *call("tool"), CALLS], answer("ok"))
        stream = chat.with_tools([tool]).complete_stream()
        async with stream, asyncio.timeout(5):
            final = await stream.chat
        [(_, content, is_error)] = results(final)
        assert content == "StreamingError: a tool cannot read the stream that waits for it"
        assert not is_error

    run(main())


def test_a_tool_may_have_the_name_of_the_one_that_takes_structured_answers() -> None:
    def final_answer() -> str:
        return "seven"

    assert results(one_call(final_answer)) == [("c1", "seven", False)]


FORBIDDING: tuple[FinishReason, ...] = ("max_tokens", "refusal", "content_filter", "other")
CUT: list[object] = [
    [START, *call("transfer", '{"amount": 1000}')],
    [START, CallStarted(0, "c1", "transfer"), CallDelta(0, '{"amount": 1')],
    [START, CallStarted(0, "c1", "transfer"), CallDelta(0, '{"amount": 1'), CALLS],
    [START, CallStarted(0, "c1", "transfer"), CallDelta(0, '{"amount": 1}'), CALLS],
    [START, *call("transfer", '{"amount": 1'), CALLS],
    *([START, *call("transfer", '{"amount": 1000}'), TurnEnded(Finish(reason, reason))] for reason in FORBIDDING),
]


@pytest.mark.parametrize("turn", CUT)
def test_a_call_that_is_not_whole_never_runs(turn: list[object]) -> None:
    ran = []

    def transfer(amount: int) -> str:
        ran.append(amount)
        return "done"

    chat, _ = ask(cast("list[ToolReturned]", turn), answer("ok"))  # type: ignore[arg-type]  # events of all kinds
    with suppress(StreamingError):
        chat.with_tools([transfer]).complete()
    assert ran == []


def test_rounds_have_a_limit() -> None:
    ran = []

    def tool() -> str:
        ran.append(1)
        return "x"

    chat, model = ask(*([START, *call("tool", id=f"c{n}"), CALLS] for n in range(9)))
    with pytest.raises(StreamingError) as caught:
        chat.with_tools([tool]).complete(max_rounds=3)
    assert caught.value.failure == RoundLimit(3)
    assert len(model.requests) == 3
    assert len(ran) == 2


def test_calls_and_tokens_have_limits_and_the_partial_is_kept() -> None:
    ran = []

    def tool() -> str:
        ran.append(1)
        return "x"

    called = [*call("tool", id="c1"), *call("tool", id="c2", block=1), UsageReported(Usage(10, 5)), CALLS]
    for bound, failure in (({"max_tool_calls": 3}, CallLimit(3)), ({"max_total_tokens": 30}, TokenLimit(30))):
        ran.clear()
        chat, model = ask(*([START, *called] for _ in range(9)))

        with pytest.raises(StreamingError) as caught:
            chat.with_tools([tool]).complete(**bound)  # type: ignore[arg-type]  # bounds by name
        assert caught.value.failure == failure
        assert caught.value.partial is not None
        partial = chat.with_messages(history(caught.value.partial))
        assert (len(model.requests), len(ran)) == (2, 2)
        assert results(partial)[:2] == [("c1", "x", False), ("c2", "x", False)]
        assert all(is_error for _, _, is_error in results(partial)[2:])


def test_calls_are_counted_through_all_rounds() -> None:
    ran = []

    def tool() -> str:
        ran.append(1)
        return "x"

    chat, _ = ask(*([START, *call("tool", id=f"c{n}"), CALLS] for n in range(3)), answer("never"))
    with pytest.raises(StreamingError) as caught:
        chat.with_tools([tool]).complete(max_tool_calls=2)
    assert caught.value.failure == CallLimit(2)
    assert len(ran) == 2


@pytest.mark.parametrize(
    "bounds",
    [
        {"max_rounds": 0},
        {"max_tool_calls": 0},
        {"max_total_tokens": 0},
        {"max_concurrent_tools": 0},
    ],
)
def test_bounds_are_positive(bounds: dict[str, int]) -> None:
    chat, _ = ask(answer("a"))
    with pytest.raises(ConfigurationError, match="above 0"):
        chat.complete_stream(**bounds)  # type: ignore[arg-type]  # bounds by name


def test_calls_may_be_handed_over_and_run_later() -> None:
    def tool() -> str:
        return "x"

    chat, _ = ask([START, *call("tool"), CALLS])
    chat = chat.with_tools([tool])
    handed = chat.complete(execute_tools=False)
    assert isinstance(handed.latest_message, ToolCallMessage)
    model = ScriptedModel([answer("ok")])
    resumed = Chat.from_json(handed.to_json(), model=model, tools=[tool]).complete()
    assert results(resumed) == [("c1", "x", False)]
    assert resumed.latest_message.content == "ok"
    assert len(model.requests) == 1


def test_a_stuck_tool_does_not_hold_up_the_end_of_the_program() -> None:
    program = """
import asyncio, time
from tests.llm.script import CALLS, START, ask, call, read

def stuck() -> str:
    time.sleep(60)
    return "x"

async def main() -> None:
    chat, _ = ask([START, *call("stuck"), CALLS])
    async with chat.with_tools([stuck]).complete_stream() as stream:
        reading = asyncio.create_task(read(stream.content))
        await asyncio.sleep(0.05)
    await reading

asyncio.run(main())
print("over")
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("over\n", "", 0)


def test_an_interrupt_in_a_tool_leaves_as_itself() -> None:
    def tool() -> str:
        raise KeyboardInterrupt

    chat, _ = ask([START, *call("tool"), CALLS])
    with pytest.raises(KeyboardInterrupt):
        chat.with_tools([tool]).complete()


def test_events_tell_of_the_tools() -> None:
    def tool() -> str:
        return "x"

    async def main() -> None:
        chat, _ = ask([START, *call("tool"), CALLS], answer("ok"))
        async with chat.with_tools([tool]).complete_stream() as stream:
            names = [type(event.event).__name__ for event in await read(stream.events)]
        assert names == [
            *("TurnRequested", "TurnStarted", "CallStarted", "CallDelta", "CallDelta", "CallEnded", "TurnEnded"),
            *("CallSealed", "ToolStarted", "ToolReturned"),
            *("TurnRequested", "TurnStarted", "TextDelta", "TurnEnded"),
        ]

    run(main())


def test_stream_left_while_tools_run_is_incomplete() -> None:
    async def tool() -> str:
        await asyncio.sleep(20)
        return "x"

    async def main() -> None:
        chat, _ = ask([START, *text("a"), *call("tool", block=1), CALLS])
        async with chat.with_tools([tool]).complete_stream() as stream:
            async for event in stream.events:
                if isinstance(event.event, ToolStarted):
                    break
        with pytest.raises(StreamIncompleteError):
            await stream.chat

    run(main())


def test_nothing_runs_for_a_model_that_cannot_be_asked() -> None:
    ran = []

    def tool() -> str:
        ran.append(1)
        return "x"

    async def main() -> None:
        chat, _ = ask([START, *call("tool"), CALLS])
        handed = await chat.with_tools([tool]).complete_async(execute_tools=False)
        with pytest.raises(ConfigurationError, match="ANTHROPIC_API_KEY"):
            async with handed.with_model(AnthropicModel("claude-sonnet-4-5")).complete_stream():
                raise AssertionError("entered")

    run(main())
    assert ran == []


def test_what_is_no_exception_and_no_interrupt_leaves_as_itself(caplog: pytest.LogCaptureFixture) -> None:
    class StrangeError(BaseException):
        pass

    async def tool() -> str:
        raise StrangeError

    chat, _ = ask([START, *call("tool"), CALLS])
    with pytest.raises(StrangeError):
        chat.with_tools([tool]).complete()
    assert caplog.records == []
