"""The laws of a decoder: cuts and garbage change nothing but what they must, and what is encoded is decoded again."""

from __future__ import annotations

import json

from hypothesis import example, given
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
from punk.core.failures import ConnectionLost, Failure, Malformed, ProviderError, Truncated
from punk.core.json import JsonObject
from punk.core.messages import Finish, FinishReason
from punk.core.parts import RefusalPart
from punk.core.usage import Usage
from punk.providers.openai.responses.decode import ResponsesDecoder, decode_whole
from punk.providers.openai.responses.settings import FAMILY
from punk.testing.strategies import turns as any_turns
from punk.testing.wires.openai_responses import encode_events
from tests.providers.openai.responses.events import data
from tests.support.sse import cut
from tests.support.wire_cases import Told, decode, fold_turn

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6)
REPORTED: JsonObject = {"input_tokens": 3, "output_tokens": 4}
USAGE = UsageReported(Usage(3, 4, reported=data(REPORTED)))


@st.composite
def turns(draw: st.DrawFn) -> tuple[ProviderEvent, ...]:
    """A turn in the order in which this wire says things, its deltas interleaved."""
    kinds = draw(st.lists(st.sampled_from(("text", "thinking", "call", "refusal", "opaque")), max_size=5))
    events: list[ProviderEvent] = [TurnStarted(FAMILY, draw(st.none() | TEXTS), draw(TEXTS))]
    texts: list[int] = []
    calls: list[int] = []
    late: list[ProviderEvent] = []
    for block, kind in enumerate(kinds):
        pieces = draw(st.lists(TEXTS, min_size=1, max_size=3))
        name = f"id-{block}"
        match kind:
            case "text":
                texts.append(block)
                events.append(TextDelta(block, pieces[0]))
                events += [TextDelta(draw(st.sampled_from(texts)), piece) for piece in pieces]
            case "thinking":
                events += [ThinkingDelta(block, piece) for piece in draw(st.just([]) | st.just(pieces))]
                item: JsonObject = {"type": "reasoning", "summary": [], "id": name, "encrypted_content": pieces[0]}
                events.append(ThinkingSealed(block, provider_data=data(item)))
            case "call":
                calls.append(block)
                events.append(CallStarted(block, draw(st.none() | st.just(name)), draw(TEXTS)))
                events += [CallDelta(draw(st.sampled_from(calls)), piece) for piece in pieces]
                payload = draw(st.none() | st.just(data({"id": name})))
                late.append(CallEnded(block, draw(st.none() | st.just("{}")), payload))
            case "refusal":
                events += [RefusalDelta(block, piece) for piece in pieces]
            case _:
                events += [
                    OpaqueStarted(block, "thing"),
                    OpaqueEnded(block, data({"type": "thing", "x": [pieces[0]]})),
                ]
        if draw(st.integers(0, 5)) == 0:
            events.append(Heartbeat())
    if draw(st.integers(0, 3)) == 0:
        return (*events, TurnFailed(ProviderError(draw(TEXTS), draw(st.none() | TEXTS))))
    events += late
    for block in texts:
        if draw(st.booleans()):
            events.append(TextAnnotated(block, data({"id": f"id-{block}", "annotations": [{"type": "x"}]})))
    if draw(st.booleans()):
        events.append(USAGE)
    whole: FinishReason = "refusal" if "refusal" in kinds else "tool_use" if calls else "stop"
    finishes = [
        Finish(whole, "completed"),
        Finish("max_tokens", "incomplete", "max_output_tokens"),
        Finish("content_filter", "incomplete", "content_filter"),
        Finish("other", "incomplete", "strange"),
    ]
    return (*events, TurnEnded(draw(st.sampled_from(finishes))))


@given(turns(), st.lists(st.integers(0, 5000), max_size=12))
def test_what_is_encoded_is_decoded_again_however_it_is_cut(turn: tuple[ProviderEvent, ...], places: list[int]) -> None:
    """Laws 12 and 13."""
    assert decode(ResponsesDecoder(), cut(encode_events(turn), places)) == turn


@given(turns(), st.integers(0, 10_000))
def test_a_stream_cut_anywhere_says_a_prefix_and_then_fails(turn: tuple[ProviderEvent, ...], place: int) -> None:
    """Law 14."""
    body = encode_events(turn)
    events = decode(ResponsesDecoder(), [body[: place % len(body)]])
    if events == turn:
        # Only the last blank line was cut off.
        assert body[place % len(body) :].strip() == b""
        return
    last = events[-1]
    assert isinstance(last, TurnFailed)
    assert isinstance(last.failure, Truncated | Malformed)
    assert events[:-1] == turn[: len(events) - 1]
    assert fold_turn(events).failure == last.failure


@given(any_turns(calls=2, finish=st.sampled_from([Finish("stop"), Finish("max_tokens"), Finish("pause"), Finish()])))
def test_a_turn_of_any_wire_keeps_what_this_one_can_say(turn: tuple[ProviderEvent, ...]) -> None:
    """Law 16."""
    there, here = fold_turn(turn), fold_turn(decode(ResponsesDecoder(), [encode_events(turn)]))
    assert here.failure is None
    assert [(call.name, call.arguments) for call in here.calls] == [(call.name, call.arguments) for call in there.calls]
    assert _words(here) == _words(there)


def _words(told: Told) -> tuple[object, ...]:
    message = told.message
    assert message is not None
    thinking = "".join(block.text for block in message.thinking_blocks)
    refusal = "".join(part.text for part in message.parts if isinstance(part, RefusalPart))
    # A block that began with an empty delta begins later here.
    return sorted(message.content), sorted(thinking), sorted(refusal)


@given(st.binary(max_size=40))
@example(b"[DONE]")
@example(b"{}")
@example(b'{"type":"response.output_text.delta","delta":7}')
@example(b'{"type":"response.completed","response":{"output":[null]}}')
def test_garbage_never_raises(garbage: bytes) -> None:
    """Law 15, outside of frames and inside."""
    assert isinstance(decode(ResponsesDecoder(), [garbage])[-1], TurnFailed)
    for name in (b"", b"event: response.output_text.delta\n", b"event: response.completed\n", b"event: strange\n"):
        events = decode(ResponsesDecoder(), [name + b"data: " + garbage + b"\n\n"])
        assert isinstance(events[-1], TurnFailed)
    assert isinstance(decode_whole(garbage)[-1], TurnFailed)


TYPES = st.sampled_from(
    "output_text.delta refusal.delta reasoning_text.delta reasoning_summary_text.delta function_call_arguments.delta "
    "function_call_arguments.done output_item.added output_item.done created queued completed incomplete failed".split()
)
ITEMS = st.sampled_from(("message", "reasoning", "function_call", "thing"))
SCALARS = st.none() | st.booleans() | st.integers(0, 2) | st.floats() | TEXTS
FIELDS = st.sampled_from(
    "id type call_id name arguments summary content text refusal annotations phase status output usage response item "
    "error incomplete_details reason".split()
)
SHAPED = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(FIELDS, inner, max_size=4))
LISTS = st.lists(st.fixed_dictionaries({}, optional={"text": TEXTS | SHAPED, "refusal": TEXTS}), max_size=2)
ITEM = st.fixed_dictionaries(
    {"type": ITEMS | SHAPED},
    optional={"id": TEXTS, "call_id": TEXTS, "name": TEXTS, "arguments": TEXTS | SHAPED, "content": LISTS},
)
EVENT = st.fixed_dictionaries(
    {"type": TYPES.map("response.{}".format)},
    optional={
        "output_index": st.integers(0, 1) | SHAPED,
        "item_id": TEXTS | SHAPED,
        "delta": TEXTS | SHAPED,
        "arguments": TEXTS | SHAPED,
        "item": ITEM | SHAPED,
        "response": st.fixed_dictionaries({}, optional={"output": st.lists(ITEM, max_size=2), "usage": SHAPED})
        | SHAPED,
    },
)


@given(st.lists(EVENT, max_size=5), SHAPED)
def test_events_of_any_form_never_raise(values: list[object], body: object) -> None:
    """Law 15: JSON that has the wire's names in the wrong places."""
    frames = [b"data: " + json.dumps(value).encode() + b"\n\n" for value in values]
    events = decode(ResponsesDecoder(), frames)
    assert isinstance(events[-1], TurnEnded | TurnFailed)
    assert not any(isinstance(event, TurnEnded | TurnFailed) for event in events[:-1])
    fold_turn(events)
    assert isinstance(decode_whole(json.dumps(body).encode())[-1], TurnEnded | TurnFailed)


def test_failures_as_this_wire_can_say_them() -> None:
    def failure(said: Failure) -> Failure | None:
        return fold_turn(decode(ResponsesDecoder(), [encode_events([TurnStarted(FAMILY), TurnFailed(said)])])).failure

    assert isinstance(failure(Truncated("cut")), Truncated)
    assert failure(ConnectionLost("lost")) == ProviderError("lost")
