"""Strategies for what happens while tools run: approvals, starts, progress and results, in any order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal, TypeAlias

from hypothesis import strategies as st

from punk.core.events import CallStarted, Event
from punk.core.parts import ToolCall
from punk.core.request import ToolSpec
from punk.core.tool_events import ToolApproved, ToolProgressed, ToolReturned, ToolStarted
from punk.testing.strategies.messages import NAMES, RESULTS
from punk.testing.strategies.values import texts

TOOLS: Final = tuple(ToolSpec(name, "A tool.", '{"type":"object"}') for name in NAMES)
GUARDED_TOOLS: Final = tuple(replace(tool, requires_approval=tool.name != "now") for tool in TOOLS)
GUARDED_NAMES: Final = frozenset(tool.name for tool in GUARDED_TOOLS if tool.requires_approval)

# What becomes of a call: nobody has to allow it, somebody does, or somebody does not.
Consent: TypeAlias = Literal["free", "approved", "denied"]

_CONSENTS: Final[st.SearchStrategy[Consent]] = st.sampled_from(("approved", "approved", "denied"))
_NUMBERS: Final = st.none() | st.floats(0, 100)
_IDS: Final = st.just("")
PROGRESS: Final = st.builds(ToolProgressed, _IDS, st.none() | texts(), _NUMBERS, _NUMBERS)
_FEW: Final = st.lists(PROGRESS, max_size=2)


def calls_of(turn: Sequence[Event], message_index: int) -> list[ToolCall]:
    """The id and the name of each call of a well-formed `turn`, which becomes the message at `message_index`."""
    started = [event for event in turn if isinstance(event, CallStarted)]
    named = enumerate(started)
    return [ToolCall(event.id or f"call_{message_index}_{position}", event.name, "") for position, event in named]


@st.composite
def tool_rounds(draw: st.DrawFn, calls: Sequence[ToolCall], guarded: frozenset[str]) -> list[Event]:
    """What happens until each of `calls` has its result, in any order of the calls; those of tools in `guarded` are
    approved before they start, or denied."""
    happened = [draw(_one(call.id, draw(_CONSENTS) if call.name in guarded else "free")) for call in calls]
    slots = [index for index, events in enumerate(happened) for _ in events]
    rest = [iter(events) for events in happened]
    return [next(rest[index]) for index in draw(st.permutations(slots))]


@st.composite
def _one(draw: st.DrawFn, call_id: str, consent: Consent) -> list[Event]:
    """What happens to one call; some say that they started, and how far they are."""
    if consent == "denied":
        return [ToolReturned(call_id, draw(texts()), is_error=True)]
    happened: list[Event] = [ToolApproved(call_id)] if consent == "approved" else []
    if draw(st.booleans()):
        happened.append(ToolStarted(call_id))
        happened.extend(replace(progress, call_id=call_id) for progress in draw(_FEW))
    return [*happened, ToolReturned(call_id, draw(RESULTS), draw(st.booleans()))]
