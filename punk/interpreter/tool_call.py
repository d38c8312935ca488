"""Runs one sealed call and turns whatever happens into an event."""

from __future__ import annotations

import asyncio
import contextvars
from dataclasses import dataclass
from typing import Final, final

from returns.methods import unwrap_or_failure
from returns.result import Result, Success

from punk.core.events import ToolAbortRequested, ToolReturned
from punk.core.json import repair_text
from punk.core.parts import ToolCall
from punk.errors import ToolExecutionAbortError
from punk.interpreter.threads import in_daemon_thread
from punk.tools.call import AsyncCall, BoundCall, Returned, Suspended, SyncCall, bind
from punk.tools.result import describe_error, render_result
from punk.tools.schema import FunctionTool
from punk.tools.toolbox import Toolbox

GRACE_SECONDS: Final = 1.0
"""How long a cancelled tool may take to clean up before it is left to itself."""


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call; `abort` is the very exception with which the tool ended the stream."""

    event: ToolReturned | ToolAbortRequested
    abort: BaseException | None = None


async def run_call(call: ToolCall, toolbox: Toolbox, context: contextvars.Context, timeout: float | None) -> Outcome:
    """Validate the call's arguments and run its tool in a copy of `context`, for `timeout` seconds at most."""
    match unwrap_or_failure(toolbox.lookup(call.name)):
        case str(problem):
            return _error(call, problem)
        case tool:
            pass
    running = asyncio.get_running_loop().create_task(
        _bind_and_run(tool, call.arguments, context.copy()), context=context.copy()
    )
    try:
        done, _ = await asyncio.wait({running}, timeout=timeout)
    except asyncio.CancelledError:
        await _let_go(running)
        raise
    if not done:
        await _let_go(running)
        return _error(call, f"the tool took longer than {timeout:g} s")
    if running.cancelled():
        return _error(call, "the tool cancelled itself")
    return _outcome(call, running)


async def _bind_and_run(tool: FunctionTool, arguments: str, context: contextvars.Context) -> tuple[str, bool]:
    """The text for the model, and whether it tells of an error."""
    match unwrap_or_failure(bind(tool, arguments)):
        case str(problem):
            return f"Invalid arguments for {tool.spec.name}:\n{problem}", True
        case bound:
            rendered = render_result(await _run(bound, context))
    return rendered.map(_said).lash(_failed).unwrap()


def _said(text: str) -> tuple[str, bool]:
    return text, False


def _failed(problem: str) -> Result[tuple[str, bool], str]:
    return Success((problem, True))


async def _run(bound: BoundCall, context: contextvars.Context) -> object:
    match bound:
        case AsyncCall():
            return await bound.run()
        case SyncCall():
            match await in_daemon_thread(bound.run, context):
                case Returned(value):
                    return value
                case Suspended(awaitable):
                    return await awaitable


def _outcome(call: ToolCall, running: asyncio.Task[tuple[str, bool]]) -> Outcome:
    error = running.exception()
    match error:
        case None:
            content, is_error = running.result()
            return Outcome(ToolReturned(call.id, content, is_error))
        case _ if (abort := _abort_in(error)) is not None:
            return Outcome(ToolAbortRequested(call.id, abort.message), abort)
        case Exception():
            return _error(call, describe_error(error))
        case _:
            raise error


def _abort_in(error: BaseException) -> ToolExecutionAbortError | None:
    match error:
        case ToolExecutionAbortError():
            return error
        case BaseExceptionGroup() if error.subgroup((KeyboardInterrupt, SystemExit)) is None:
            return next((abort for inner in error.exceptions if (abort := _abort_in(inner)) is not None), None)
        case _:
            return None


async def _let_go(task: asyncio.Task[tuple[str, bool]]) -> None:
    task.cancel()
    await asyncio.wait({task}, timeout=GRACE_SECONDS)
    if task.done() and not task.cancelled():
        task.exception()  # looked at, so that nothing is reported as never retrieved


def _error(call: ToolCall, text: str) -> Outcome:
    # What an exception says may hold anything that a str can.
    return Outcome(ToolReturned(call.id, repair_text(text), is_error=True))
