"""What follows a turn and its tools: calls are answered, the next turn is requested, or the run is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from punk.core.draft import DraftCall
from punk.core.effects import RequestTurn, RunTools, StartBackoff
from punk.core.endings import NOTHING, Step, fail
from punk.core.events import (
    ApprovalNeeded,
    CallSealed,
    FallbackTaken,
    LogEntry,
    RetryScheduled,
    TurnRequested,
)
from punk.core.failures import CallLimit, Failure, RoundLimit, TokenLimit, is_retryable
from punk.core.history import synthetic_result
from punk.core.log import Log
from punk.core.messages import AssistantMessage, Finish, Message, Origin, ToolCallMessage, ToolResultMessage
from punk.core.parts import ToolCall
from punk.core.request import Request
from punk.core.retry import chance
from punk.core.state import (
    Awaited,
    AwaitingApproval,
    Completed,
    Failed,
    Run,
    RunningTools,
    Streaming,
    Turn,
    Waiting,
    draft_of,
    merge_usage,
)
from punk.core.tool_events import ToolReturned
from punk.core.usage import Usage

# The reasons for which a turn's calls may run; None where the wire's terminal came without one.
RUNNABLE = frozenset({"stop", "tool_use", None})


def request_turn(run: Run, log: Log[LogEntry]) -> Step:
    """Ask for the next turn, if the run may still ask."""
    if (reached := _reached(run)) is not None:
        return Failed(replace(run, messages=_said(run), paused=None), log, reached), NOTHING
    return ask(replace(run, rounds=run.rounds + 1, attempt=1), log)


def ask(run: Run, log: Log[LogEntry]) -> Step:
    """Ask for the turn of this round, for the first time or again."""
    request = run.request
    log = log.append(TurnRequested(run.rounds, run.attempt, run.model))
    clocks = request.routes[run.model].clocks
    asked = RequestTurn(run.rounds, tuple(_said(run)), request.tools, request.output, run.model, clocks)
    return Streaming(run, log, Turn(len(log))), (asked,)


def _said(run: Run) -> Log[Message]:
    """The conversation, with what stood before a pause."""
    return run.messages.append(run.paused) if run.paused and run.paused.parts else run.messages


def lose_turn(state: Streaming, failure: Failure) -> Step:
    """The turn failed: it is asked for again, of this model or of the next one, or the run is over."""
    if not is_retryable(failure) or _is_seen(state):
        return fail(state, failure, NOTHING)
    run, routes = state.run, state.run.request.routes
    odds = chance(run.request.seed, run.rounds, run.model, run.attempt)
    seconds = routes[run.model].retry.wait(run.attempt, failure, odds)
    if seconds is not None:
        again = replace(run, attempt=run.attempt + 1)
        return Waiting(again, state.log.append(RetryScheduled(failure, seconds))), (StartBackoff(seconds),)
    if run.model + 1 == len(routes):
        return fail(state, failure, NOTHING)
    following = replace(run, model=run.model + 1, attempt=1)
    return ask(following, state.log.append(FallbackTaken(failure, following.model)))


def _is_seen(state: Streaming) -> bool:
    """Whether there is anything of the turn that a reader may have seen; a text without a letter is nothing."""
    return any(block.kind != "text" for block in state.turn.blocks) or draft_of(state).parts != ()


def end_turn(state: Streaming, finish: Finish) -> Step:
    """The turn is whole: its calls are answered, a pause is gone on from, or its answer is the last."""
    draft = draft_of(state)
    run = replace(state.run, tokens=state.run.tokens + _tokens(state.turn.usage))
    paused = run.paused
    parts = (*paused.parts, *draft.parts) if paused else draft.parts
    usage = merge_usage(paused, state.turn.usage)
    origin = state.turn.origin or (paused.origin if paused else Origin())
    if draft.calls and finish.reason in RUNNABLE:
        guarded = _guarded(run.request)
        calls = tuple(replace(drafted, call=_under_guard(drafted.call, guarded)) for drafted in draft.calls)
        called = guard(ToolCallMessage(parts, finish=finish, usage=usage, origin=origin), run.request)
        return answer_calls(replace(run, messages=run.messages.append(called), paused=None), state.log, calls, {})
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
    with one, by running it otherwise. Calls that are handed over instead, or that nobody is asked to approve, stay
    without a result."""
    unapproved = _unapproved(run.request, drafts, known)
    deferred = unapproved if run.request.approvals == "deferred" else frozenset()
    if run.request.execute_tools:
        runnable = len(_ready(drafts, known)) - len(deferred)
        # Running them would have effects whose results no model ever sees; but what is deferred, another run goes on.
        reached = (None if deferred else _reached(run)) or _too_many(run, runnable)
        if reached is not None:
            why = f"Not run: {reached.message}"
            unsent = [known.get(drafted.call.id) or synthetic_result(drafted.call, why) for drafted in drafts]
            return Failed(replace(run, messages=run.messages.extend(unsent)), log, reached), NOTHING
        run = replace(run, calls=run.calls + runnable)
    answers: list[ToolResultMessage | Awaited] = []
    sealed: list[ToolCall] = []
    for drafted in drafts:
        call = drafted.call
        if call.id in known:
            answers.append(known[call.id])
        elif drafted.fault is None:
            sealed.append(call)
            log = log.append(CallSealed(call))
            if call.id in unapproved:
                log = log.append(ApprovalNeeded(call))
            answers.append("approval" if call.id in unapproved else "start")
        else:
            refused = ToolReturned(call.id, f"The tool was not run: {drafted.fault}.", is_error=True)
            answers.append(ToolResultMessage(call.id, call.name, refused.parts, is_error=True))
            log = log.append(refused)
    if not run.request.execute_tools:
        return Completed(replace(run, messages=run.messages.extend(_given(answers))), log), NOTHING
    calls = tuple(drafted.call for drafted in drafts)
    state, effects = next_round(RunningTools(run, log, calls, tuple(answers)))
    running = tuple(call for call in sealed if call.id not in deferred)
    return state, ((RunTools(running, unapproved - deferred), *effects) if running else effects)


def _unapproved(
    request: Request, drafts: tuple[DraftCall, ...], known: Mapping[str, ToolResultMessage]
) -> frozenset[str]:
    """The ids of the calls that could run, were they approved."""
    if not request.execute_tools:
        return frozenset()
    return frozenset(call.id for call in _ready(drafts, known) if call.approval == "needed")


def guard(message: ToolCallMessage, request: Request) -> ToolCallMessage:
    """`message`, whose calls remember that their tools among those of `request` ask for approval."""
    guarded = _guarded(request)
    parts = [_under_guard(part, guarded) if isinstance(part, ToolCall) else part for part in message.parts]
    return ToolCallMessage(parts, finish=message.finish, usage=message.usage, origin=message.origin)


def _guarded(request: Request) -> frozenset[str]:
    return frozenset(tool.name for tool in request.tools if tool.requires_approval)


def _under_guard(call: ToolCall, guarded: frozenset[str]) -> ToolCall:
    """`call`, which remembers that it needs approval: another run, with other tools, must not forget it."""
    return replace(call, approval="needed") if call.name in guarded and call.approval is None else call


def _ready(drafts: tuple[DraftCall, ...], known: Mapping[str, ToolResultMessage]) -> list[ToolCall]:
    """The calls that are whole and have no result yet."""
    return [drafted.call for drafted in drafts if drafted.fault is None and drafted.call.id not in known]


def _given(answers: Iterable[ToolResultMessage | Awaited]) -> list[ToolResultMessage]:
    return [answer for answer in answers if isinstance(answer, ToolResultMessage)]


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
    """Ask for the next turn once every call has its result; end where only approvals are awaited that cannot come."""
    given = _given(state.answers)
    run = state.run
    if len(given) == len(state.calls):
        return request_turn(replace(run, messages=run.messages.extend(given)), state.log)
    waiting = tuple(call for call, answer in zip(state.calls, state.answers, strict=True) if answer == "approval")
    if run.request.approvals == "deferred" and len(given) + len(waiting) == len(state.calls):
        return AwaitingApproval(replace(run, messages=run.messages.extend(given)), state.log, waiting), NOTHING
    return state, NOTHING
