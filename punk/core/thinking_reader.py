"""Reads thinking one phase a loop: a pure cursor, like those of `readers`, that knows where it stopped.

A phase ends when text, a refusal, a call, an opaque block or the end of the turn comes. The next loop reads the next
unread phase. Where none is unread, the first loop ends at the first thing that is not thinking; a later one waits
through the rest of the turn it stands in and through its tools, and ends when the turn after begins with something
else than thinking, or when none can follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, final

from punk.core.events import (
    CallStarted,
    LogEntry,
    OpaqueStarted,
    RefusalDelta,
    TextDelta,
    ThinkingDelta,
    TurnEnded,
    TurnRequested,
)
from punk.core.readers import Broken, End, Piece, Wait, read_end
from punk.core.state import Streaming, StreamState


@final
@dataclass(frozen=True, slots=True)
class Fresh:
    """No loop has ended yet, and nothing but silence stands before `index`."""

    index: int = 0
    turn: int = 0


@final
@dataclass(frozen=True, slots=True)
class InPhase:
    """A loop reads the phase that goes on at `index`, in turn number `turn`; it began at `start`."""

    index: int
    turn: int
    start: int


@final
@dataclass(frozen=True, slots=True)
class Between:
    """A loop ended in turn `stands`; nothing before `index`, which is in turn `turn`, is unread."""

    index: int
    turn: int
    stands: int


ThinkingCursor: TypeAlias = Fresh | InPhase | Between
ThinkingRead: TypeAlias = Piece[str, ThinkingCursor] | Wait[ThinkingCursor] | End[ThinkingCursor] | Broken


def read_thinking(state: StreamState, cursor: ThinkingCursor) -> ThinkingRead:
    """What a loop over thinking gets next at `cursor`."""
    return _in_phase(state, cursor) if isinstance(cursor, InPhase) else _seek(state, cursor)


def _in_phase(state: StreamState, cursor: InPhase) -> ThinkingRead:
    log = state.log
    for position in range(cursor.index, len(log)):
        entry = log[position]
        if isinstance(entry, ThinkingDelta):
            if entry.text:
                return Piece(entry.text, InPhase(position + 1, cursor.turn, cursor.start))
        elif _ends_phase(entry):
            return End(Between(position, cursor.turn, cursor.turn))
    return _wait_or_end(state, InPhase(len(log), cursor.turn, cursor.start))


def _seek(state: StreamState, cursor: Fresh | Between) -> ThinkingRead:
    log = state.log
    turn = cursor.turn
    # A loop waits in vain once something else was said after the turn it stands in; the first loop stands before all.
    stands = cursor.stands if isinstance(cursor, Between) else -1
    passed = False
    for position in range(cursor.index, len(log)):
        entry = log[position]
        if isinstance(entry, ThinkingDelta) and entry.text:
            return Piece(entry.text, InPhase(position + 1, turn, position))
        if isinstance(entry, TurnRequested):
            turn = entry.round
        elif turn > stands and _ends_phase(entry):
            passed = True
    if passed:
        return End(Between(len(log), turn, turn))
    if isinstance(cursor, Fresh):
        return _wait_or_end(state, Fresh(len(log), turn))
    here = Between(len(log), turn, stands)
    in_vain = isinstance(state, Streaming) and turn == stands and not _turn_can_follow(state)
    return End(here) if in_vain else _wait_or_end(state, here)


def _turn_can_follow(state: Streaming) -> bool:
    request = state.run.request
    return bool(request.tools) and request.execute_tools and state.run.rounds < request.max_rounds


def _wait_or_end(state: StreamState, cursor: ThinkingCursor) -> ThinkingRead:
    match read_end(state, 0):
        case Wait():
            return Wait(cursor)
        case End():
            return End(cursor)
        case Broken() as broken:
            return broken


def _ends_phase(entry: LogEntry) -> bool:
    match entry:
        case TextDelta(text=text) | RefusalDelta(text=text):
            return text != ""
        case CallStarted() | OpaqueStarted() | TurnEnded():
            return True
        case _:
            return False
