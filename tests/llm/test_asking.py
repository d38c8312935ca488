"""Who is asked to approve a call, in which thread, and what of that the run keeps."""

from __future__ import annotations

import asyncio
import contextvars
import queue
import signal
import threading
from collections.abc import Awaitable

import pytest

from punk.core.messages import Finish, Origin, ToolCallMessage, ToolResultMessage
from punk.core.parts import ToolCall
from punk.core.usage import Usage
from punk.errors import ToolExecutionAbortError
from punk.interpreter import approval
from punk.llm.chat import Chat
from punk.llm.messages import UserMessage
from punk.llm.tools import Approve, AsTool, Tool, Verdict
from tests.llm.script import CALLS, START, answer, ask, call
from tests.support.aio import run

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE", default="unset")


def pay() -> str:
    return VARIABLE.get()


def calling(*tools: AsTool) -> Chat:
    """A chat whose model calls `pay`, which needs approval, and then the first of `tools`, if there is one."""
    others = [event for n, _ in enumerate(tools) for event in call("other", block=n + 1, id=f"other-{n}")]
    chat, _ = ask([START, *call("pay"), *others, CALLS], answer("ok"))
    return chat.with_tools([Tool(pay, requires_approval=True), *tools])


def said(chat: Chat) -> list[str]:
    return [message.content for message in chat.messages if isinstance(message, ToolResultMessage)]


def _sets_in_a_thread(_: ToolCall) -> bool:
    VARIABLE.set("by approve")
    return True


async def _sets(_: ToolCall) -> bool:
    VARIABLE.set("by approve")
    return True


@pytest.mark.parametrize("approve", [_sets_in_a_thread, _sets])
def test_what_approve_sets_does_not_reach_the_tool(approve: Approve) -> None:
    async def main() -> None:
        VARIABLE.set("by the caller")
        assert said(await calling().complete_async(approve=approve)) == ["by the caller"]
        assert VARIABLE.get() == "by the caller"

    run(main())


def test_an_async_function_is_not_called_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approval, "in_daemon_thread", lambda *_: pytest.fail("a thread"))
    calling().complete(approve=_sets)


@pytest.mark.parametrize("inside_a_loop", [False, True])
def test_complete_asks_a_plain_function_in_the_thread_of_its_caller(inside_a_loop: bool) -> None:
    asked: list[int] = []

    def approve(_: ToolCall) -> bool:
        asked.append(threading.get_ident())
        return True

    async def main() -> Chat:
        return calling().complete(approve=approve)

    final = run(main()) if inside_a_loop else calling().complete(approve=approve)
    assert said(final) == ["unset"]
    assert asked == [threading.get_ident()]


@pytest.mark.parametrize("inside_a_loop", [False, True])
def test_complete_awaits_what_a_plain_function_returns(inside_a_loop: bool) -> None:
    async def allow() -> Verdict:
        await asyncio.sleep(0)
        return False

    def approve(_: ToolCall) -> Awaitable[Verdict]:
        return allow()

    async def main() -> Chat:
        return calling().complete(approve=approve)

    final = run(main()) if inside_a_loop else calling().complete(approve=approve)
    assert said(final) == ["Not run: this tool call was denied."]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_while_somebody_is_asked_leaves_when_all_is_cleaned_up(interrupt: type[BaseException]) -> None:
    started = threading.Event()
    cleaned: list[str] = []

    async def other() -> str:
        started.set()
        try:
            await asyncio.sleep(20)
        finally:
            await asyncio.sleep(0.05)
            cleaned.append("other")
        return "x"

    def approve(_: ToolCall) -> bool:
        assert started.wait(5)
        raise interrupt

    with pytest.raises(interrupt):
        calling(other).complete(approve=approve)
    assert cleaned == ["other"]


def test_why_approve_failed_is_kept() -> None:
    why = KeyError("why")

    def approve(_: ToolCall) -> bool:
        raise why

    with pytest.raises(ToolExecutionAbortError) as caught:
        calling().complete(approve=approve)
    assert caught.value.__cause__ is why


def test_an_approved_message_keeps_what_else_it_says() -> None:
    usage, finish, origin = Usage(3, 4), Finish("tool_use", "raw"), Origin("family", "model", "id")
    message = ToolCallMessage([ToolCall("c1", "pay", "{}")], finish=finish, usage=usage, origin=origin)
    approved = Chat([UserMessage("q"), message]).approve("c1").latest_message
    assert isinstance(approved, ToolCallMessage)
    assert approved.calls[0].approval == "given"
    assert (approved.finish, approved.usage, approved.origin) == (finish, usage, origin)


def test_inside_a_loop_an_interrupt_reaches_who_is_asked() -> None:
    handlers: list[object] = []

    def approve(call: ToolCall) -> bool:
        handlers.append(signal.getsignal(signal.SIGINT))
        return True

    async def main() -> object:
        before = signal.getsignal(signal.SIGINT)
        calling().complete(approve=approve)
        assert signal.getsignal(signal.SIGINT) is before
        return before

    assert asyncio.run(main()) is not signal.default_int_handler
    assert handlers == [signal.default_int_handler]


def test_an_interrupt_that_comes_with_the_end_is_no_wait_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(queue.Queue[object]):
        """Takes what comes, and is interrupted before it can hand that over."""

        def get(self, block: bool = True, timeout: float | None = None) -> object:
            super().get(block, timeout)
            raise KeyboardInterrupt

    monkeypatch.setattr(queue, "SimpleQueue", Interrupted)
    chat, _ = ask(answer("ok"))
    with pytest.raises(KeyboardInterrupt):
        chat.complete(approve=lambda call: True)


def test_a_plain_function_that_is_cancelled_decides_nothing_in_either_way() -> None:
    def approve(call: ToolCall) -> bool:
        raise asyncio.CancelledError

    told = "not run: its approval cancelled itself"
    assert said(calling().complete(approve=approve)) == [told]
    assert said(asyncio.run(calling().complete_async(approve=approve))) == [told]
