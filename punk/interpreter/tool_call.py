"""Runs one sealed call and turns whatever happens into an event."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import Final, TypeVar, final

from returns.methods import unwrap_or_failure
from returns.result import Result, Success

from punk.core.history import denial
from punk.core.json import repair_text
from punk.core.parts import TextPart, ToolCall
from punk.core.tool_events import ToolAbortRequested, ToolProgressed, ToolReturned
from punk.interpreter.approval import Desk
from punk.interpreter.threads import in_daemon_thread
from punk.tools.abort import abort_in
from punk.tools.call import AsyncCall, BoundCall, RemoteCall, Returned, Suspended, SyncCall, bind
from punk.tools.context import ToolContext
from punk.tools.remote import ToolAnswer
from punk.tools.result import describe_error, render_result
from punk.tools.toolbox import AnyTool

T = TypeVar("T")

GRACE_SECONDS: Final = 1.0
"""How long a cancelled tool may take to clean up before it is left to itself."""


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call; `abort` is the very exception with which the tool ended the stream."""

    event: ToolReturned | ToolAbortRequested
    abort: BaseException | None = None


@final
class Hearing:
    """Passes on what a tool reports while it runs, from whatever thread; what comes before or after is not heard."""

    def __init__(self, report: Callable[[ToolProgressed], object]) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._report = report
        self.open: bool = False

    def hear(self, event: ToolProgressed) -> None:
        """Take a report of the tool's."""
        if threading.get_ident() == self._thread:
            self._pass_on(event)
            return
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._pass_on, event)

    def _pass_on(self, event: ToolProgressed) -> None:
        if self.open:
            self._report(event)


async def prepare_call(
    call: ToolCall, tool: AnyTool, hearing: Hearing, desk: Desk | None, context: contextvars.Context
) -> BoundCall | Outcome:
    """Validate the call's arguments and, if there is a `desk`, have it approved there; or why it does not run."""
    told = ToolContext(call.id, call.name, hearing.hear)
    work = _prepared(call, tool, told, desk, context.copy())
    return await _settled("not run: its approval", call, work, context, inf)


async def run_call(
    call: ToolCall, bound: BoundCall, hearing: Hearing, context: contextvars.Context, timeout: float
) -> Outcome:
    """Run the call in a copy of `context`, for `timeout` seconds at most."""
    hearing.open = True
    try:
        answer = await _settled("the tool", call, _run(bound, context.copy()), context, timeout)
    finally:
        hearing.open = False
    if isinstance(answer, Outcome):
        return answer
    return Outcome(ToolReturned(call.id, answer.parts, answer.is_error))


def refused(call: ToolCall, text: str) -> Outcome:
    """The outcome of a call that failed, in words for the model."""
    # What an exception says may hold anything that a str can.
    return Outcome(ToolReturned(call.id, repair_text(text), is_error=True))


async def _prepared(
    call: ToolCall, tool: AnyTool, told: ToolContext, desk: Desk | None, context: contextvars.Context
) -> BoundCall | Outcome:
    match unwrap_or_failure(bind(tool, call.arguments, told)):
        case str(problem):
            return refused(call, f"Invalid arguments for {call.name}:\n{problem}")
        case bound:
            denied = None if desk is None else await desk.ask(call, context)
            return bound if denied is None else refused(call, denial(call, denied.reason).content)


async def _run(bound: BoundCall, context: contextvars.Context) -> ToolAnswer:
    return render_result(await _value(bound, context)).lash(_failed).unwrap()


def _failed(problem: str) -> Result[ToolAnswer, str]:
    return Success(ToolAnswer((TextPart(repair_text(problem)),), is_error=True))


async def _value(bound: BoundCall, context: contextvars.Context) -> object:
    match bound:
        case AsyncCall() | RemoteCall():
            return await bound.run()
        case SyncCall():
            match await in_daemon_thread(bound.run, context, _drop):
                case Returned(value):
                    return value
                case Suspended(awaitable):
                    return await awaitable


def _drop(unwanted: Returned | Suspended) -> None:
    """Let go of what came too late: a coroutine that nobody awaits is reported."""
    if isinstance(unwanted, Suspended) and isinstance(unwanted.awaitable, Coroutine):
        unwanted.awaitable.close()


async def _settled(
    what: str,
    call: ToolCall,
    work: Coroutine[object, object, T],
    context: contextvars.Context,
    timeout: float,
) -> T | Outcome:
    """What `work`, code of the user's that is `what`, gives; in a task of its own, whose end is never taken for that of
    ours."""
    running = asyncio.get_running_loop().create_task(work, context=context.copy())
    try:
        done, _ = await asyncio.wait({running}, timeout=None if timeout == inf else timeout)
    except asyncio.CancelledError:
        await _let_go(running)
        raise
    if not done:
        await _let_go(running)
        return refused(call, f"{what} took longer than {timeout:g} s")
    if running.cancelled():
        return refused(call, f"{what} cancelled itself")
    error = running.exception()
    match error:
        case None:
            return running.result()
        case _ if (abort := abort_in(error)) is not None:
            return Outcome(ToolAbortRequested(call.id, abort.message), abort)
        case Exception():
            return refused(call, describe_error(error))
        case _:
            raise error


async def _let_go(task: asyncio.Task[T]) -> None:
    """Cancel `task` and wait until it has cleaned up, for a while, even if the caller is cancelled meanwhile."""
    task.cancel()
    clock = asyncio.get_running_loop().time
    end = clock() + GRACE_SECONDS
    cancelled: asyncio.CancelledError | None = None
    while not task.done() and clock() < end:
        try:
            await asyncio.wait({task}, timeout=end - clock())
        except asyncio.CancelledError as error:
            cancelled = error
    if task.done() and not task.cancelled():
        task.exception()  # looked at, so that nothing is reported as never retrieved
    if cancelled is not None:
        raise cancelled
