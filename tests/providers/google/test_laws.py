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
from punk.core.json import JsonObject, dump_json, parse_object
from punk.core.messages import Finish
from punk.core.parts import RefusalPart, TextPart
from punk.core.provider_data import ProviderData
from punk.core.usage import Usage
from punk.providers.google.decode import GeminiDecoder, PayloadDecoder, decode_whole
from punk.providers.google.turn import REASONS
from punk.providers.google.wire import FAMILY
from punk.testing.strategies import turns as any_turns
from punk.testing.wires.gemini import WORDS, encode_events, encode_payloads
from tests.support.sse import cut
from tests.support.wire_cases import Told, decode, fold_turn

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6)
SIGNED: JsonObject = {"thoughtSignature": "s+/="}


def data(value: JsonObject) -> ProviderData:
    return ProviderData.of(FAMILY, value)


@st.composite
def turns(draw: st.DrawFn) -> tuple[ProviderEvent, ...]:
    """A turn in the order in which this wire says things."""
    events: list[ProviderEvent] = [TurnStarted(FAMILY, draw(st.none() | TEXTS), draw(TEXTS))]
    if draw(st.booleans()):
        reported = data({"promptTokenCount": 3, "candidatesTokenCount": 4, "thoughtsTokenCount": 2})
        events.append(UsageReported(Usage(3, 6, reasoning_tokens=2, reported=reported)))
    kinds = draw(st.lists(st.sampled_from(("text", "thinking", "call", "opaque", "signed", "proof")), max_size=6))
    last = ""
    for block, kind in enumerate([kind for kind, before in zip(kinds, ["", *kinds], strict=False) if kind != before]):
        pieces = draw(st.lists(TEXTS, min_size=1, max_size=3))
        # A run of thinking ends when something else begins.
        seal = [ThinkingSealed(block - 1)] if last == "thinking" else []
        events += seal
        last = kind
        match kind:
            case "text":
                events += [TextDelta(block, piece) for piece in pieces]
            case "thinking":
                events += [ThinkingDelta(block, piece) for piece in pieces]
            case "signed":
                events += [TextDelta(block, piece) for piece in pieces[:1] if draw(st.booleans())]
                events.append(TextAnnotated(block, data(SIGNED)))
            case "proof":
                events += [ThinkingDelta(block, piece) for piece in pieces[:1] if draw(st.booleans())]
                events.append(ThinkingSealed(block, "s+/=", draw(st.none() | st.just(data({"partMetadata": {}})))))
            case "call":
                id_ = draw(st.none() | st.just(f"id-{block}"))
                beside = {**({"id": id_} if id_ else {}), **(SIGNED if draw(st.booleans()) else {})}
                events.append(CallStarted(block, id_, draw(TEXTS)))
                if draw(st.booleans()):
                    events.append(CallDelta(block, dump_json({"x": pieces[0]})))
                events.append(CallEnded(block, None, data(beside) if beside else None))
            case _:
                kept, replayable = draw(
                    st.sampled_from(((data({**SIGNED, "thing": {"x": 1}}), True), (data({"thing": 1}), True)))
                )
                events += [OpaqueStarted(block, "thing"), OpaqueEnded(block, kept, replayable)]
    if draw(st.booleans()):
        return (*events, TurnFailed(ProviderError(draw(TEXTS), draw(st.none() | TEXTS))))
    if last == "thinking":
        events.append(ThinkingSealed(max(e.block for e in events if isinstance(e, ThinkingDelta))))
    raw = draw(st.sampled_from((*REASONS, "strange")))
    return (*events, TurnEnded(Finish(REASONS.get(raw, "other"), raw, draw(st.none() | TEXTS))))


@given(turns(), st.lists(st.integers(0, 5000), max_size=12))
def test_what_is_encoded_is_decoded_again_however_it_is_cut(turn: tuple[ProviderEvent, ...], places: list[int]) -> None:
    """Laws 12 and 13."""
    assert decode(GeminiDecoder(), cut(encode_events(turn), places)) == turn
    assert decode(PayloadDecoder(), encode_payloads(turn)) == turn


@given(turns(), st.lists(st.integers(0, 5000), max_size=12), st.sampled_from((b"\n", b",\n ", b"\r\n\r\n")))
def test_documents_outside_of_events_say_the_same(
    turn: tuple[ProviderEvent, ...], places: list[int], between: bytes
) -> None:
    pretty = [json.dumps(json.loads(payload), indent=2).encode() for payload in encode_payloads(turn)]
    body = b"[" + between.join(pretty) + b"]" if between.startswith(b",") else between.join(pretty)
    assert decode(GeminiDecoder(), cut(body, places)) == turn
    mixed = [
        b"data: %s\r\n\r\n" % p if i % 2 else j + b"\n"
        for i, (p, j) in enumerate(zip(encode_payloads(turn), pretty, strict=True))
    ]
    assert decode(GeminiDecoder(), cut(b"".join(mixed), places)) == turn


@given(turns(), st.integers(0, 10_000))
def test_a_stream_cut_anywhere_says_a_prefix_and_then_fails(turn: tuple[ProviderEvent, ...], place: int) -> None:
    """Law 14. The earliest terminal of this wire is a finish reason at the end of the bytes."""
    body = encode_events(turn)
    reason = body.find(b'"finishReason":"')
    events = decode(GeminiDecoder(), [body[: place % len(body)]])
    last = events[-1]
    if 0 <= reason < place % len(body):
        assert isinstance(last, TurnEnded | TurnFailed)
        return
    assert isinstance(last, TurnFailed)
    if events == turn:
        return  # the last blank line of an error was cut off
    assert isinstance(last.failure, Truncated)
    assert events[:-1] == turn[: len(events) - 1]
    assert fold_turn(events).failure == last.failure


@given(any_turns(calls=2, finish=st.sampled_from([Finish(reason) for reason in WORDS])))
def test_a_turn_of_any_wire_keeps_what_this_one_can_say(turn: tuple[ProviderEvent, ...]) -> None:
    """Law 16: what is said and what is called, though not which blocks it was said in."""
    there, here = fold_turn(turn), fold_turn(decode(GeminiDecoder(), [encode_events(turn)]))
    assert here.failure is None
    assert _calls(here) == _calls(there)
    assert _letters(here) == _letters(there)


def _calls(told: Told) -> Counter[tuple[str, str]]:
    known = [(call.name, parse_object(call.arguments).value_or(None)) for call in told.calls]
    return Counter((name, dump_json(arguments or {})) for name, arguments in known)


def _letters(told: Told) -> tuple[Counter[str], Counter[str]]:
    assert told.message is not None
    # A refusal's words are text here.
    text = "".join(part.text for part in told.message.parts if isinstance(part, TextPart | RefusalPart))
    return Counter(text), Counter("".join(block.text for block in told.message.thinking_blocks))


@given(st.binary(max_size=40), st.lists(st.integers(0, 40), max_size=4))
@example(b"{}", [])
@example(b"\xef\xbb\xbf{", [1])
@example(b'\n{"a":"}"}\n{', [5])
@example(b'data: {"candidates":[{"content":{"parts":[null]}}]}\n\n', [])
def test_garbage_never_raises(garbage: bytes, places: list[int]) -> None:
    """Law 15, outside of frames and inside."""
    for body in (
        garbage,
        b"data: " + garbage + b"\n\n",
        b"data: {}\n\n{" + garbage,
        b"\n[" + garbage + b"\n",
        b"data: {}\n[" + garbage + b"\n",
        b"data: {\n{}\n" + garbage,
        b"data: " + garbage + b"\n<" + garbage,
    ):
        events = decode(GeminiDecoder(), [body])
        assert isinstance(events[-1], TurnFailed)
        assert decode(GeminiDecoder(), cut(body, places)) == events
    assert isinstance(decode_whole(garbage)[-1], TurnFailed)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.sampled_from(("$.a", "$.a[0]", "$.a.b", "$")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    "candidates content parts text thought thoughtSignature functionCall name args partialArgs willContinue jsonPath "
    "id stringValue numberValue boolValue nullValue finishReason finishMessage groundingMetadata usageMetadata error "
    "index promptFeedback blockReason modelVersion responseId continuationToken executableCode details".split()
)
SHAPED = st.recursive(JSON, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(FIELDS, inner, max_size=4))
PARTS = st.lists(st.dictionaries(FIELDS, SHAPED, max_size=3), max_size=3)


@given(st.lists(SHAPED | PARTS.map(lambda parts: {"candidates": [{"content": {"parts": parts}}]}), max_size=4))
def test_chunks_of_any_form_never_raise(values: list[object]) -> None:
    """Law 15: JSON that has the wire's names in the wrong places."""
    payloads = [json.dumps(value).encode() for value in values]
    events = decode(PayloadDecoder(), payloads)
    assert isinstance(events[-1], TurnEnded | TurnFailed)
    assert not any(isinstance(event, TurnEnded | TurnFailed) for event in events[:-1])
    fold_turn(events)
    for payload in payloads:
        assert isinstance(decode_whole(payload)[-1], TurnEnded | TurnFailed)


def test_calls_and_pauses_as_this_wire_can_say_them() -> None:
    paused = (
        TurnStarted(FAMILY, "m", "r"),
        OpaqueStarted(0, "continuationToken"),
        OpaqueEnded(0, data({"continuationToken": "t"})),
        TurnEnded(Finish("pause", "CONTINUATION")),
    )
    assert decode(GeminiDecoder(), [encode_events(paused)]) == paused
    for arguments in ("[1]", '{"x":'):
        call = (TurnStarted(FAMILY), CallStarted(0, "i", "f"), CallDelta(0, arguments), CallEnded(0))
        told = decode(GeminiDecoder(), [encode_events((*call, TurnEnded(Finish("stop"))))])
        assert told[1:] == (CallStarted(0, "i", "f"), TurnEnded(Finish("stop", "STOP")))


def test_failures_as_this_wire_can_say_them() -> None:
    def failure(said: Failure) -> Failure | None:
        return fold_turn(decode(GeminiDecoder(), [encode_events([TurnStarted(FAMILY), TurnFailed(said)])])).failure

    assert isinstance(failure(Truncated("cut")), Truncated)
    assert failure(ConnectionLost("lost")) == ProviderError("lost")
    assert failure(Malformed("odd")) == ProviderError("odd")
