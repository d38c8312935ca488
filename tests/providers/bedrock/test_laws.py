"""The laws of the Converse decoder: cuts and garbage change nothing but what they must; what is encoded is decoded."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

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
from punk.core.failures import ProviderError, Truncated
from punk.core.json import JsonObject, JsonValue, dump_json
from punk.core.messages import Finish
from punk.core.provider_data import ProviderData
from punk.core.state import Completed
from punk.providers.bedrock.decode import REASONS, ConverseDecoder
from punk.providers.bedrock.usage import usage_of
from punk.providers.bedrock.whole import decode_whole
from punk.providers.bedrock.wire import FAMILY
from punk.testing.strategies import json_objects, json_values, texts
from punk.testing.strategies.turns import cut as cut_text
from punk.testing.strategies.turns import interleaved
from punk.testing.wires.bedrock_converse import encode_event, encode_events
from tests.providers.bedrock.answers import (
    arguments,
    decoded,
    delta,
    ending,
    message,
    metadata,
    raw,
    redacted,
    signature,
    start,
    stop,
    text,
    thinking,
)
from tests.support.sse import cut
from tests.support.wire_cases import decode, fold_turn

Block = list[ProviderEvent]
WORDS = texts(min_size=1)
EVENTS = ("messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata")


def data(value: JsonValue) -> ProviderData:
    return ProviderData.of(FAMILY, value)


@st.composite
def text_blocks(draw: st.DrawFn) -> Block:
    block: Block = [TextDelta(0, piece) for piece in draw(st.lists(WORDS, min_size=1, max_size=3))]
    cited = draw(st.lists(json_values().filter(lambda value: value is not None), max_size=2))
    return [*block, TextAnnotated(0, data({"citations": cited}))] if cited else block


@st.composite
def thinking_blocks(draw: st.DrawFn) -> Block:
    block: Block = [ThinkingDelta(0, piece) for piece in draw(st.lists(WORDS, max_size=3))]
    return [*block, ThinkingSealed(0, draw(st.none() | WORDS if block else WORDS))]


@st.composite
def redacted_blocks(draw: st.DrawFn) -> Block:
    sealed = b64encode(draw(st.binary(min_size=1, max_size=9))).decode()
    return [ThinkingSealed(0, provider_data=data({"reasoningContent": {"redactedContent": sealed}}))]


@st.composite
def calls(draw: st.DrawFn) -> Block:
    pieces = cut_text(dump_json(draw(json_objects())), draw(st.lists(st.integers(0, 40), max_size=2)))
    started = CallStarted(0, draw(st.none() | WORDS), draw(texts()))
    return [started, *(CallDelta(0, piece) for piece in pieces if piece), CallEnded(0)]


@st.composite
def opaque_blocks(draw: st.DrawFn) -> Block:
    kind = draw(st.sampled_from(("toolUse", "toolResult", "thing")))
    match kind:
        case "toolUse":
            whole: JsonObject = {"toolUseId": draw(texts()), "type": "server_tool_use", "input": draw(json_objects())}
        case "toolResult":
            whole = {"toolUseId": draw(texts()), "content": [*draw(st.lists(json_objects(), max_size=2))]}
        case _:
            deltas: JsonValue = [{"newer": draw(json_objects())}]
            kept = data({"start": {kind: draw(json_objects())}, "deltas": deltas})
            return [OpaqueStarted(0, kind), OpaqueEnded(0, kept, replayable=False)]
    return [OpaqueStarted(0, kind), OpaqueEnded(0, data({kind: whole}))]


@st.composite
def turns(draw: st.DrawFn) -> tuple[ProviderEvent, ...]:
    """A turn that this wire can say whole, its blocks interleaved."""
    kinds = st.one_of(text_blocks(), thinking_blocks(), redacted_blocks(), calls(), opaque_blocks())
    blocks = draw(st.lists(kinds, max_size=4))
    slots = [index for index, block in enumerate(blocks) for _ in block]
    said: list[ProviderEvent] = [TurnStarted(FAMILY), *interleaved(blocks, draw(st.permutations(slots)))]
    if draw(st.booleans()):
        raw_usage: JsonObject = {"inputTokens": draw(st.integers(0, 9)), "cacheReadInputTokens": 3}
        said.insert(draw(st.integers(1, len(said))), UsageReported(usage_of(raw_usage)))
    if draw(st.booleans()):
        error_type = draw(st.sampled_from((None, "throttlingException", "modelStreamErrorException")))
        return (*said, TurnFailed(ProviderError(draw(WORDS), error_type)))
    word = draw(st.sampled_from((*REASONS, "strange")))
    return (*said, TurnEnded(Finish(REASONS.get(word, "other"), word, draw(st.none() | WORDS))))


@given(turns(), st.lists(st.integers(0, 5000), max_size=12))
def test_what_is_encoded_is_decoded_again_however_it_is_cut(turn: tuple[ProviderEvent, ...], places: list[int]) -> None:
    """Laws 12 and 13."""
    assert decode(ConverseDecoder(), cut(encode_events(turn), places)) == turn


@given(turns(), st.integers(0, 10_000))
def test_a_stream_cut_before_its_terminal_says_a_prefix_and_then_fails(
    turn: tuple[ProviderEvent, ...], place: int
) -> None:
    """Law 14. The terminal is messageStop, not the bill after it; blocks not yet closed are no part of the prefix."""
    body = encode_events(turn)
    end = body.find(b"messageStop") if isinstance(turn[-1], TurnEnded) else len(body)
    *before, last = decoded(body[: place % end])
    assert tuple(before) == turn[: len(before)]
    assert isinstance(last, TurnFailed)
    assert isinstance(last.failure, Truncated)
    assert not isinstance(fold_turn([*before, last]).state, Completed)


@given(st.sampled_from(EVENTS), st.binary(max_size=40))
@example("contentBlockDelta", b'{"contentBlockIndex":0,"delta":{"image":[]}}')
@example("contentBlockStart", b'{"contentBlockIndex":0,"start":{"toolUse":[]}}')
@example("contentBlockStart", b'{"contentBlockIndex":99999999999999999999999,"start":{"x":1}}')
@example("metadata", b'{"usage":{"inputTokens":1e999}}')
@example("messageStop", b'{"stopReason":[]}')
def test_garbage_never_raises(name: str, garbage: bytes) -> None:
    """Law 15, outside of messages and inside."""
    assert isinstance(decoded(garbage)[-1], TurnFailed)
    said = decoded(message(), raw(name, garbage))
    assert sum(isinstance(event, TurnEnded | TurnFailed) for event in said) == 1
    assert isinstance(decode_whole(garbage)[-1], TurnFailed)


@given(st.lists(st.tuples(st.sampled_from(EVENTS), json_objects()), max_size=4))
def test_documents_of_any_kind_never_raise(documents: list[tuple[str, JsonObject]]) -> None:
    """Law 15, beyond what is no JSON."""
    said = decoded(*(encode_event(name, fields) for name, fields in documents))
    assert sum(isinstance(event, TurnEnded | TurnFailed) for event in said) == 1


PIECES = (
    message(),
    start(0, toolUse={"toolUseId": "a", "name": "f"}),
    start(0, toolUse={"toolUseId": "a", "name": "f", "type": "server_tool_use"}),
    start(1, thing={}),
    text(0, "a"),
    text(1, "b"),
    thinking(0, "c"),
    signature(1, "s"),
    redacted(0, "AA=="),
    arguments(0, "{}"),
    delta(0, citation={}),
    delta(1, thing={}),
    stop(0),
    stop(1),
    metadata(),
    ending(),
)


@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_in_any_order_the_core_finds_no_fault_that_the_decoder_did_not(pieces: Sequence[bytes]) -> None:
    """Numbers come in order, and no event is out of place: what the core would blame on us is never said."""
    said = decoded(*pieces)
    assert sum(isinstance(event, TurnEnded | TurnFailed) for event in said) == 1
    told = fold_turn(said)
    assert told.failure == (said[-1].failure if isinstance(said[-1], TurnFailed) else None)


@given(turns(), st.integers(0, 5000), st.binary(max_size=30))
def test_an_old_decoder_stays_usable(turn: tuple[ProviderEvent, ...], place: int, other: bytes) -> None:
    body = encode_events(turn)
    decoder, before = ConverseDecoder().feed(body[: place % len(body)])
    decoder.feed(other)  # another future of the same past
    decoder, after = decoder.feed(body[place % len(body) :])
    assert (*before, *after, *decoder.end()) == turn
