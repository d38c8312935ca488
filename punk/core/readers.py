"""Pure cursors over a state: what a reader at a position gets next, or whether it must wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar, assert_never, final

from punk.core.events import LogEntry, TextDelta
from punk.core.failures import Failure
from punk.core.state import (
    AwaitingApproval,
    Cancelled,
    Completed,
    Failed,
    RunningTools,
    Streaming,
    StreamState,
    Waiting,
)

C_co = TypeVar("C_co", covariant=True)
P_co = TypeVar("P_co", covariant=True)


@final
@dataclass(frozen=True, slots=True)
class Piece(Generic[P_co, C_co]):
    """The next `value`, and the `cursor` behind it."""

    value: P_co
    cursor: C_co


@final
@dataclass(frozen=True, slots=True)
class Wait(Generic[C_co]):
    """Nothing yet. `cursor` has passed what is of no interest, so that it is never looked at again."""

    cursor: C_co


@final
@dataclass(frozen=True, slots=True)
class End(Generic[C_co]):
    """The loop is over."""

    cursor: C_co


@final
@dataclass(frozen=True, slots=True)
class Broken:
    """The stream failed, and all that came before was read."""

    failure: Failure


@final
@dataclass(frozen=True, slots=True)
class Sequenced:
    """An entry of the log and its place in it, from 0."""

    number: int
    event: LogEntry


TextRead: TypeAlias = Piece[str, int] | Wait[int] | End[int] | Broken
EventRead: TypeAlias = Piece[Sequenced, int] | Wait[int] | End[int] | Broken
EndRead: TypeAlias = Wait[int] | End[int] | Broken


def read_content(state: StreamState, index: int) -> TextRead:
    """The next text delta at or after `index`, whatever turn it is in."""
    log = state.log
    for position in range(index, log.size):
        entry = log[position]
        if isinstance(entry, TextDelta) and entry.text:
            return Piece(entry.text, position + 1)
    return read_end(state, log.size)


def read_events(state: StreamState, index: int) -> EventRead:
    """The log's entry at `index`."""
    if index < len(state.log):
        return Piece(Sequenced(index, state.log[index]), index + 1)
    return read_end(state, index)


def read_end(state: StreamState, index: int) -> EndRead:
    """Nothing until the stream ends."""
    match state:
        case Streaming() | RunningTools() | Waiting():
            return Wait(index)
        case Completed() | AwaitingApproval() | Cancelled():
            return End(index)
        case Failed(failure=failure):
            return Broken(failure)
        case _:
            assert_never(state)
