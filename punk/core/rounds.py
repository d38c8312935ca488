"""What follows a turn and its tools: calls are answered, the next turn is requested, or the run is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, TypeAlias

from punk.core.draft import DraftCall
from punk.core.effects import Abandon, Effect, RequestTurn, RunTools
from punk.core.events import CallSealed, CancelRequested, Event, LogEntry, ToolReturned, TurnRequested
from punk.core.failures import Failure, ProtocolViolation, RoundLimit
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

Step: TypeAlias = tuple[StreamState, tuple[Effect, ...]]

NOTHING: tuple[Effect, ...] = ()

# The reasons for which a turn's calls may run; None where the wire's terminal came without one.
RUNNABLE = frozenset({"stop", "tool_use", None})


def request_turn(run: Run, log: Log[LogEntry]) -> Step:
    """Ask for the next turn, if the run may still ask."""
    said = run.messages.append(run.paused) if run.paused and run.paused.parts else run.messages
    if run.rounds >= run.request.max_rounds:
        return Failed(replace(run, messages=said, paused=None), log, RoundLimit(run.request.max_rounds)), NOTHING
    run = replace(run, rounds=run.rounds + 1)
    log = log.append(TurnRequested(run.rounds))
    asked = RequestTurn(run.rounds, tuple(said), run.request.tools, run.request.output)
    return Streaming(run, log, Turn(len(log))), (asked,)


def end_turn(state: Streaming, finish: Finish) -> Step:
    """The turn is whole: its calls are answered, a pause is gone on from, or its answer is the last."""
    draft = draft_of(state)
    run = state.run
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
    limit = run.request.max_rounds
    if run.request.execute_tools and run.rounds >= limit:
        # Running them would have effects whose results no model ever sees.
        why = f"Not run: {RoundLimit(limit).message}"
        unsent = [synthetic_result(drafted.call, why) for drafted in drafts]
        return Failed(replace(run, messages=run.messages.extend(unsent)), log, RoundLimit(limit)), NOTHING
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
