"""The state machine: `begin` and `step` take a state and an event and give the next state and what to ask of the world.

`step` is total and raises nothing. Terminal states absorb: what comes after them is recorded, never applied.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal, TypeAlias, assert_never

from punk.core.draft import Draft, argument_fault
from punk.core.effects import Abandon, Effect, RequestTurn, RunTools
from punk.core.events import (
    CallDelta,
    CallEnded,
    CallSealed,
    CallStarted,
    CancelRequested,
    Event,
    Heartbeat,
    LogEntry,
    OpaqueEnded,
    OpaqueStarted,
    RefusalDelta,
    TextAnnotated,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    ToolAbortRequested,
    ToolReturned,
    ToolStarted,
    TurnEnded,
    TurnFailed,
    TurnRequested,
    TurnStarted,
    UsageReported,
)
from punk.core.failures import Failure, ProtocolViolation, RoundLimit, ToolAborted
from punk.core.history import synthetic_result, unanswered, valid_history
from punk.core.log import Log
from punk.core.messages import AssistantMessage, Finish, Message, Origin, ToolCallMessage, ToolResultMessage
from punk.core.parts import ToolCall
from punk.core.request import Request
from punk.core.state import (
    Block,
    BlockKind,
    Cancelled,
    Completed,
    Failed,
    LiveState,
    Run,
    RunningTools,
    Streaming,
    StreamState,
    Turn,
    draft_of,
    history,
    merge_usage,
)

Step: TypeAlias = tuple[StreamState, tuple[Effect, ...]]

NOTHING: tuple[Effect, ...] = ()

# The reasons for which a turn's calls may run; None where the wire's terminal came without one.
RUNNABLE = frozenset({"stop", "tool_use", None})

# Blocks that take no more deltas after an event of their own; the others stay open until their turn ends.
CLOSED_BY_EVENT = frozenset({"thinking", "call", "opaque"})


def begin(request: Request) -> Step:
    """The first state of a run, and its first effect: a turn is requested, or calls that `request` leaves unanswered
    are run first."""
    run = Run(request, request.messages)
    resumed = unanswered(tuple(request.messages)) if request.execute_tools else None
    if resumed is None:
        return _request_turn(run, Log())
    message, results = resumed
    kept = [m for m in request.messages if not (isinstance(m, ToolResultMessage) and m.call_id in results)]
    faults = {call.id: argument_fault(call.arguments) for call in message.calls}
    return _run_calls(replace(run, messages=Log(kept)), Log(), message.calls, faults, results)


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
        case Completed() | Cancelled() | Failed():
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
                return _violated(state, "provider", "a second answer began inside the first")
            return _log(state, event, replace(state.turn, origin=Origin(family, model, response_id)))
        case UsageReported(usage=usage):
            return _log(state, event, replace(state.turn, usage=usage))
        case Heartbeat():
            return _log(state, event, state.turn)
        case TurnEnded(finish=finish):
            return _end_turn(Streaming(state.run, state.log.append(event), state.turn), finish)
        case TurnFailed(failure=failure):
            return _fail(Streaming(state.run, state.log.append(event), state.turn), failure, NOTHING)
        case CancelRequested():
            return _cancel(state, event)
        case ToolStarted() | ToolReturned() | ToolAbortRequested():
            return _violated(state, "punk", f"{type(event).__name__} came while no tool runs")
        case _:
            assert_never(event)


def _step_tools(state: RunningTools, event: Event) -> Step:
    match event:
        case ToolReturned(call_id=call_id, content=content, is_error=is_error):
            position = _awaited(state, call_id)
            if position is None:
                return _violated(state, "punk", f"a result came for {call_id}, which awaits none")
            results = list(state.results)
            results[position] = ToolResultMessage(call_id, state.calls[position].name, content, is_error)
            return _next_round(RunningTools(state.run, state.log.append(event), state.calls, tuple(results)))
        case ToolStarted(call_id=call_id):
            if _awaited(state, call_id) is None:
                return _violated(state, "punk", f"{call_id} started, which awaits no result")
            return RunningTools(state.run, state.log.append(event), state.calls, state.results), NOTHING
        case ToolAbortRequested(call_id=call_id, message=message):
            if _awaited(state, call_id) is None:
                return _violated(state, "punk", f"{call_id} aborted, which awaits no result")
            logged = RunningTools(state.run, state.log.append(event), state.calls, state.results)
            return _fail(logged, ToolAborted(message, call_id), (Abandon(),))
        case CancelRequested():
            return _cancel(state, event)
        case _:
            # The provider still speaks although its turn has ended.
            return replace(state, run=replace(state.run, late=state.run.late.append(event))), NOTHING


def _in_block(state: Streaming, event: Event, number: int, kind: BlockKind) -> Step:
    turn = state.turn
    blocks = turn.blocks
    if not 0 <= number < len(blocks):
        if kind in ("call", "opaque"):
            return _violated(state, "provider", f"{type(event).__name__} in a block that was not started")
        return _start(state, event, number, Block(kind))
    if blocks[number].kind != kind:
        return _violated(state, "provider", f"{type(event).__name__} in a block of another kind")
    if kind in CLOSED_BY_EVENT and number not in turn.open:
        return _violated(state, "provider", f"{type(event).__name__} in a block that is closed")
    return Streaming(state.run, state.log.append(event), turn), NOTHING


def _start(state: Streaming, event: Event, number: int, block: Block) -> Step:
    turn = state.turn
    if 0 <= number < len(turn.blocks):
        return _violated(state, "provider", f"block {number} started twice")
    if number != len(turn.blocks):
        return _violated(state, "punk", f"block {number} started where {len(turn.blocks)} is next")
    opened = turn.open | {number} if block.kind in CLOSED_BY_EVENT else turn.open
    return _log(state, event, replace(turn, blocks=turn.blocks.append(block), open=opened))


def _close(taken: Step, block: int) -> Step:
    state, effects = taken
    if isinstance(state, Streaming):
        return replace(state, turn=replace(state.turn, open=state.turn.open - {block})), effects
    return taken


def _log(state: Streaming, event: Event, turn: Turn) -> Step:
    return Streaming(state.run, state.log.append(event), turn), NOTHING


def _request_turn(run: Run, log: Log[LogEntry]) -> Step:
    if run.rounds >= run.request.max_rounds:
        return Failed(run, log, RoundLimit(run.request.max_rounds)), NOTHING
    run = replace(run, rounds=run.rounds + 1)
    log = log.append(TurnRequested(run.rounds))
    said = valid_history(run.messages)
    if run.paused is not None:
        said = (*said, run.paused)
    return Streaming(run, log, Turn(len(log))), (RequestTurn(run.rounds, said, run.request.tools),)


def _end_turn(state: Streaming, finish: Finish) -> Step:
    draft = draft_of(state)
    run = state.run
    paused = run.paused
    parts = (*paused.parts, *draft.parts) if paused else draft.parts
    usage = merge_usage(paused, state.turn.usage)
    origin = state.turn.origin or (paused.origin if paused else Origin())
    if draft.calls and finish.reason in RUNNABLE:
        called = ToolCallMessage(parts, finish=finish, usage=usage, origin=origin)
        return _called(replace(run, messages=run.messages.append(called), paused=None), state.log, draft)
    words = (*paused.parts, *draft.words) if paused else draft.words
    unrun = [drafted.call for drafted in draft.calls]
    answer = AssistantMessage(words, finish=finish, usage=usage, origin=origin, unrun_calls=unrun)
    if finish.reason == "pause" and not unrun:
        return _request_turn(replace(run, paused=answer), state.log)
    return Completed(replace(run, messages=run.messages.append(answer), paused=None), state.log), NOTHING


def _called(run: Run, log: Log[LogEntry], draft: Draft) -> Step:
    if not run.request.execute_tools:
        return Completed(run, log), NOTHING
    if run.rounds >= run.request.max_rounds:
        limit = RoundLimit(run.request.max_rounds)
        # Running them would have effects whose results no model ever sees.
        unsent = [synthetic_result(drafted.call, f"Not run: {limit.message}") for drafted in draft.calls]
        return Failed(replace(run, messages=run.messages.extend(unsent)), log, limit), NOTHING
    faults = {drafted.call.id: drafted.fault for drafted in draft.calls}
    return _run_calls(run, log, tuple(drafted.call for drafted in draft.calls), faults, {})


def _run_calls(
    run: Run,
    log: Log[LogEntry],
    calls: tuple[ToolCall, ...],
    faults: dict[str, str | None],
    known: dict[str, ToolResultMessage],
) -> Step:
    results: list[ToolResultMessage | None] = []
    sealed: list[ToolCall] = []
    for call in calls:
        fault = faults[call.id]
        if call.id in known:
            results.append(known[call.id])
        elif fault is None:
            sealed.append(call)
            results.append(None)
            log = log.append(CallSealed(call))
        else:
            refused = ToolReturned(call.id, f"The tool was not run: {fault}.", is_error=True)
            results.append(ToolResultMessage(call.id, call.name, refused.content, is_error=True))
            log = log.append(refused)
    state, effects = _next_round(RunningTools(run, log, calls, tuple(results)))
    return state, ((RunTools(tuple(sealed)), *effects) if sealed else effects)


def _next_round(state: RunningTools) -> Step:
    answered = [result for result in state.results if result is not None]
    if len(answered) < len(state.calls):
        return state, NOTHING
    return _request_turn(replace(state.run, messages=state.run.messages.extend(answered)), state.log)


def _awaited(state: RunningTools, call_id: str) -> int | None:
    for position, call in enumerate(state.calls):
        if call.id == call_id and state.results[position] is None:
            return position
    return None


def _cancel(state: LiveState, event: CancelRequested) -> Step:
    run, log = _settle(state), state.log.append(event)
    return Cancelled(run, log), (Abandon(),)


def _fail(state: LiveState, failure: Failure, effects: tuple[Effect, ...]) -> Step:
    return Failed(_settle(state), state.log, failure), effects


def _settle(state: LiveState) -> Run:
    """The run with what has arrived of its turn among the messages."""
    messages: tuple[Message, ...] = history(state)
    return replace(state.run, messages=Log(messages), paused=None)


def _violated(state: LiveState, by: Literal["provider", "punk"], message: str) -> Step:
    return _fail(state, ProtocolViolation(by, message, len(state.log)), (Abandon(),))
