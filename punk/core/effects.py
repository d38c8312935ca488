"""What the core asks of the world, and which events answer it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, final

from punk.core.messages import Message
from punk.core.parts import ToolCall
from punk.core.request import OutputSpec, ToolSpec
from punk.core.timeouts import Clocks


@final
@dataclass(frozen=True, slots=True)
class RequestTurn:
    """Ask a model for a turn: the chat's own (0), or a fallback. Answered by provider events, of which the last is
    `TurnEnded` or `TurnFailed`, unless a `TimerFired` by its `clocks` comes before."""

    round: int
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...]
    output: OutputSpec | None = None
    model: int = 0
    clocks: Clocks = Clocks()


@final
@dataclass(frozen=True, slots=True)
class RunTools:
    """Run these sealed calls. Each is answered by `ToolReturned` or `ToolAbortRequested`, maybe after `ToolStarted` and
    `ToolProgressed`. Those whose ids are in `unapproved` may start only after `ToolApproved`; a `ToolReturned` with an
    error is how they are denied."""

    calls: tuple[ToolCall, ...]
    unapproved: frozenset[str] = frozenset()


@final
@dataclass(frozen=True, slots=True)
class StartBackoff:
    """Wait so many `seconds`. Answered by `TimerFired("backoff")`."""

    seconds: float


@final
@dataclass(frozen=True, slots=True)
class Abandon:
    """Let go of whatever is under way: close the connection, cancel the tools, stop the timer. No event answers it."""


Effect: TypeAlias = RequestTurn | RunTools | StartBackoff | Abandon
