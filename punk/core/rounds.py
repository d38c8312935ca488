"""What follows a turn and its tools: calls are answered, the next turn is requested, or the run is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, TypeAlias

from punk.core.draft import DraftCall
from punk.core.effects import Abandon, Effect, RequestTurn, RunTools
from punk.core.events import CallSealed, CancelRequested, Event, LogEntry, ToolReturned, TurnRequested
from punk.core.failures import CallLimit, Failure, ProtocolViolation, RoundLimit, TokenLimit
from punk.core.history import synthetic_result
from punk.core.log import Log
from punk.core.messages import AssistantMessage, Finish, Origin, ToolCallMessage, ToolResultMessage
from punk.core.parts import ToolCall
from punk.core.state import (
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
from punk.core.usage import Usage

Step: TypeAlias = tuple[StreamState, tuple[Effect, ...]]

NOTHING: tuple[Effect, ...] = ()

# The reasons for which a turn's calls may run; None where the wire's terminal came without one.
RUNNABLE = frozenset({"stop", "tool_use", None})


def request_turn(run: Run, log: Log[LogEntry]) -> Step:
    """Ask for the next turn, if the run may still ask."""
    said = run.messages.append(run.paused) if run.paused and run.paused.parts else run.messages
    if (reached := _reached(run)) is not None:
        return Failed(replace(run, messages=said, paused=None), log, reached), NOTHING
    run = replace(run, rounds=run.rounds + 1)
    log = log.append(TurnRequested(run.rounds))
    asked = RequestTurn(run.rounds, tuple(said), run.request.tools, run.request.output)
    return Streaming(run, log, Turn(len(log))), (asked,)


def end_turn(state: Streaming, finish: Finish) -> Step:
    """The turn is whole: its calls are answered, a pause is gone on from, or its answer is the last."""
    draft = draft_of(state)
    run = replace(state.run, tokens=state.run.tokens + _tokens(state.turn.usage))
    paused = run.paused
    parts = (*paused.parts, *draft.parts) if paused else draft.parts
    usage = merge_usage(paused, state.turn.usage)
    origin = state.turn.origin or (paused.origin if paused else Origin())
    if draft.calls and finish.reason in RUNNABLE:
        called = ToolCallMessage(parts, finish=finish, usage=usage, origin=origin)
        return answer_calls(replace(run, messages=run.messages.append(called), paused=None), state.log, draft.calls, {})
    words = (*paused.parts, *draft.words) if paused else draft.words
    unrun = [drafted.call for drafted in draft.calls]
    if finish.reason == "pause" and unrun:
        # Calls that may not run cannot be sent back either: it cannot go on from here.
        finish = Finish("other", finish.raw, finish.detail)
    answer = AssistantMessage(words, finish=finish, usage=usage, origin=origin, unrun_calls=unrun)
    if finish.reason == "pause":
        return request_turn(replace(run, paused=answer), state.log)
    return Completed(replace(run, messages=run.messages.append(answer), paused=None), state.log), NOTHING


def answer_calls(
    run: Run, log: Log[LogEntry], drafts: tuple[DraftCall, ...], known: Mapping[str, ToolResultMessage]
) -> Step:
    """Answer the calls that `run.messages` end with: by their `known` result, by a refusal where something is wrong
    with one, by running it otherwise. Calls that are handed over instead stay without a result."""
    if run.request.execute_tools:
        runnable = sum(drafted.fault is None and drafted.call.id not in known for drafted in drafts)
        # Running them would have effects whose results no model ever sees.
        reached = _reached(run) or _too_many(run, runnable)
        if reached is not None:
            unsent = [synthetic_result(drafted.call, f"Not run: {reached.message}") for drafted in drafts]
            return Failed(replace(run, messages=run.messages.extend(unsent)), log, reached), NOTHING
        run = replace(run, calls=run.calls + runnable)
    results: list[ToolResultMessage | None] = []
    sealed: list[ToolCall] = []
    for drafted in drafts:
        call = drafted.call
        if call.id in known:
            results.append(known[call.id])
        elif drafted.fault is None:
            sealed.append(call)
            results.append(None)
            log = log.append(CallSealed(call))
        else:
            refused = ToolReturned(call.id, f"The tool was not run: {drafted.fault}.", is_error=True)
            results.append(ToolResultMessage(call.id, call.name, refused.content, is_error=True))
            log = log.append(refused)
    if not run.request.execute_tools:
        given = [result for result in results if result is not None]
        return Completed(replace(run, messages=run.messages.extend(given)), log), NOTHING
    calls = tuple(drafted.call for drafted in drafts)
    state, effects = next_round(RunningTools(run, log, calls, tuple(results)))
    return state, ((RunTools(tuple(sealed)), *effects) if sealed else effects)


def _reached(run: Run) -> RoundLimit | TokenLimit | None:
    """The bound that lets the run make no further request, None if it may."""
    request = run.request
    if run.rounds >= request.max_rounds:
        return RoundLimit(request.max_rounds)
    if request.max_total_tokens is not None and run.tokens >= request.max_total_tokens:
        return TokenLimit(request.max_total_tokens)
    return None


def _too_many(run: Run, calls: int) -> CallLimit | None:
    """The bound that lets so many more `calls` not be run, None if they may."""
    most = run.request.max_tool_calls
    return CallLimit(most) if most is not None and run.calls + calls > most else None


def _tokens(usage: Usage | None) -> int:
    return 0 if usage is None else (usage.input_tokens or 0) + (usage.output_tokens or 0)


def next_round(state: RunningTools) -> Step:
    """Ask for the next turn once every call has its result."""
    answered = [result for result in state.results if result is not None]
    if len(answered) < len(state.calls):
        return state, NOTHING
    return request_turn(replace(state.run, messages=state.run.messages.extend(answered)), state.log)


def cancel(state: LiveState, event: CancelRequested) -> Step:
    """The caller leaves."""
    return Cancelled(_settle(state), state.log.append(event)), (Abandon(),)


def fail(state: LiveState, failure: Failure, effects: tuple[Effect, ...]) -> Step:
    """Something went wrong."""
    return Failed(_settle(state), state.log, failure), effects


def violated(state: LiveState, event: Event, by: Literal["provider", "punk"], message: str) -> Step:
    """`event` cannot come here: it is recorded, not applied."""
    run = _settle(state)
    failure = ProtocolViolation(by, message, len(state.log))
    return Failed(replace(run, late=run.late.append(event)), state.log, failure), (Abandon(),)


def _settle(state: LiveState) -> Run:
    """The run with what has arrived of its turn among the messages."""
    return replace(state.run, messages=Log(history(state)), paused=None)
