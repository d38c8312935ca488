"""The clocks of a run, and the one around its reads as a pure machine: which runs, and how much of it is left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from math import inf
from typing import Literal, TypeAlias, assert_never, final

from punk.core.bounds import check_seconds
from punk.core.events import (
    CallDelta,
    Event,
    Heartbeat,
    RefusalDelta,
    TextDelta,
    ThinkingDelta,
    TimerFired,
    UsageReported,
)
from punk.core.failures import Clock, TimedOut


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long a run waits, in seconds, for a model, a chat or one call: `math.inf` is for ever, None what is said
    elsewhere (a call goes before its chat, that before the model).

    `connect` (10): until there is a connection. `first_event` (600): from the request to the first thing the provider
    says. `progress` (600): from one thing it says to the next; signs of life do not count. Both run only while an
    answer is being waited for: a reader who takes its time is no timeout. `tool` (for ever): each call of a tool that
    has no timeout of its own; passing it is an error result for the model. `total` (for ever): from entering the stream
    to its end, whatever is done meanwhile.

    Raises `ConfigurationError` for what is no number of seconds above 0.
    """

    connect: float | None = None
    first_event: float | None = None
    progress: float | None = None
    tool: float | None = None
    total: float | None = None

    def __post_init__(self) -> None:
        for name, seconds in self.said.items():
            check_seconds(f"the {name} timeout", seconds)

    @property
    def said(self) -> dict[str, float]:
        """The clocks that are set, by name."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: seconds for name, seconds in given.items() if seconds is not None}

    def over(self, others: Timeouts) -> Timeouts:
        """These, and those of `others` that are not said here."""
        return replace(others, **self.said)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """The clocks that hold for a request, in seconds; `math.inf` is for ever."""

    connect: float = 10.0
    first_event: float = 600.0
    progress: float = 600.0
    tool: float = inf
    total: float = inf

    @classmethod
    def of(cls, timeouts: Timeouts) -> Clocks:
        """What is said, and the usual where nothing is."""
        return cls(**timeouts.said)


def timed_out(clock: Clock, clocks: Clocks) -> TimedOut:
    """The failure of a run whose `clock` ran out."""
    match clock:
        case "connect":
            message = f"no connection was made within {clocks.connect:g} s"
        case "first_event":
            message = f"the provider did not begin to answer within {clocks.first_event:g} s"
        case "progress":
            message = f"the answer came no further for {clocks.progress:g} s"
        case "tool":
            message = f"a tool took longer than {clocks.tool:g} s"
        case "total":
            message = f"the run was not over after {clocks.total:g} s"
        case _:
            assert_never(clock)
    return TimedOut(clock, message)


ReadClock: TypeAlias = Literal["first_event", "progress"]


@final
@dataclass(frozen=True, slots=True)
class Watch:
    """The clock of one turn that runs while its answer is being read, and the seconds that are `left` of it."""

    clocks: Clocks
    clock: ReadClock
    left: float

    @classmethod
    def of(cls, clocks: Clocks) -> Watch:
        """Before anything is read."""
        return cls(clocks, "first_event", clocks.first_event)

    def after(self, seconds: float, events: Iterable[Event]) -> Watch:
        """When a read of so many `seconds` has brought `events`."""
        for event in events:
            if is_progress(event):
                break
        else:
            return Watch(self.clocks, self.clock, self.left - seconds)
        if self.clock == "progress" and self.left == self.clocks.progress:
            return self
        return Watch(self.clocks, "progress", self.clocks.progress)

    @property
    def fired(self) -> TimerFired:
        """What happens when nothing is left."""
        return TimerFired(self.clock)


def is_progress(event: Event) -> bool:
    """Whether `event` brings an answer further: signs of life, counts and empty pieces do not."""
    match event:
        case TextDelta(text=text) | ThinkingDelta(text=text) | RefusalDelta(text=text) | CallDelta(arguments=text):
            return text != ""
        case Heartbeat() | UsageReported():
            return False
        case _:
            return True
