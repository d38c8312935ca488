"""The state machine: `begin` and `step` take a state and an event and give the next state and what to ask of the world.

`step` is total and raises nothing. Terminal states absorb: what comes after them is recorded, never applied.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from punk.core.draft import judge
from punk.core.effects import Abandon, Effect
from punk.core.events import (
    CallDelta,
    CallEnded,
    CallStarted,
    CancelRequested,
    Event,
    Heartbeat,
    OpaqueEnded,
    OpaqueStarted,
    RefusalDelta,
    TextAnnotated,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TurnEnded,
    TurnFailed,
    TurnStarted,
    UsageReported,
)
from punk.core.failures import ToolAborted
from punk.core.history import unanswered, valid_history
from punk.core.log import Log
from punk.core.messages import Origin, ToolResultMessage
from punk.core.request import Request
from punk.core.rounds import (
    NOTHING,
    Step,
    answer_calls,
    cancel,
    end_turn,
    fail,
    guard,
    next_round,
    request_turn,
    violated,
)
from punk.core.state import (
    Awaited,
    AwaitingApproval,
    Block,
    BlockKind,
    Cancelled,
    Completed,
    Failed,
    Run,
    RunningTools,
    Streaming,
    StreamState,
    Turn,
)
from punk.core.tool_events import ToolAbortRequested, ToolApproved, ToolProgressed, ToolReturned, ToolStarted

# Blocks that take no more deltas after an event of their own; the others stay open until their turn ends. A seal may be
# said again: some providers encrypt their reasoning anew at the end of the turn, and the last one counts.
CLOSED_BY_EVENT = frozenset({"thinking", "call", "opaque"})


def begin(request: Request) -> Step:
    """The first state of a run, and its first effect: a turn is requested, or calls that `request` leaves unanswered
    are run first."""
    said = tuple(request.messages)
    resumed = unanswered(said) if request.execute_tools else None
    if resumed is None:
        return request_turn(Run(request, Log(valid_history(said, request.tools))), Log())
    message = guard(resumed.message, request)
    run = Run(request, Log((*valid_history(resumed.before, request.tools), message)))
    return answer_calls(run, Log(), judge(message.calls), resumed.results)


def fold(state: StreamState, events: Iterable[Event]) -> Step:
    """`step` over `events`, with the effects of all of them in order."""
    effects: list[Effect] = []
    for event in events:
        state, asked = step(state, event)
        effects.extend(asked)
    return state, tuple(effects)


def step(state: StreamState, event: Event) -> Step:
    """The state after `event`, and what to ask of the world."""
    match state:
        case Streaming():
            return _step_streaming(state, event)
        case RunningTools():
            return _step_tools(state, event)
        case Completed() | AwaitingApproval() | Cancelled() | Failed():
            return replace(state, run=replace(state.run, late=state.run.late.append(event))), NOTHING
        case _:
            assert_never(state)


def _step_streaming(state: Streaming, event: Event) -> Step:
    match event:
        case TextDelta(block=block):
            return _in_block(state, event, block, "text")
        case ThinkingDelta(block=block):
            return _in_block(state, event, block, "thinking")
        case CallDelta(block=block):
            return _in_block(state, event, block, "call")
        case RefusalDelta(block=block):
            return _in_block(state, event, block, "refusal")
        case TextAnnotated(block=block):
            return _in_block(state, event, block, "text")
        case ThinkingSealed(block=block):
            return _close(_in_block(state, event, block, "thinking"), block)
        case CallStarted(block=block):
            return _start(state, event, block, Block("call"))
        case CallEnded(block=block):
            return _close(_in_block(state, event, block, "call"), block)
        case OpaqueStarted(block=block, kind=kind):
            return _start(state, event, block, Block("opaque", kind))
        case OpaqueEnded(block=block):
            return _close(_in_block(state, event, block, "opaque"), block)
        case TurnStarted(family=family, model=model, response_id=response_id):
            if state.turn.origin is not None:
                return violated(state, event, "provider", "a second answer began inside the first")
            return _log(state, event, replace(state.turn, origin=Origin(family, model, response_id)))
        case UsageReported(usage=usage):
            return _log(state, event, replace(state.turn, usage=usage))
        case Heartbeat():
            return _log(state, event, state.turn)
        case TurnEnded(finish=finish):
            return end_turn(Streaming(state.run, state.log.append(event), state.turn), finish)
        case TurnFailed(failure=failure):
            return fail(Streaming(state.run, state.log.append(event), state.turn), failure, NOTHING)
        case CancelRequested():
            return cancel(state, event)
        case ToolApproved() | ToolStarted() | ToolProgressed() | ToolReturned() | ToolAbortRequested():
            return violated(state, event, "punk", f"{type(event).__name__} came while no tool runs")
        case _:
            assert_never(event)


def _step_tools(state: RunningTools, event: Event) -> Step:
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
        case _:
            # The provider still speaks although its turn has ended.
            return replace(state, run=replace(state.run, late=state.run.late.append(event))), NOTHING


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


def _in_block(state: Streaming, event: Event, number: int, kind: BlockKind) -> Step:
    turn = state.turn
    blocks = turn.blocks
    if not 0 <= number < blocks.size:
        if kind in ("call", "opaque"):
            return violated(state, event, "provider", f"{type(event).__name__} in a block that was not started")
        return _start(state, event, number, Block(kind))
    if blocks[number].kind != kind:
        return violated(state, event, "provider", f"{type(event).__name__} in a block of another kind")
    if kind in CLOSED_BY_EVENT and number not in turn.open and not isinstance(event, ThinkingSealed):
        return violated(state, event, "provider", f"{type(event).__name__} in a block that is closed")
    return Streaming(state.run, state.log.append(event), turn), NOTHING


def _start(state: Streaming, event: Event, number: int, block: Block) -> Step:
    turn = state.turn
    if 0 <= number < len(turn.blocks):
        return violated(state, event, "provider", f"block {number} started twice")
    if number != len(turn.blocks):
        return violated(state, event, "punk", f"block {number} started where {len(turn.blocks)} is next")
    opened = turn.open | {number} if block.kind in CLOSED_BY_EVENT else turn.open
    return _log(state, event, replace(turn, blocks=turn.blocks.append(block), open=opened))


def _close(taken: Step, block: int) -> Step:
    state, effects = taken
    if isinstance(state, Streaming):
        return replace(state, turn=replace(state.turn, open=state.turn.open - {block})), effects
    return taken


def _log(state: Streaming, event: Event, turn: Turn) -> Step:
    return Streaming(state.run, state.log.append(event), turn), NOTHING
