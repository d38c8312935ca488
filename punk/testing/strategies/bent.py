"""Strategies that bend a well-formed sequence of events, or cut its deltas anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from punk.core.events import CallDelta, CallEnded, CallStarted, Event, RefusalDelta, TextDelta, ThinkingDelta, TurnEnded
from punk.core.tool_events import ToolApproved, ToolProgressed, ToolReturned, ToolStarted
from punk.testing.strategies.turns import MARKS, cut

_OF_CALLS = (CallStarted, CallDelta, CallEnded, ToolApproved, ToolStarted, ToolProgressed, ToolReturned)


@st.composite
def recut(draw: st.DrawFn, events: Sequence[Event]) -> tuple[Event, ...]:
    """The same events with their deltas cut elsewhere: neighbours of one block joined, then split at random."""
    joined: list[Event] = []
    for event in events:
        one = _joined(joined[-1], event) if joined else None
        if one is None:
            joined.append(event)
        else:
            joined[-1] = one
    anew: list[Event] = []
    for event in joined:
        match event:
            case TextDelta(text=text) | ThinkingDelta(text=text) | RefusalDelta(text=text):
                anew.extend(replace(event, text=piece) for piece in cut(text, draw(MARKS)))
            case CallDelta(arguments=arguments):
                anew.extend(replace(event, arguments=piece) for piece in cut(arguments, draw(MARKS)))
            case _:
                anew.append(event)
    return tuple(anew)


@st.composite
def bent(draw: st.DrawFn, events: Sequence[Event]) -> tuple[Event, ...]:
    """`events` with one or two things wrong: an event, or all of a block's or a call's, dropped, doubled or moved."""
    crooked = list(events)
    for _ in range(draw(st.integers(1, 2))):
        if not crooked:
            break
        calls = [i for i, event in enumerate(crooked) if isinstance(event, _OF_CALLS)]
        # What bends a call is what matters most, and calls are few among the events.
        among_calls = draw(st.booleans())
        at = draw(st.sampled_from(calls if calls and among_calls else range(len(crooked))))
        chosen = _block_of(crooked, at) if draw(st.booleans()) else [at]
        to = draw(st.integers(0, len(crooked)))
        taken = [crooked[index] for index in chosen]
        match draw(st.sampled_from(("drop", "double", "move", "recut"))):
            case "drop":
                crooked = [event for index, event in enumerate(crooked) if index not in chosen]
            case "double":
                crooked[to:to] = taken
            case "move":
                crooked = [event for index, event in enumerate(crooked) if index not in chosen]
                crooked[to:to] = taken
            case _:
                crooked = list(draw(recut(crooked)))
    return tuple(crooked)


def _joined(last: Event, event: Event) -> Event | None:
    """Two deltas as one, None where they are not neighbours of one block."""
    match last, event:
        case TextDelta(block=block, text=text), TextDelta() if event.block == block:
            return TextDelta(block, text + event.text)
        case ThinkingDelta(block=block, text=text), ThinkingDelta() if event.block == block:
            return ThinkingDelta(block, text + event.text)
        case RefusalDelta(block=block, text=text), RefusalDelta() if event.block == block:
            return RefusalDelta(block, text + event.text)
        case CallDelta(block=block, arguments=text), CallDelta() if event.block == block:
            return CallDelta(block, text + event.arguments)
        case _:
            return None


def _block_of(events: Sequence[Event], at: int) -> list[int]:
    """Where the events are, in their turn or their round of tools, that share the block or the call of the one at
    `at`."""
    whose = _whose(events[at])
    if whose is None:
        return [at]
    ends = [index for index, event in enumerate(events) if isinstance(event, TurnEnded)]
    start = max((index for index in ends if index < at), default=-1)
    stop = min((index for index in ends if index > at), default=len(events))
    return [index for index in range(start + 1, stop) if _whose(events[index]) == whose]


def _whose(event: Event) -> int | str | None:
    """The number of its block, or the id of its call."""
    number: int | None = getattr(event, "block", None)
    id_: str | None = getattr(event, "call_id", None)
    return id_ if number is None else number
