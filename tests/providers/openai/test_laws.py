"""The laws of a decoder: cuts and garbage change nothing but what they must, and what is encoded is decoded again."""

from __future__ import annotations

import json
from collections import Counter

from hypothesis import example, given
from hypothesis import strategies as st

from punk.core.events import (
    CallDelta,
    CallEnded,
    CallStarted,
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
from punk.core.messages import Finish
from punk.core.provider_data import ProviderData
from punk.core.usage import Usage
from punk.providers.openai.chat.decode import ChatDecoder, PayloadDecoder, decode_whole
from punk.providers.openai.chat.settings import FAMILY
from punk.providers.openai.chat.turn import REASONS
from punk.testing.strategies import turns as any_turns
from punk.testing.wires.openai_chat import WORDS, encode_events, encode_payloads
from tests.support.sse import cut
from tests.support.wire_cases import Told, decode, fold_turn

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6)
NOTES = st.sampled_from(
    (
        None,
        ProviderData.of(FAMILY, {"channel": "reasoning"}),
        ProviderData.of(FAMILY, {"channel": "content"}),
        ProviderData.of(FAMILY, {"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}),
    )
)


@st.composite
def turns(draw: st.DrawFn) -> tuple[ProviderEvent, ...]:
    """A turn in the order in which this wire says things."""
    events: list[ProviderEvent] = [TurnStarted(FAMILY, draw(st.none() | TEXTS), draw(TEXTS))]
    if draw(st.booleans()):
        reported = ProviderData.of(FAMILY, {"prompt_tokens": 3, "completion_tokens": 4})
        events.append(UsageReported(Usage(3, 4, reported=reported)))
    calls: list[int] = []
    text: int | None = None
    refused = False
    block = 0
    kinds = draw(st.lists(st.sampled_from(("text", "thinking", "call", "refusal", "opaque")), max_size=6))
    last = ""
    for kind in kinds:
        if (kind == last and kind in ("text", "thinking")) or (kind == "refusal" and refused):
            continue
        last = kind
        pieces = draw(st.lists(TEXTS, min_size=1, max_size=3))
        match kind:
            case "text":
                text = block
                events += [TextDelta(block, piece) for piece in pieces]
            case "thinking":
                events += [ThinkingDelta(block, piece) for piece in pieces]
                events.append(ThinkingSealed(block, provider_data=draw(NOTES)))
            case "call":
                calls.append(block)
                events.append(CallStarted(block, draw(st.none() | st.just(f"id-{block}")), draw(TEXTS)))
                events += [CallDelta(draw(st.sampled_from(calls)), piece) for piece in pieces]
            case "refusal":
                refused = True
                events += [RefusalDelta(block, piece) for piece in pieces]
            case _:
                data = ProviderData.of(FAMILY, {"type": "thing", "x": pieces[0]})
                events += [OpaqueStarted(block, "thing"), OpaqueEnded(block, data, draw(st.booleans()))]
        block += 1
    if draw(st.booleans()):
        if isinstance(events[-1], ThinkingSealed):
            events.pop()
        return (*events, TurnFailed(ProviderError(draw(TEXTS), draw(st.none() | TEXTS))))
    if text is not None and draw(st.booleans()):
        events.append(TextAnnotated(text, ProviderData.of(FAMILY, {"annotations": [{"type": "url_citation"}]})))
    events += [CallEnded(call) for call in calls]
    raw = draw(st.sampled_from((*REASONS, "strange")))
    return (*events, TurnEnded(Finish("refusal" if refused else REASONS.get(raw, "other"), raw)))


@given(turns(), st.lists(st.integers(0, 5000), max_size=12))
def test_what_is_encoded_is_decoded_again_however_it_is_cut(turn: tuple[ProviderEvent, ...], places: list[int]) -> None:
    """Laws 12 and 13."""
    assert decode(ChatDecoder(), cut(encode_events(turn), places)) == turn
    assert decode(PayloadDecoder(), encode_payloads(turn)) == turn


@given(turns(), st.integers(0, 10_000))
def test_a_stream_cut_anywhere_says_a_prefix_and_then_fails(turn: tuple[ProviderEvent, ...], place: int) -> None:
    """Law 14. The earliest terminal of this wire is a finish reason at the end of the bytes."""
    body = encode_events(turn)
    reason = body.find(b'"finish_reason":"')
    events = decode(ChatDecoder(), [body[: place % len(body)]])
    last = events[-1]
    if 0 <= reason < place % len(body):
        assert isinstance(last, TurnEnded | TurnFailed)
        return
    if events == turn:
        # The last blank line of an error was cut off.
        assert isinstance(last, TurnFailed)
        return
    assert isinstance(last, TurnFailed)
    assert isinstance(last.failure, Truncated | Malformed)
    assert events[:-1] == turn[: len(events) - 1]
    told = fold_turn(events)
    assert told.failure == last.failure


@given(any_turns(calls=2, finish=st.sampled_from([Finish(reason) for reason in WORDS])))
def test_a_turn_of_any_wire_keeps_what_this_one_can_say(turn: tuple[ProviderEvent, ...]) -> None:
    """Law 16: what is said and what is called, though not which blocks it was said in."""
    there, here = fold_turn(turn), fold_turn(decode(ChatDecoder(), [encode_events(turn)]))
    assert here.failure is None
    assert [(call.name, call.arguments) for call in here.calls] == [(call.name, call.arguments) for call in there.calls]
    assert _letters(here) == _letters(there)


def _letters(told: Told) -> tuple[Counter[str], Counter[str]]:
    assert told.message is not None
    return Counter(told.message.content), Counter("".join(block.text for block in told.message.thinking_blocks))


@given(st.binary(max_size=40))
@example(b"[DONE")
@example(b"{}")
@example(b'{"choices":[{"delta":{"tool_calls":[null]}}]}')
def test_garbage_never_raises(garbage: bytes) -> None:
    """Law 15, outside of frames and inside."""
    assert isinstance(decode(ChatDecoder(), [garbage])[-1], TurnFailed)
    events = decode(ChatDecoder(), [b"data: " + garbage + b"\n\n"])
    assert isinstance(events[-1], TurnFailed)
    assert isinstance(decode_whole(garbage)[-1], TurnFailed)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    "id model object choices usage error index delta message finish_reason content reasoning reasoning_content refusal "
    "reasoning_details tool_calls function function_call name arguments annotations images type text thinking".split()
)
SHAPED = st.recursive(JSON, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(FIELDS, inner, max_size=4))


@given(st.lists(SHAPED, max_size=4))
def test_chunks_of_any_form_never_raise(values: list[object]) -> None:
    """Law 15: JSON that has the wire's names in the wrong places."""
    payloads = [json.dumps(value).encode() for value in values]
    events = decode(PayloadDecoder(), payloads)
    assert isinstance(events[-1], TurnEnded | TurnFailed)
    assert not any(isinstance(event, TurnEnded | TurnFailed) for event in events[:-1])
    fold_turn(events)
    for payload in payloads:
        assert isinstance(decode_whole(payload)[-1], TurnEnded | TurnFailed)


def test_failures_as_this_wire_can_say_them() -> None:
    def failure(said: Failure) -> Failure | None:
        return fold_turn(decode(ChatDecoder(), [encode_events([TurnStarted(FAMILY), TurnFailed(said)])])).failure

    assert isinstance(failure(Truncated("cut")), Truncated)
    assert failure(ConnectionLost("lost")) == ProviderError("lost")
