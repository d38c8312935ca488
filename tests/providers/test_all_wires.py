"""The laws that hold for every wire alike: what is said over one is the same as what is said over another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from punk.core.effects import RequestTurn, RunTools
from punk.core.events import CancelRequested, TurnEnded, TurnFailed
from punk.core.failures import Truncated
from punk.core.json import JsonValue, repair_text
from punk.core.messages import AssistantMessage, Message, ToolCallMessage, ToolResultMessage, UserMessage
from punk.core.parts import TextPart
from punk.core.state import Failed, history
from punk.core.step import begin, fold, step
from punk.testing.strategies.messages import histories
from tests.providers.talks import TOOLS, Talk, asked, expected_form, moments, normal_form, request, talks
from tests.providers.wires import WIRES, Wire
from tests.support.sse import cut
from tests.support.wire_cases import decode

PLACES = st.lists(st.integers(0, 5000), max_size=8)


@pytest.mark.parametrize("wire", WIRES, ids=str)
@given(talk=talks(), places=PLACES)
def test_one_conversation_comes_to_the_same_over_every_wire(wire: Wire, talk: Talk, places: list[int]) -> None:
    """Laws 13 and 16, and of every request on the way: the wire takes it."""
    lived = list(moments(wire, talk, places))
    assert normal_form(lived[-1][0]) == expected_form(talk)
    requests = [effect for _, effects in lived for effect in effects if isinstance(effect, RequestTurn)]
    assert [wire.faults(asked(wire, turn)) for turn in requests] == [()] * len(talk)


@pytest.mark.parametrize("wire", WIRES, ids=str)
@given(talk=talks(max_rounds=1), place=st.integers(0, 10_000))
def test_a_stream_cut_before_its_terminal_fails_with_what_it_had(wire: Wire, talk: Talk, place: int) -> None:
    """Law 14."""
    events = talk[0].events(wire.family)
    # A wire may need bytes to end a block that only the end of the turn lets it end.
    whole, before = wire.write(events), wire.write(events[:-1])
    body = whole[: place % (len(before) + 1)]
    *said, last = decode(wire.decoder(), [body])
    assert isinstance(last, TurnFailed)
    assert isinstance(last.failure, Truncated)
    state, effects = fold(begin(request())[0], [*said, last])
    assert isinstance(state, Failed)
    assert not [effect for effect in effects if isinstance(effect, RunTools)]
    everything = [event for event in decode(wire.decoder(), [whole]) if not isinstance(event, TurnEnded)]
    assert said == everything[: len(said)]


@pytest.mark.parametrize("wire", WIRES, ids=str)
@given(talk=talks(max_rounds=1), places=PLACES, bytes_=st.binary(max_size=6))
def test_bytes_that_were_bent_never_raise_and_come_to_an_end(
    wire: Wire, talk: Talk, places: list[int], bytes_: bytes
) -> None:
    """Law 15: pieces of a real answer are dropped, doubled, or have garbage between them."""
    pieces = cut(wire.write(talk[0].events(wire.family)), places)
    bent = [*pieces[::2], bytes_, *pieces[1::2], *pieces[:1]]
    for chunks in (bent, [b"".join(bent)], [bytes_], []):
        events = decode(wire.decoder(), chunks)
        assert [isinstance(event, TurnEnded | TurnFailed) for event in events] == [*[False] * (len(events) - 1), True]
        fold(begin(request())[0], events)


@pytest.mark.parametrize("wire", WIRES, ids=str)
@given(talk=talks(), place=st.integers(0, 200))
def test_a_conversation_left_anywhere_goes_on_over_any_wire(wire: Wire, talk: Talk, place: int) -> None:
    """Law 19: what a stream that was left holds is valid for every wire, not only its own."""
    lived = list(moments(wire, talk))
    state, _ = step(lived[place % len(lived)][0], CancelRequested())
    said = (*history(state), UserMessage("Go on."))
    for other in WIRES:
        assert other.faults(asked(other, RequestTurn(1, said, TOOLS))) == ()


@pytest.mark.parametrize("wire", WIRES, ids=str)
@given(said=histories(), tools=st.booleans())
def test_a_request_keeps_what_its_wire_can_hold(wire: Wire, said: tuple[Message, ...], tools: bool) -> None:
    """Law 18: what was said in words is in the request, and nothing in it breaks a rule of the wire."""
    said = (*said, UserMessage("Go on."))  # the rest may be blank
    body = asked(wire, RequestTurn(1, said, TOOLS if tools else ()))
    assert wire.faults(body) == ()
    sent = " ".join(_texts(body))
    for message in said:
        for text in _words(message):
            assert repair_text(text).strip() in sent


def _words(message: Message) -> Iterator[str]:
    match message:
        case AssistantMessage() | ToolCallMessage():
            yield from (part.text for part in message.parts if isinstance(part, TextPart))
        case ToolResultMessage():
            return
        case _:
            yield message.content if len(message.parts) == 1 else ""


def _texts(value: JsonValue) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for item in value.values():
                yield from _texts(item)
        case _:
            pass
