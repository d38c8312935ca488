"""The state machine: `begin` and `step` take a state and an event and give the next state and what to ask of the world.

`step` is total and raises nothing. Terminal states absorb: what comes after them is recorded, never applied.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from punk.core.draft import judge
from punk.core.effects import Effect
from punk.core.endings import NOTHING, Step, cancel, late, out_of_time, violated
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
    TimerFired,
    TurnEnded,
    TurnFailed,
    TurnStarted,
    UsageReported,
)
from punk.core.history import unanswered, valid_history
from punk.core.log import Log
from punk.core.messages import Origin
from punk.core.request import Request
from punk.core.rounds import answer_calls, ask, end_turn, guard, lose_turn, request_turn
from punk.core.state import (
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
    Waiting,
)
from punk.core.timeouts import timed_out
from punk.core.tool_events import ToolAbortRequested, ToolApproved, ToolProgressed, ToolReturned, ToolStarted
from punk.core.tool_steps import step_tools

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
            return step_tools(state, event)
        case Waiting():
            return _step_waiting(state, event)
        case Completed() | AwaitingApproval() | Cancelled() | Failed():
            return late(state, event)
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
            return lose_turn(Streaming(state.run, state.log.append(event), state.turn), failure)
        case TimerFired(timer="connect" | "first_event" | "progress" as clock):
            failure = timed_out(clock, state.run.request.routes[state.run.model].clocks)
            return lose_turn(Streaming(state.run, state.log.append(event), state.turn), failure)
        case TimerFired(timer="total"):
            return out_of_time(state, event)
        case TimerFired():
            return violated(state, event, "punk", f"the timer for {event.timer} fired, which does not run")
        case CancelRequested():
            return cancel(state, event)
        case ToolApproved() | ToolStarted() | ToolProgressed() | ToolReturned() | ToolAbortRequested():
            return violated(state, event, "punk", f"{type(event).__name__} came while no tool runs")
        case _:
            assert_never(event)


def _step_waiting(state: Waiting, event: Event) -> Step:
    match event:
        case TimerFired(timer="backoff"):
            return ask(state.run, state.log.append(event))
        case TimerFired(timer="total"):
            return out_of_time(state, event)
        case CancelRequested():
            return cancel(state, event)
        case _:
            return late(state, event)


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
