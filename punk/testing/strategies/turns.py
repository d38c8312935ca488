"""Strategies for well-formed turns: blocks of every kind, interleaved, then the turn's own end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final, TypeAlias

from hypothesis import strategies as st

from punk.core.events import (
    CallDelta,
    CallEnded,
    CallStarted,
    Heartbeat,
    OpaqueEnded,
    OpaqueStarted,
    ProviderEvent,
    RefusalDelta,
    TextAnnotated,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TurnEnded,
    TurnFailed,
    TurnStarted,
    UsageReported,
)
from punk.core.json import dump_json
from punk.core.messages import Finish
from punk.testing.strategies.messages import NAMES
from punk.testing.strategies.values import FAMILIES, finishes, json_objects, provider_data, texts, usages

# The events of one block, all with the number 0; it is given its own once it is known when it starts.
BlockEvents: TypeAlias = Sequence[ProviderEvent]


def cut(text: str, at: Sequence[int]) -> list[str]:
    """`text` in pieces that join to it; an index out of range cuts off nothing."""
    marks = [0, *sorted(index % (len(text) + 1) for index in at), len(text)]
    return [text[start:stop] for start, stop in pairwise(marks)]


@st.composite
def _texts(draw: st.DrawFn) -> BlockEvents:
    block: list[ProviderEvent] = [TextDelta(0, text) for text in draw(_PIECES)]
    return [*block, TextAnnotated(0, draw(provider_data()))] if draw(st.booleans()) else block


@st.composite
def _thinking(draw: st.DrawFn) -> BlockEvents:
    block: list[ProviderEvent] = [ThinkingDelta(0, text) for text in draw(_PIECES)[1:]]
    sealed = ThinkingSealed(0, draw(_SIGNATURES), draw(_MAYBE_DATA))
    return [*block, sealed]


@st.composite
def _refusals(draw: st.DrawFn) -> BlockEvents:
    return [RefusalDelta(0, text) for text in draw(_PIECES)]


@st.composite
def _opaque(draw: st.DrawFn) -> BlockEvents:
    ended = OpaqueEnded(0, draw(provider_data()), draw(st.booleans()))
    return [OpaqueStarted(0, draw(st.sampled_from(("server_tool_use", "thing")))), ended]


@st.composite
def _call(draw: st.DrawFn, id_: str | None) -> BlockEvents:
    # Empty arguments stand for `{}`; the end may state the whole again.
    whole = draw(_ARGUMENTS)
    pieces = cut(whole, draw(MARKS))
    ended = CallEnded(0, whole if draw(st.booleans()) else None, draw(_MAYBE_DATA))
    return [CallStarted(0, id_, draw(st.sampled_from(NAMES))), *(CallDelta(0, piece) for piece in pieces), ended]


# Strategies are made once: hypothesis spends far more on making one than on drawing from it.
MARKS: Final = st.lists(st.integers(0, 40), max_size=2)
_PIECES: Final = st.lists(texts(), min_size=1, max_size=4)
_SIGNATURES: Final = st.none() | texts(min_size=1)
_MAYBE_DATA: Final = st.none() | provider_data()
_ARGUMENTS: Final = st.just("") | json_objects().map(dump_json)
_WORDS: Final = st.lists(st.one_of(_texts(), _thinking(), _refusals(), _opaque()), max_size=3)
_NOISE: Final[st.SearchStrategy[ProviderEvent]] = st.builds(UsageReported, usages()) | st.just(Heartbeat())
_STARTS: Final = st.builds(TurnStarted, st.sampled_from(FAMILIES), st.none() | texts())
_FINISHES: Final = finishes()


@st.composite
def turns(
    draw: st.DrawFn, *, calls: int = 0, finish: st.SearchStrategy[Finish] | None = None
) -> tuple[ProviderEvent, ...]:
    """A turn as a provider should speak it, with `calls` complete calls among its blocks, ended by `finish` (any).

    The calls' ids are distinct; some have none.
    """
    blocks: list[BlockEvents] = list(draw(_WORDS))
    blocks.extend(draw(_call(draw(st.sampled_from((f"id-{position}", None))))) for position in range(calls))
    slots = [index for index, block in enumerate(blocks) for _ in block]
    spoken = [Heartbeat()] if draw(st.booleans()) else []
    said: list[ProviderEvent] = [*spoken, draw(_STARTS)]
    said.extend(interleaved(blocks, draw(st.permutations(slots)) if draw(st.booleans()) else slots))
    for _ in range(draw(st.integers(0, 2))):
        said.insert(draw(st.integers(1, len(said))), draw(_NOISE))
    return (*said, TurnEnded(draw(_FINISHES if finish is None else finish)))


def interleaved(blocks: Sequence[BlockEvents], order: Sequence[int]) -> list[ProviderEvent]:
    """The events of `blocks`, `order` saying which block speaks next; numbers are given as blocks start."""
    numbers: dict[int, int] = {}
    rest = [iter(block) for block in blocks]
    return [at_block(next(rest[index]), numbers.setdefault(index, len(numbers))) for index in order]


def at_block(event: ProviderEvent, block: int) -> ProviderEvent:
    """`event` in another block; one that belongs to none stays as it is."""
    match event:
        case TurnStarted() | Heartbeat() | UsageReported() | TurnEnded() | TurnFailed():
            return event
        case _:
            return replace(event, block=block)
