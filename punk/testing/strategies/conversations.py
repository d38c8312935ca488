"""Strategies for whole conversations: turns of a model, and the results of the tools between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

from hypothesis import strategies as st

from punk.core.events import Event
from punk.core.log import Log
from punk.core.messages import FinishReason
from punk.core.request import Request
from punk.testing.strategies.messages import histories
from punk.testing.strategies.tools import GUARDED_NAMES, GUARDED_TOOLS, TOOLS, calls_of, tool_rounds
from punk.testing.strategies.turns import turns
from punk.testing.strategies.values import finishes

RUNNABLE: tuple[FinishReason | None, ...] = ("stop", "tool_use", None)
FORBIDDING: tuple[FinishReason | None, ...] = ("max_tokens", "refusal", "content_filter", "other")
RUN: Final = finishes(*RUNNABLE)
PAUSED: Final = finishes("pause")
FORBIDDEN: Final = finishes(*FORBIDDING)
LAST: Final = finishes(*RUNNABLE, *FORBIDDING)


@final
@dataclass(frozen=True, slots=True)
class Conversation:
    """A request and all that happens until its run is over, which takes `rounds` requests to the model."""

    request: Request
    events: tuple[Event, ...]
    rounds: int


@st.composite
def conversations(draw: st.DrawFn, *, max_rounds: int = 3) -> Conversation:
    """A well-formed conversation of at most `max_rounds` turns: rounds of tools, pauses, then an answer.

    Where tools need approval, somebody is asked, and approves or denies.
    """
    said = draw(histories())
    asked = draw(st.booleans())
    happened: list[Event] = []
    index = len(said)
    rounds = draw(st.integers(1, max_rounds))
    for _ in range(rounds - 1):
        calls = draw(st.integers(0, 2))
        turn = draw(turns(calls=calls, finish=RUN if calls else PAUSED))
        happened.extend(turn)
        if calls:
            happened.extend(draw(tool_rounds(calls_of(turn, index), GUARDED_NAMES if asked else frozenset())))
            index += 1 + calls
    # Calls of a turn that ends in a way that lets none run are part of a well-formed end.
    unrun = draw(st.booleans())
    happened.extend(draw(turns(calls=1, finish=FORBIDDEN) if unrun else turns(finish=LAST)))
    tools = GUARDED_TOOLS if asked else TOOLS
    return Conversation(Request(Log(said), tools, approvals="asked" if asked else "deferred"), tuple(happened), rounds)


@st.composite
def deferred_conversations(draw: st.DrawFn) -> Conversation:
    """A well-formed conversation that ends in calls which somebody has to approve, their siblings done: after one turn,
    or after a pause."""
    said = draw(histories())
    paused = draw(turns(finish=PAUSED)) if draw(st.booleans()) else ()
    turn = draw(_CALLING.filter(lambda turn: any(call.name in GUARDED_NAMES for call in calls_of(turn, 0))))
    siblings = [call for call in calls_of(turn, len(said)) if call.name not in GUARDED_NAMES]
    happened = (*paused, *turn, *draw(tool_rounds(siblings, frozenset())))
    return Conversation(Request(Log(said), GUARDED_TOOLS), happened, 2 if paused else 1)


_CALLING: Final = st.integers(1, 3).flatmap(lambda calls: turns(calls=calls, finish=RUN))
