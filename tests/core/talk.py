"""Says a stream in letters, so that short ones can be enumerated and examples read at a glance."""

from __future__ import annotations

from dataclasses import replace

from punk.core.events import (
    CallEnded,
    CallStarted,
    CancelRequested,
    Event,
    Heartbeat,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TimerFired,
    TurnEnded,
    TurnFailed,
)
from punk.core.failures import ConnectionLost
from punk.core.log import Log
from punk.core.messages import Finish, UserMessage
from punk.core.request import Request, Route, ToolSpec
from punk.core.retry import RetryPolicy
from punk.core.state import Awaited, RunningTools, Streaming, StreamState, Waiting
from punk.core.tool_events import ToolApproved, ToolProgressed, ToolReturned, ToolStarted

TOOL = ToolSpec("f", "A tool.", '{"type":"object"}')
GUARDED_TOOL = ToolSpec("g", "A tool that somebody must allow.", '{"type":"object"}', requires_approval=True)
WITH_TOOLS = Request(Log([UserMessage("hi")]), (TOOL,))
WITHOUT_TOOLS = Request(Log([UserMessage("hi")]))
DEFERRED = Request(Log([UserMessage("hi")]), (TOOL, GUARDED_TOOL))
ASKED = Request(Log([UserMessage("hi")]), (TOOL, GUARDED_TOOL), approvals="asked")

RETRIED = replace(WITH_TOOLS, routes=(Route(retry=RetryPolicy(attempts=2)), Route()))

SPOKEN = "txch.!"


def possible(state: StreamState) -> str:
    """The letters that make sense in `state`; those of approval, starts and progress only where a tool needs it."""
    guarded = GUARDED_TOOL in state.run.request.tools
    match state:
        case Streaming():
            return SPOKEN + "g" * guarded + "k"
        case RunningTools(run=run, answers=answers):
            asked = "ad" if run.request.approvals == "asked" and "approval" in answers else ""
            starts = "s" if guarded and "start" in answers else ""
            progress = "p" if guarded and "result" in answers else ""
            return asked + starts + progress + "r" * ("start" in answers or "result" in answers) + "k"
        case Waiting():
            return "bk"
        case _:
            return ""


def say(state: StreamState, letter: str) -> tuple[Event, ...]:
    """`t` a thought, `x` text, `c` a whole call, `g` one that needs approval, `h` a heartbeat, `.` the turn's end, `!`
    a lost connection, `a` and `d` the next approval or denial, `s` the next start, `p` progress, `r` the next awaited
    result, `k` a cancel, `b` the end of a wait, `|` the seal of a thinking block."""
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
        case "g", Streaming(turn=turn):
            block = len(turn.blocks)
            return CallStarted(block, None, "g"), CallEnded(block)
        case "h", _:
            return (Heartbeat(),)
        case ".", _:
            return (TurnEnded(Finish("stop")),)
        case "!", _:
            return (TurnFailed(ConnectionLost("the line went dead")),)
        case "a", RunningTools():
            return (ToolApproved(_awaiting(state, "approval")),)
        case "d", RunningTools():
            return (ToolReturned(_awaiting(state, "approval"), "denied", is_error=True),)
        case "s", RunningTools():
            return (ToolStarted(_awaiting(state, "start")),)
        case "p", RunningTools():
            return (ToolProgressed(_awaiting(state, "result"), "half", 1, 2),)
        case "r", RunningTools():
            return (ToolReturned(_awaiting(state, "start", "result"), "done"),)
        case "k", _:
            return (CancelRequested(),)
        case "b", _:
            return (TimerFired("backoff"),)
        case _:
            raise ValueError(f"{letter!r} says nothing in {type(state).__name__}")


def _awaiting(state: RunningTools, *awaited: Awaited) -> str:
    """The id of the first call that waits for one of these."""
    answers = zip(state.calls, state.answers, strict=True)
    return next(call.id for call, answer in answers if answer in awaited)


def _same_or_next(state: Streaming, kind: str) -> int:
    """The last block, if it is of this kind and open; the next one otherwise."""
    blocks = state.turn.blocks
    last = len(blocks) - 1
    if last >= 0 and blocks[last].kind == kind and (kind == "text" or last in state.turn.open):
        return last
    return last + 1
