"""Calls that need approval: asked for while the run waits, or left for another run; never run without it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable

import pytest

from punk.core.events import ApprovalNeeded
from punk.core.failures import CallLimit
from punk.core.messages import AssistantMessage, ToolCallMessage, ToolResultMessage
from punk.core.parts import ToolCall
from punk.core.state import AwaitingApproval
from punk.core.tool_events import ToolApproved, ToolReturned, ToolStarted
from punk.errors import ConfigurationError, StreamingError, ToolExecutionAbortError
from punk.llm.chat import Chat
from punk.llm.incomplete import StreamIncompleteError
from punk.llm.messages import UserMessage
from punk.llm.tools import Approve, AsTool, Denied, Tool, Verdict
from punk.testing import ScriptedModel
from tests.llm.script import CALLS, START, answer, ask, call, read, text
from tests.support.aio import run

RAN: list[str] = []
PAY = call("transfer", '{"amount": 1}', block=2, id="b")
TURN = [START, *text("Well."), *call("look", block=1, id="a"), *PAY, CALLS]


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    RAN.clear()


def look() -> str:
    RAN.append("look")
    return "seen"


def transfer(amount: int) -> str:
    RAN.append(f"transfer {amount}")
    return "done"


TOOLS: list[AsTool] = [look, Tool(transfer, requires_approval=True)]


def said(chat: Chat) -> list[tuple[str, str, bool]]:
    return [(m.call_id, m.content, m.is_error) for m in chat.messages if isinstance(m, ToolResultMessage)]


def deferred() -> Chat:
    """The chat of a run that was left with a call of `transfer` to approve."""
    chat, _ = ask(TURN)
    with pytest.raises(StreamIncompleteError) as caught:
        chat.with_tools(TOOLS).complete()
    return caught.value.partial_chat


def with_answer(chat: Chat) -> Chat:
    return chat.with_model(ScriptedModel([answer("ok")]))


# Deferred: nobody is there to ask.


def test_a_stream_ends_with_the_call_unanswered_and_its_siblings_run() -> None:
    async def main() -> None:
        chat, model = ask(TURN)
        async with chat.with_tools(TOOLS).complete_stream() as stream:
            assert await read(stream.content_delta) == ["Well."]
            assert isinstance(stream.state, AwaitingApproval)
            with pytest.raises(StreamIncompleteError, match=r"wait to be approved: transfer \(b\)") as caught:
                await stream.chat
            events = [entry.event for entry in await read(stream.events)]
        assert [e.call.id for e in events if isinstance(e, ApprovalNeeded)] == ["b"]
        assert [e.call_id for e in events if isinstance(e, ToolStarted)] == ["a"]
        left = caught.value.partial_chat
        assert left == stream.partial_chat
        assert isinstance(left.messages[1], ToolCallMessage)
        assert said(left) == [("a", "seen", False)]
        assert [waiting.id for waiting in left.unanswered_calls] == ["b"]
        assert len(model.requests) == 1
        assert RAN == ["look"]

    run(main())


def test_what_was_approved_runs_once_and_the_run_goes_on() -> None:
    left = deferred()
    assert RAN == ["look"]
    final = with_answer(left.approve("b")).complete()
    assert RAN == ["look", "transfer 1"]
    assert said(final) == [("a", "seen", False), ("b", "done", False)]
    assert isinstance(final.latest_message, AssistantMessage)


def test_what_was_denied_does_not_run_and_the_model_is_told_why() -> None:
    left = deferred()
    model = ScriptedModel([answer("ok")])
    final = left.deny("b", "Too much.").with_model(model).complete()
    assert RAN == ["look"]
    assert said(final) == [("a", "seen", False), ("b", "Not run: this tool call was denied. Too much.", True)]
    assert said(Chat(model.requests[0].messages)) == said(final)


def test_another_process_goes_on() -> None:
    text = deferred().to_json()
    found = Chat.from_json(text, tools=TOOLS)
    assert [waiting.name for waiting in found.unanswered_calls] == ["transfer"]
    approved = Chat.from_json(found.approve("b").to_json(), tools=TOOLS)
    assert said(with_answer(approved).complete()) == [("a", "seen", False), ("b", "done", False)]


def test_a_run_of_nothing_but_unapproved_calls_ends_at_once_and_asks_nothing() -> None:
    left = deferred()
    model = ScriptedModel([])
    for _ in range(2):
        with pytest.raises(StreamIncompleteError) as caught:
            left.with_model(model).complete()
            assert caught.value.partial_chat.messages == left.messages
    assert model.requests == ()
    assert RAN == ["look"]


def test_calls_are_answered_one_by_one() -> None:
    calls = [event for n in range(3) for event in call("transfer", f'{{"amount": {n}}}', block=n, id=f"c{n}")]
    chat, _ = ask([START, *calls, CALLS])
    with pytest.raises(StreamIncompleteError) as caught:
        chat.with_tools(TOOLS).complete()
    left = caught.value.partial_chat
    left = left.approve("c2").deny("c0")
    with pytest.raises(StreamIncompleteError) as caught:
        left.complete()
    assert RAN == ["transfer 2"]
    left = caught.value.partial_chat
    assert [waiting.id for waiting in left.unanswered_calls] == ["c1"]
    final = with_answer(left.approve("c1")).complete()
    assert RAN == ["transfer 2", "transfer 1"]
    assert [(id, error) for id, _, error in said(final)] == [("c0", True), ("c1", False), ("c2", False)]


def test_only_calls_that_wait_can_be_answered() -> None:
    left = deferred()
    for answered in (left.approve, left.deny):
        with pytest.raises(ConfigurationError, match="no call 'a' waits for an answer; those that do: 'b'"):
            answered("a")
    with pytest.raises(ConfigurationError, match="no call 'b' waits for an answer; those that do: none"):
        left.deny("b").approve("b")
    with pytest.raises(ConfigurationError, match="those that do: none"):
        Chat([UserMessage("q")]).approve("b")


def test_calls_that_were_handed_over_are_asked_about_too() -> None:
    chat, _ = ask(TURN)
    handed = chat.with_tools(TOOLS).complete(execute_tools=False)
    assert [waiting.id for waiting in handed.unanswered_calls] == ["a", "b"]
    with pytest.raises(StreamIncompleteError):
        handed.complete()
    assert RAN == ["look"]
    final = with_answer(handed.approve("b")).complete()
    assert [id for id, _, _ in said(final)] == ["a", "b"]


def test_a_question_in_its_place_leaves_the_call_unrun() -> None:
    final = with_answer(deferred().add_message(UserMessage("Never mind."))).complete()
    never = "Not run: the conversation was interrupted before this tool call was approved."
    assert said(final) == [("a", "seen", False), ("b", never, True)]
    assert RAN == ["look"]


def test_a_limit_on_calls_counts_what_runs() -> None:
    chat, _ = ask(TURN)
    with pytest.raises(StreamIncompleteError):
        chat.with_tools(TOOLS).complete(max_tool_calls=1)
    assert RAN == ["look"]
    chat, _ = ask([START, *call("look", id="a"), *call("look", block=1, id="c"), CALLS])
    with pytest.raises(StreamingError) as caught:
        chat.with_tools(TOOLS).complete(max_tool_calls=1)
    assert caught.value.failure == CallLimit(1)


# Asked: somebody decides while the run waits.


async def _allow(call: ToolCall) -> bool:
    return True


class _Asker:
    async def __call__(self, call: ToolCall) -> Verdict:
        return True


def _later(call: ToolCall) -> Awaitable[Verdict]:
    return _allow(call)


@pytest.mark.parametrize("approve", [lambda call: True, _allow, _Asker(), _later])
def test_what_somebody_approves_runs(approve: Approve) -> None:
    async def main() -> None:
        chat, _ = ask(TURN, answer("ok"))
        async with chat.with_tools(TOOLS).complete_stream(approve=approve) as stream:
            final = await stream.chat
            events = [entry.event for entry in await read(stream.events)]
        of_b = [type(e) for e in events if getattr(e, "call_id", None) == "b"]
        assert of_b == [ToolApproved, ToolStarted, ToolReturned]
        assert said(final) == [("a", "seen", False), ("b", "done", False)]
        assert final.unanswered_calls == ()

    run(main())


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        (False, "Not run: this tool call was denied."),
        (Denied(), "Not run: this tool call was denied."),
        (Denied("Ask later."), "Not run: this tool call was denied. Ask later."),
    ],
)
def test_what_somebody_denies_does_not_run(verdict: Verdict, told: str) -> None:
    chat, _ = ask(TURN, answer("ok"))
    final = chat.with_tools(TOOLS).complete(approve=lambda call: verdict)
    assert said(final) == [("a", "seen", False), ("b", told, True)]
    assert RAN == ["look"]


def test_the_call_is_shown_to_who_decides_and_no_other() -> None:
    asked: list[ToolCall] = []

    def approve(call: ToolCall) -> bool:
        asked.append(call)
        return True

    chat, _ = ask(TURN, answer("ok"))
    chat.with_tools(TOOLS).complete(approve=approve)
    assert [(call.id, call.name, call.arguments) for call in asked] == [("b", "transfer", '{"amount": 1}')]


def test_nobody_is_asked_about_arguments_that_are_wrong() -> None:
    chat, _ = ask([START, *call("transfer", '{"amount": "many"}', id="b"), CALLS], answer("ok"))
    final = chat.with_tools(TOOLS).complete(approve=lambda call: pytest.fail("asked"))
    assert [(id, error) for id, _, error in said(final)] == [("b", True)]
    assert "amount" in said(final)[0][1]


def test_siblings_run_while_somebody_thinks() -> None:
    seen = threading.Event()

    def notice() -> str:
        seen.set()
        return "x"

    pay = call("transfer", '{"amount": 1}', id="b")
    chat, _ = ask([START, *pay, *call("notice", block=1, id="n"), CALLS], answer("ok"))
    final = chat.with_tools([*TOOLS, notice]).complete(approve=lambda call: seen.wait(5), max_concurrent_tools=1)
    assert [error for _, _, error in said(final)] == [False, False]


def test_a_plain_function_is_asked_one_call_at_a_time_and_an_async_one_about_all() -> None:
    now, most = 0, 0

    def plain(call: ToolCall) -> bool:
        nonlocal now, most
        now += 1
        most = max(most, now)
        time.sleep(0.02)
        now -= 1
        return True

    async def side_by_side(call: ToolCall) -> bool:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return True

    calls = [event for n in range(3) for event in call("transfer", f'{{"amount": {n}}}', block=n, id=f"c{n}")]
    for approve, expected in ((plain, 1), (side_by_side, 3)):
        most = 0
        chat, _ = ask([START, *calls, CALLS], answer("ok"))
        chat.with_tools(TOOLS).complete(approve=approve)
        assert most == expected


@pytest.mark.parametrize(
    ("approve", "why"),
    [
        (lambda call: 1 / 0, "approve failed for transfer: ZeroDivisionError: division by zero"),
        (lambda call: None, r"approve answers with True, False or Denied\(reason\), not with None as for transfer"),
        (lambda call: "yes", "not with 'yes' as for transfer"),
        (lambda call: 1, "not with 1 as for transfer"),
    ],
)
def test_what_nobody_decided_ends_the_stream(approve: Callable[[ToolCall], bool], why: str) -> None:
    chat, _ = ask(TURN)
    with pytest.raises(ToolExecutionAbortError, match=why):
        chat.with_tools(TOOLS).complete(approve=approve)
    assert "transfer 1" not in RAN


def test_who_decides_may_end_the_stream() -> None:
    stop = ToolExecutionAbortError("Enough.")

    def approve(call: ToolCall) -> bool:
        raise stop

    chat, _ = ask(TURN)
    with pytest.raises(ToolExecutionAbortError) as caught:
        chat.with_tools(TOOLS).complete(approve=approve)
    assert caught.value is stop


def test_leaving_while_somebody_thinks_lets_nothing_run() -> None:
    thinks = asyncio.Event()
    left: list[str] = []

    async def approve(call: ToolCall) -> bool:
        thinks.set()
        try:
            await asyncio.sleep(20)
        finally:
            left.append(call.id)
        return True

    async def main() -> None:
        chat, _ = ask(TURN)
        async with chat.with_tools(TOOLS).complete_stream(approve=approve) as stream:
            reading = asyncio.ensure_future(read(stream.content))
            await thinks.wait()
            stream.cancel()
            await reading
        (_, text, error) = said(stream.partial_chat)[-1]
        assert error
        assert text == "Not run: the conversation was interrupted before this tool call was approved."
        assert left == ["b"]

    run(main())
    assert "transfer 1" not in RAN


def test_approve_is_a_function() -> None:
    chat, _ = ask()
    with pytest.raises(ConfigurationError, match="approve is a function of a call, not True"):
        chat.complete_stream(approve=True)  # type: ignore[arg-type]  # what the checker forbids
