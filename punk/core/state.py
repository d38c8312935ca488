"""The states of a stream, of which only a turn's own end can build `Completed`.

Streaming --calls--> RunningTools --all answered--> Streaming --no calls--> Completed
RunningTools --all answered but calls that nobody here can approve--> AwaitingApproval
Streaming --a failure that is worth another try--> Waiting --its time is up--> Streaming
Streaming, RunningTools, Waiting --the caller leaves--> Cancelled
Streaming, RunningTools, Waiting --anything goes wrong--> Failed
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, assert_never, final

from punk.core.draft import Draft, assemble
from punk.core.events import Event, LogEntry
from punk.core.failures import Failure
from punk.core.history import UNAPPROVED, UNSTARTED, interrupted, synthetic_result
from punk.core.log import Log
from punk.core.messages import AssistantMessage, Message, Origin, ToolResultMessage
from punk.core.parts import AssistantPart, ToolCall
from punk.core.request import Request
from punk.core.usage import Usage

BlockKind: TypeAlias = Literal["text", "thinking", "refusal", "call", "opaque"]


@final
@dataclass(frozen=True, slots=True)
class Block:
    """What a block is; for an opaque one `name` is the provider's word for it."""

    kind: BlockKind
    name: str = ""


@final
@dataclass(frozen=True, slots=True)
class Run:
    """What changes once a turn: the request, the messages it has led to, how many turns were requested, how many calls
    were run and how many tokens were reported; which model is asked (0 is the first), and for which time.

    `paused` is a turn the provider broke off to be continued. `late` holds what came after a terminal, and the
    event that broke the order: recorded, never applied.
    """

    request: Request
    messages: Log[Message]
    rounds: int = 0
    calls: int = 0
    tokens: int = 0
    model: int = 0
    attempt: int = 1
    paused: AssistantMessage | None = None
    late: Log[Event] = field(default_factory=Log)


@final
@dataclass(frozen=True, slots=True)
class Turn:
    """What changes once a block: where the turn's entries begin in the log, its blocks, and which still take deltas."""

    start: int
    origin: Origin | None = None
    blocks: Log[Block] = field(default_factory=Log)
    open: frozenset[int] = frozenset()
    usage: Usage | None = None


@final
@dataclass(frozen=True, slots=True)
class Streaming:
    """A turn was requested and has not ended."""

    run: Run
    log: Log[LogEntry]
    turn: Turn


Awaited: TypeAlias = Literal["approval", "start", "result"]
"""What a call without a result waits for next."""


@final
@dataclass(frozen=True, slots=True)
class RunningTools:
    """Sealed calls are being run. `answers` stand in the order of `calls`: the result, or what is awaited before it."""

    run: Run
    log: Log[LogEntry]
    calls: tuple[ToolCall, ...]
    answers: tuple[ToolResultMessage | Awaited, ...]


@final
@dataclass(frozen=True, slots=True)
class Waiting:
    """A turn failed before anything of it was seen; it is asked for again after a while."""

    run: Run
    log: Log[LogEntry]


@final
@dataclass(frozen=True, slots=True)
class Completed:
    """The last turn ended by its wire's own terminal."""

    run: Run
    log: Log[LogEntry]


@final
@dataclass(frozen=True, slots=True)
class AwaitingApproval:
    """Somebody has to approve or deny `calls`, in which the history ends: they have no result yet, others of their turn
    may have one. A run of that history goes on with those that were approved."""

    run: Run
    log: Log[LogEntry]
    calls: tuple[ToolCall, ...]


@final
@dataclass(frozen=True, slots=True)
class Cancelled:
    """The caller left. What had arrived is kept."""

    run: Run
    log: Log[LogEntry]


@final
@dataclass(frozen=True, slots=True)
class Failed:
    """Something went wrong. What had arrived is kept."""

    run: Run
    log: Log[LogEntry]
    failure: Failure


LiveState: TypeAlias = Streaming | RunningTools | Waiting
TerminalState: TypeAlias = Completed | AwaitingApproval | Cancelled | Failed
StreamState: TypeAlias = LiveState | TerminalState


def draft_of(state: Streaming) -> Draft:
    """The parts of the turn under way."""
    kinds = (block.name for block in state.turn.blocks)
    return assemble(state.log.since(state.turn.start), kinds, len(state.run.messages))


def history(state: StreamState) -> tuple[Message, ...]:
    """The conversation as it stands: the messages of finished turns, then what has arrived of the turn under way.

    From a live state it is valid for a next request: calls without a result get one that says why, half-written calls
    are for reading only. Calls that wait for approval, or were handed over, stay without one.
    """
    match state:
        case Streaming(run=run):
            return (*run.messages, *_partial(run, draft_of(state), state.turn))
        case Waiting(run=run):
            return (*run.messages, *_partial(run, Draft((), ())))
        case RunningTools(run=run, calls=calls, answers=answers):
            return (*run.messages, *(_result(run, *answered) for answered in zip(calls, answers, strict=True)))
        case Completed(run=run) | AwaitingApproval(run=run) | Cancelled(run=run) | Failed(run=run):
            return tuple(run.messages)
        case _:
            assert_never(state)


def _result(run: Run, call: ToolCall, answer: ToolResultMessage | Awaited) -> ToolResultMessage:
    match answer:
        case ToolResultMessage():
            return answer
        case "approval":
            return synthetic_result(call, UNAPPROVED)
        case "start":
            return synthetic_result(call, UNSTARTED)
        case "result":
            # It was approved, if that was needed.
            return interrupted(replace(call, approval=None), run.request.tools)
        case _:
            assert_never(answer)


def _partial(run: Run, draft: Draft, turn: Turn | None = None) -> tuple[AssistantMessage, ...]:
    """What has come of an answer: what stood before a pause, and what `turn` has brought since."""
    paused = run.paused
    before: tuple[AssistantPart, ...] = paused.parts if paused else ()
    if not before and not draft.parts:
        return ()
    known = merge_usage(paused, turn.usage if turn else None) or Usage()
    message = AssistantMessage(
        (*before, *draft.words),
        usage=Usage() + known + Usage(lower_bound=True),
        origin=(turn.origin if turn else None) or (paused.origin if paused else Origin()),
        unrun_calls=[drafted.call for drafted in draft.calls],
    )
    return (message,)


def merge_usage(paused: AssistantMessage | None, usage: Usage | None) -> Usage | None:
    """The usage of a turn together with the part of it that came before a pause."""
    if paused is None or paused.usage is None:
        return usage
    return paused.usage if usage is None else paused.usage + usage
