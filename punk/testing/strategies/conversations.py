"""Strategies for whole conversations: turns of a model, and the results of the tools between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

from hypothesis import strategies as st

from punk.core.events import CallStarted, Event, ToolReturned, ToolStarted
from punk.core.log import Log
from punk.core.messages import FinishReason
from punk.core.request import Request, ToolSpec
from punk.testing.strategies.messages import NAMES, histories
from punk.testing.strategies.turns import turns
from punk.testing.strategies.values import finishes, texts

TOOLS = tuple(ToolSpec(name, "A tool.", '{"type":"object"}') for name in NAMES)
RUNNABLE: tuple[FinishReason | None, ...] = ("stop", "tool_use", None)
FORBIDDING: tuple[FinishReason | None, ...] = ("max_tokens", "refusal", "content_filter", "other")
RUN: Final = finishes(*RUNNABLE)
PAUSED: Final = finishes("pause")
FORBIDDEN: Final = finishes(*FORBIDDING)
LAST: Final = finishes(*RUNNABLE, *FORBIDDING)


@final
@dataclass(frozen=True, slots=True)
class Conversation:
    """A request and all that happens until it is answered, which takes `rounds` requests to the model."""

    request: Request
    events: tuple[Event, ...]
    rounds: int


@st.composite
def conversations(draw: st.DrawFn, *, max_rounds: int = 3) -> Conversation:
    """A well-formed conversation of at most `max_rounds` turns: rounds of tools, pauses, then an answer."""
    said = draw(histories())
    happened: list[Event] = []
    index = len(said)
    rounds = draw(st.integers(1, max_rounds))
    for _ in range(rounds - 1):
        calls = draw(st.integers(0, 2))
        turn = draw(turns(calls=calls, finish=RUN if calls else PAUSED))
        happened.extend(turn)
        if calls:
            happened.extend(draw(_results(_ids(turn, index))))
            index += 1 + calls
    # Calls of a turn that ends in a way that lets none run are part of a well-formed end.
    unrun = draw(st.booleans())
    happened.extend(draw(turns(calls=1, finish=FORBIDDEN) if unrun else turns(finish=LAST)))
    return Conversation(Request(Log(said), TOOLS), tuple(happened), rounds)


def _ids(turn: tuple[Event, ...], message_index: int) -> list[str]:
    started = [event for event in turn if isinstance(event, CallStarted)]
    return [event.id or f"call_{message_index}_{position}" for position, event in enumerate(started)]


@st.composite
def _results(draw: st.DrawFn, ids: list[str]) -> list[Event]:
    """Each call's result, in any order; some say that they started, whenever."""
    happened: list[Event] = [
        ToolReturned(id_, draw(texts()), draw(st.booleans())) for id_ in draw(st.permutations(ids))
    ]
    for id_ in draw(st.permutations(ids)):
        if draw(st.booleans()):
            returned = next(i for i, e in enumerate(happened) if isinstance(e, ToolReturned) and e.call_id == id_)
            happened.insert(draw(st.integers(0, returned)), ToolStarted(id_))
    return happened
