"""What a world is: plain values that say how models, readers, tools and the caller will behave."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias, final

from punk.core.events import ProviderEvent
from punk.core.failures import Failure
from punk.core.retry import RetryPolicy
from punk.core.timeouts import Timeouts


@final
@dataclass(frozen=True, slots=True)
class Said:
    """After so many seconds, these events come in one piece of bytes."""

    after: float
    events: tuple[ProviderEvent, ...]


@final
@dataclass(frozen=True, slots=True)
class Broken:
    """After so many seconds, the connection breaks with `failure`."""

    after: float
    failure: Failure


@final
@dataclass(frozen=True, slots=True)
class Ended:
    """After so many seconds, the bytes end."""

    after: float


@final
@dataclass(frozen=True, slots=True)
class Stalled:
    """Nothing comes any more, for ever."""


@final
@dataclass(frozen=True, slots=True)
class Pinging:
    """Every so many seconds comes one of these events that mean nothing, for ever."""

    every: float
    event: ProviderEvent


Item: TypeAlias = Said | Broken | Ended | Stalled | Pinging


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """What becomes of one request. `connect` and `headers` are the seconds until there is a connection, and until the
    answer begins after that (None is never). `refusal` comes instead of an answer. Reading and opening go on for
    `deaf` seconds after they were cancelled, closing takes `close` seconds."""

    kind: str
    connect: float
    headers: float | None
    refusal: Failure | None
    items: tuple[Item, ...]
    deaf: float = 0.0
    close: float = 0.0


@final
@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model with its own clocks and policy."""

    streams: bool
    timeouts: Timeouts
    retry: RetryPolicy | None


ReaderKind: TypeAlias = Literal[
    "content", "content_delta", "thinking", "thinking_delta", "events", "chat", "partial_output"
]
READER_KINDS: tuple[ReaderKind, ...] = (
    "content", "content_delta", "thinking", "thinking_delta", "events", "chat", "partial_output",
)  # fmt: skip


@final
@dataclass(frozen=True, slots=True)
class Reader:
    """Begins after `delay`, pauses `pace` seconds after each piece (None: not even a round of the loop), stops after
    `stop` pieces (None: at the end), gives a piece `patience` seconds before it asks anew, reads in `loops` loops.
    `cancels_at` is the piece at which it cancels the stream."""

    kind: ReaderKind
    delay: float
    pace: float | None
    stop: int | None
    patience: float | None
    loops: int
    cancels_at: int | None = None

    @property
    def reads_all(self) -> bool:
        """Whether it goes on until the end, if nobody hinders it."""
        return self.stop is None and self.cancels_at is None


BodyKind: TypeAlias = Literal["wait", "chat", "read", "leave", "raise", "fold"]
OutsideKind: TypeAlias = Literal["cancel body", "cancel stream", "cancel from thread", "cancel reader"]


@final
@dataclass(frozen=True, slots=True)
class Body:
    """What the block does: waits for its readers, awaits the chat, reads in its own task, leaves or raises after
    `seconds`; `fold` is `complete_async`."""

    kind: BodyKind
    seconds: float = 0.0


@final
@dataclass(frozen=True, slots=True)
class Outside:
    """Somebody else does this at that moment."""

    kind: OutsideKind
    at: float


@final
@dataclass(frozen=True, slots=True)
class World:
    """Everything but the answers, which are drawn from the seed as they are asked for (`draw.answer`)."""

    seed: int
    shuffled: bool
    models: tuple[ModelSpec, ...]
    faults: float
    structured: bool
    # Each turn that calls tools calls three that get in each other's way.
    crowded: bool
    with_tools: bool
    timeouts: Timeouts
    retry: RetryPolicy | None
    max_rounds: int
    max_tool_calls: int | None
    max_total_tokens: int | None
    max_concurrent_tools: int | None
    execute_tools: bool
    approve: str | None
    body: Body
    readers: tuple[Reader, ...]
    outside: tuple[Outside, ...] = field(default=())
