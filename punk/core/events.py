"""What can happen in a stream: what a provider says, what tools do, what the caller asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, final

from punk.core.failures import Clock, Failure
from punk.core.messages import Finish
from punk.core.parts import ToolCall
from punk.core.provider_data import ProviderData
from punk.core.tool_events import ToolEvent
from punk.core.usage import Usage

# A turn is made of blocks. `block` numbers them from 0 in the order in which they start; deltas of several open blocks
# may interleave. A text block stays open until its turn ends; thinking, calls and opaque blocks are closed by an event.


@final
@dataclass(frozen=True, slots=True)
class TurnStarted:
    """The provider began to answer, with the names it gave the model and the response."""

    family: str
    model: str | None = None
    response_id: str | None = None


@final
@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    """More thinking in `block`."""

    block: int
    text: str


@final
@dataclass(frozen=True, slots=True)
class ThinkingSealed:
    """Thinking `block` is whole: its signature, or the payload of a redacted or encrypted one. If it is said again, the
    last counts."""

    block: int
    signature: str | None = None
    provider_data: ProviderData | None = None


@final
@dataclass(frozen=True, slots=True)
class TextDelta:
    """More text in `block`."""

    block: int
    text: str


@final
@dataclass(frozen=True, slots=True)
class TextAnnotated:
    """What belongs to the text of `block` on its wire (its citations, a signature), whole: the last one counts."""

    block: int
    provider_data: ProviderData


@final
@dataclass(frozen=True, slots=True)
class RefusalDelta:
    """More of a refusal's words in `block`."""

    block: int
    text: str


@final
@dataclass(frozen=True, slots=True)
class CallStarted:
    """The model began to call tool `name`. `id` is None where the provider gives none."""

    block: int
    id: str | None
    name: str


@final
@dataclass(frozen=True, slots=True)
class CallDelta:
    """More of the call's arguments, as a piece of JSON text."""

    block: int
    arguments: str


@final
@dataclass(frozen=True, slots=True)
class CallEnded:
    """The call's block is closed on the wire. `arguments` is the whole JSON text where the wire states it again; a call
    whose deltas say otherwise is not run. `provider_data` belongs to the call on its wire."""

    block: int
    arguments: str | None = None
    provider_data: ProviderData | None = None


@final
@dataclass(frozen=True, slots=True)
class OpaqueStarted:
    """A block that punk does not interpret began; `kind` is the provider's name for it."""

    block: int
    kind: str


@final
@dataclass(frozen=True, slots=True)
class OpaqueEnded:
    """The opaque block is whole."""

    block: int
    data: ProviderData
    replayable: bool = True


@final
@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The provider is alive and says nothing."""


@final
@dataclass(frozen=True, slots=True)
class UsageReported:
    """Token counts of this turn so far: the last report counts."""

    usage: Usage


@final
@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The last word of a turn that its wire's own terminal has closed."""

    finish: Finish


@final
@dataclass(frozen=True, slots=True)
class TurnFailed:
    """The last word of a turn that failed."""

    failure: Failure


ProviderEvent: TypeAlias = (
    TurnStarted
    | ThinkingDelta
    | ThinkingSealed
    | TextDelta
    | TextAnnotated
    | RefusalDelta
    | CallStarted
    | CallDelta
    | CallEnded
    | OpaqueStarted
    | OpaqueEnded
    | Heartbeat
    | UsageReported
    | TurnEnded
    | TurnFailed
)


@final
@dataclass(frozen=True, slots=True)
class CancelRequested:
    """The caller leaves."""


@final
@dataclass(frozen=True, slots=True)
class TimerFired:
    """Time is up: a clock ran out, or the wait before a retry (`backoff`) is over."""

    timer: Clock | Literal["backoff"]


Event: TypeAlias = ProviderEvent | ToolEvent | CancelRequested | TimerFired


@final
@dataclass(frozen=True, slots=True)
class TurnRequested:
    """A note of punk's own: turn number `round` (from 1) of this run was asked for, for the `attempt`th time (from 1)
    of this model; `model` 0 is the chat's own, those after it the fallbacks."""

    round: int
    attempt: int = 1
    model: int = 0


@final
@dataclass(frozen=True, slots=True)
class CallSealed:
    """A note of punk's own: the call is whole, valid, and its turn allows it to run."""

    call: ToolCall


@final
@dataclass(frozen=True, slots=True)
class ApprovalNeeded:
    """A note of punk's own: the sealed call runs only once somebody approves it."""

    call: ToolCall


@final
@dataclass(frozen=True, slots=True)
class RetryScheduled:
    """A note of punk's own: the turn met with `failure`, and is asked for again after so many `seconds`."""

    failure: Failure
    seconds: float


@final
@dataclass(frozen=True, slots=True)
class FallbackTaken:
    """A note of punk's own: the turn met with `failure` for the last time; fallback number `model` (from 1) is asked
    instead, for the rest of the run."""

    failure: Failure
    model: int


# What the log of a stream holds: the events that were applied, and punk's own notes between them.
LogEntry: TypeAlias = Event | TurnRequested | CallSealed | ApprovalNeeded | RetryScheduled | FallbackTaken
