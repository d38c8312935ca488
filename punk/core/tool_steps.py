"""What the events of tools make of the state in which calls are being run."""

from __future__ import annotations

from punk.core.effects import Abandon
from punk.core.endings import Step, cancel, fail, late, out_of_time, violated
from punk.core.events import CancelRequested, Event, TimerFired
from punk.core.failures import ToolAborted
from punk.core.messages import ToolResultMessage
from punk.core.rounds import next_round
from punk.core.state import Awaited, RunningTools
from punk.core.tool_events import ToolAbortRequested, ToolApproved, ToolProgressed, ToolReturned, ToolStarted


def step_tools(state: RunningTools, event: Event) -> Step:
    # Where nobody is asked, what awaits approval is in no effect, and nothing is heard of it in this run.
    asked: tuple[Awaited, ...] = ("approval",) if state.run.request.approvals == "asked" else ()
    match event:
        case ToolApproved(call_id=call_id):
            return _answer(state, event, call_id, asked, "start")
        case ToolStarted(call_id=call_id):
            return _answer(state, event, call_id, ("start",), "result")
        case ToolProgressed(call_id=call_id):
            return _answer(state, event, call_id, ("result",), "result")
        case ToolReturned(call_id=call_id, parts=parts, is_error=is_error):
            # What was not approved may be refused, but has no result of its own.
            allowed: tuple[Awaited, ...] = (*asked, "start", "result") if is_error else ("start", "result")
            name = next((call.name for call in state.calls if call.id == call_id), "")
            return _answer(state, event, call_id, allowed, ToolResultMessage(call_id, name, parts, is_error))
        case ToolAbortRequested(call_id=call_id, message=message):
            position = _position(state, call_id, (*asked, "start", "result"))
            if position is None:
                return violated(state, event, "punk", _out_of_place(event, call_id))
            logged = RunningTools(state.run, state.log.append(event), state.calls, state.answers)
            return fail(logged, ToolAborted(message, call_id), (Abandon(),))
        case CancelRequested():
            return cancel(state, event)
        case TimerFired(timer="total"):
            return out_of_time(state, event)
        case _:
            # The provider still speaks although its turn has ended.
            return late(state, event)


def _answer(
    state: RunningTools, event: Event, call_id: str, allowed: tuple[Awaited, ...], answer: ToolResultMessage | Awaited
) -> Step:
    """`event` gives the call `answer` in place of what was awaited for it, which must be one of `allowed`."""
    position = _position(state, call_id, allowed)
    if position is None:
        return violated(state, event, "punk", _out_of_place(event, call_id))
    answers = (*state.answers[:position], answer, *state.answers[position + 1 :])
    return next_round(RunningTools(state.run, state.log.append(event), state.calls, answers))


def _position(state: RunningTools, call_id: str, allowed: tuple[Awaited, ...]) -> int | None:
    """Where the call stands that waits for one of `allowed`."""
    for position, call in enumerate(state.calls):
        if call.id == call_id and state.answers[position] in allowed:
            return position
    return None


def _out_of_place(event: Event, call_id: str) -> str:
    return f"{type(event).__name__} came for {call_id}, which does not await it"
