"""A structured answer that comes through a tool is read as text: whatever comes beside it, and however it is cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self, final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from punk.core.events import (
    CallDelta,
    CallEnded,
    CallStarted,
    Heartbeat,
    ProviderEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TurnEnded,
    TurnFailed,
    TurnStarted,
    UsageReported,
)
from punk.core.failures import Truncated
from punk.core.messages import Finish, FinishReason
from punk.core.parts import TextPart
from punk.providers.answer_tool import answer_events, answering
from punk.providers.anthropic.decode import AnthropicDecoder
from punk.testing.strategies import turns
from punk.testing.strategies.conversations import LAST
from punk.testing.strategies.turns import interleaved
from punk.testing.wires.anthropic import encode_events
from tests.support.sse import cut
from tests.support.wire_cases import decode, fold_turn

TOOL = "final_answer"
START = TurnStarted("anthropic")
END = TurnEnded(Finish("tool_use", "tool_use"))
STOP = TurnEnded(Finish("stop", "tool_use"))
BESIDE = (TurnStarted, Heartbeat, UsageReported, TurnEnded, TurnFailed)


def call(block: int, *pieces: str, name: str = TOOL, whole: str | None = None) -> list[ProviderEvent]:
    return [
        CallStarted(block, f"id-{block}", name),
        *(CallDelta(block, piece) for piece in pieces),
        CallEnded(block, whole),
    ]


def read(*events: ProviderEvent) -> tuple[ProviderEvent, ...]:
    return answer_events([START, *events], TOOL)[1:]


def test_the_call_is_text_and_the_turn_has_stopped() -> None:
    assert read(*call(0, '{"a":', "1}"), END) == (TextDelta(0, '{"a":'), TextDelta(0, "1}"), STOP)


@pytest.mark.parametrize(
    ("pieces", "whole", "said"),
    [
        ((), '{"a":1}', '{"a":1}'),
        (("", '{"a":1}'), '{"a":1}', '{"a":1}'),
        ((), None, "{}"),
        (("",), "", "{}"),
        (('{"a":1}',), '{"a":2}', '{"a":1}'),
    ],
)
def test_arguments_are_said_once(pieces: Sequence[str], whole: str | None, said: str) -> None:
    assert read(*call(0, *pieces, whole=whole), END) == (TextDelta(0, said), STOP)


def test_blocks_around_it_keep_their_order() -> None:
    thinking: list[ProviderEvent] = [ThinkingDelta(0, "hm"), ThinkingSealed(0, "s")]
    said = read(*thinking, TextDelta(1, "So:"), *call(2, "{}"), TextDelta(3, "."), END)
    assert said == (*thinking, TextDelta(1, "So:"), TextDelta(2, "{}"), TextDelta(3, "."), STOP)


def test_an_answer_beside_other_calls_ends_nothing() -> None:
    other = call(1, "{}", name="f")
    assert read(*call(0, "{}"), *other, END) == (TextDelta(0, "{}"), *other, END)
    first = call(0, "{}", name="f")
    assert read(*first, *call(1, "{}"), END) == (*first, TextDelta(1, "{}"), END)


def test_a_second_answer_is_dropped() -> None:
    assert read(*call(0, "{}"), *call(1, "[]"), TextDelta(2, "x"), END) == (TextDelta(0, "{}"), TextDelta(1, "x"), STOP)
    silent: list[ProviderEvent] = [
        CallStarted(0, "a", TOOL),
        CallStarted(1, "b", TOOL),
        CallDelta(1, "[]"),
        CallDelta(0, "{}"),
    ]
    assert read(*silent, CallEnded(1), CallEnded(0), END) == (TextDelta(0, "{}"), STOP)


@pytest.mark.parametrize("reason", ["stop", "max_tokens", "refusal", "content_filter", "other", "pause", None])
def test_other_ends_stay_as_they_are(reason: FinishReason | None) -> None:
    end = TurnEnded(Finish(reason, "raw", "detail"))
    assert read(*call(0, "{}"), end)[-1] == end
    assert read(TextDelta(0, "a"), END) == (TextDelta(0, "a"), END)


def test_an_answer_that_was_cut_is_kept_and_fails() -> None:
    failed = TurnFailed(Truncated("cut"))
    said = read(CallStarted(0, "a", TOOL), CallDelta(0, '{"a'), failed)
    assert said == (TextDelta(0, '{"a'), failed)
    assert fold_turn([START, *said]).failure == failed.failure


def test_nothing_is_between_where_there_is_no_answer_tool() -> None:
    inner = AnthropicDecoder()
    assert answering(inner, None) is inner
    assert answer_events([START, END], None) == (START, END)


@final
@dataclass(frozen=True, slots=True)
class Played:
    """A decoder for which a byte is an event."""

    events: tuple[ProviderEvent, ...]

    def feed(self, data: bytes) -> tuple[Self, tuple[ProviderEvent, ...]]:
        return type(self)(self.events[len(data) :]), self.events[: len(data)]

    def end(self) -> tuple[ProviderEvent, ...]:
        return self.events


@st.composite
def answers(draw: st.DrawFn) -> tuple[ProviderEvent, ...]:
    """A turn in which some calls are of the answer tool."""
    named = {number: draw(st.booleans()) for number in range(3)}
    seen: list[int] = []
    said: list[ProviderEvent] = []
    for event in draw(turns(calls=draw(st.integers(0, 3)), finish=LAST)):
        if isinstance(event, CallStarted):
            seen.append(event.block)
            event = replace(event, name=TOOL) if named[len(seen) - 1] else event
        said.append(event)
    return tuple(said)


def blocks_of(events: Iterable[ProviderEvent]) -> list[int]:
    return list(dict.fromkeys(event.block for event in events if not isinstance(event, BESIDE)))


@given(answers())
def test_a_turn_stays_well_formed_and_loses_only_what_it_must(turn: tuple[ProviderEvent, ...]) -> None:
    """Block numbers have no gaps, the core finds no fault, and all that was said or called is there."""
    said = answer_events(turn, TOOL)
    assert blocks_of(said) == [*range(len(blocks_of(said)))]
    assert _silent(said) == _silent(turn)
    assert [event for event in said if isinstance(event, BESIDE)][:-1] == [
        event for event in turn if isinstance(event, BESIDE)
    ][:-1]
    there, here = fold_turn(turn), fold_turn(said)
    assert here.failure == there.failure
    if there.message is None or here.message is None:
        return
    starts = [event.block for event in turn if isinstance(event, CallStarted) and event.name == TOOL]
    answer = [event.arguments for event in turn if isinstance(event, CallDelta) and event.block in starts[:1]]
    text = "".join(answer) or ("{}" if starts else "")
    assert Counter(here.message.content) == Counter(there.message.content + text)
    assert text in {"", *(part.text for part in here.message.parts if isinstance(part, TextPart))}
    assert here.message.thinking_blocks == there.message.thinking_blocks
    assert [c.arguments for c in here.calls] == [c.arguments for c in there.calls if c.name != TOOL]


def _silent(events: Iterable[ProviderEvent]) -> int:
    """How many pieces of text have none in them."""
    return sum(isinstance(event, TextDelta) and not event.text for event in events)


@given(turns(calls=2))
def test_a_turn_without_the_tool_stays_as_it_is(turn: tuple[ProviderEvent, ...]) -> None:
    assert answer_events(turn, TOOL) == turn


@given(answers(), st.lists(st.integers(0, 9), max_size=12))
def test_batches_change_nothing(turn: tuple[ProviderEvent, ...], sizes: list[int]) -> None:
    decoder = answering(Played(turn), TOOL)
    said: list[ProviderEvent] = []
    for size in sizes:
        before = decoder
        decoder, events = decoder.feed(b"." * size)
        assert before.feed(b"." * size)[1] == events, "the decoder before stays usable"
        said.extend(events)
    assert (*said, *decoder.end()) == answer_events(turn, TOOL)


BLOCKS: list[list[ProviderEvent]] = [
    [TextDelta(0, "So: "), TextDelta(0, "x")],
    call(0, '{"a":', "1}"),
    call(0, "{}", name="f"),
]


@given(st.permutations([index for index, block in enumerate(BLOCKS) for _ in block]), st.lists(st.integers(0, 2000)))
def test_cuts_of_a_real_wire_change_nothing(order: list[int], places: list[int]) -> None:
    turn = (START, *interleaved(BLOCKS, order), END)
    said = decode(answering(AnthropicDecoder(), TOOL), cut(encode_events(turn), places))
    assert said == answer_events(turn, TOOL)
