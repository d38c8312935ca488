"""Says a stream in letters, so that short ones can be enumerated and examples read at a glance."""

from __future__ import annotations

from punk.core.events import (
    CallEnded,
    CallStarted,
    CancelRequested,
    Event,
    Heartbeat,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    ToolReturned,
    TurnEnded,
    TurnFailed,
)
from punk.core.failures import ConnectionLost
from punk.core.log import Log
from punk.core.messages import Finish, UserMessage
from punk.core.request import Request, ToolSpec
from punk.core.state import RunningTools, Streaming, StreamState

TOOL = ToolSpec("f", "A tool.", '{"type":"object"}')
WITH_TOOLS = Request(Log([UserMessage("hi")]), (TOOL,))
WITHOUT_TOOLS = Request(Log([UserMessage("hi")]))

SPOKEN = "txch.!"
ANSWERED = "r"
LETTERS = SPOKEN + ANSWERED + "k"


def possible(state: StreamState) -> str:
    """The letters that make sense in `state`."""
    match state:
        case Streaming():
            return SPOKEN + "k"
        case RunningTools():
            return ANSWERED + "k"
        case _:
            return ""


def say(state: StreamState, letter: str) -> tuple[Event, ...]:
    """`t` a thought, `x` text, `c` a whole call, `h` a heartbeat, `.` the turn's end, `!` a lost connection, `r` the
    next awaited result, `k` a cancel, `|` the seal of a thinking block."""
    match letter, state:
        case "t", Streaming(turn=turn):
            return (ThinkingDelta(_same_or_next(state, "thinking"), f"<{len(state.log)}>"),)
        case "|", Streaming():
            return (ThinkingSealed(_same_or_next(state, "thinking"), "sig"),)
        case "x", Streaming():
            return (TextDelta(_same_or_next(state, "text"), f"({len(state.log)})"),)
        case "c", Streaming(turn=turn):
            block = len(turn.blocks)
            return CallStarted(block, None, "f"), CallEnded(block)
        case "h", _:
            return (Heartbeat(),)
        case ".", _:
            return (TurnEnded(Finish("stop")),)
        case "!", _:
            return (TurnFailed(ConnectionLost("the line went dead")),)
        case "r", RunningTools(calls=calls, results=results):
            waiting = [call.id for call, result in zip(calls, results, strict=True) if result is None]
            return (ToolReturned(waiting[0], "done"),)
        case "k", _:
            return (CancelRequested(),)
        case _:
            raise ValueError(f"{letter!r} says nothing in {type(state).__name__}")


def _same_or_next(state: Streaming, kind: str) -> int:
    """The last block, if it is of this kind and open; the next one otherwise."""
    blocks = state.turn.blocks
    last = len(blocks) - 1
    if last >= 0 and blocks[last].kind == kind and (kind == "text" or last in state.turn.open):
        return last
    return last + 1
