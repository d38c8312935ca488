"""The laws of the Messages decoder: cuts and garbage change nothing but what they must; what is encoded is decoded."""

from __future__ import annotations

from collections.abc import Sequence

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
from punk.providers.anthropic.decode import REASONS, AnthropicDecoder, decode_whole
from punk.providers.anthropic.usage import usage_of
from punk.providers.anthropic.wire import FAMILY
from punk.testing.strategies import json_objects, json_values, texts
from punk.testing.strategies.turns import cut as cut_text
from punk.testing.strategies.turns import interleaved
from punk.testing.wires.anthropic import encode_events
from tests.providers.anthropic.answers import decoded, ending, event, raw, start, stop, text
from tests.support.sse import cut
from tests.support.wire_cases import decode, fold_turn

Block = list[ProviderEvent]
WORDS = texts(min_size=1)
EVENTS = ("message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "error")


def data(value: JsonValue) -> ProviderData:
    return ProviderData.of(FAMILY, value)


@st.composite
def text_blocks(draw: st.DrawFn) -> Block:
    block: Block = [TextDelta(0, piece) for piece in draw(st.lists(WORDS, min_size=1, max_size=3))]
    cited = draw(st.lists(json_values(), max_size=2))
    return [*block, TextAnnotated(0, data({"citations": cited}))] if cited else block


@st.composite
def thinking_blocks(draw: st.DrawFn) -> Block:
    block: Block = [ThinkingDelta(0, piece) for piece in draw(st.lists(WORDS, max_size=3))]
    return [*block, ThinkingSealed(0, draw(st.none() | WORDS if block else WORDS))]


@st.composite
def redacted_blocks(draw: st.DrawFn) -> Block:
    return [ThinkingSealed(0, provider_data=data({"type": "redacted_thinking", "data": draw(texts())}))]


@st.composite
def calls(draw: st.DrawFn) -> Block:
    pieces = cut_text(dump_json(draw(json_objects())), draw(st.lists(st.integers(0, 40), max_size=2)))
    more = draw(st.none() | st.just(data({"caller": {"type": "code_execution"}})))
    started = CallStarted(0, draw(st.none() | WORDS), draw(texts()))
    return [started, *(CallDelta(0, piece) for piece in pieces if piece), CallEnded(0, provider_data=more)]


@st.composite
def opaque_blocks(draw: st.DrawFn) -> Block:
    kind = draw(st.sampled_from(("server_tool_use", "compaction", "thing")))
    block: JsonObject = {**draw(json_objects()), "type": kind}
    if draw(st.booleans()):
        return [OpaqueStarted(0, kind), OpaqueEnded(0, data(block))]
    deltas: JsonValue = [{**draw(json_objects()), "type": "new_delta"}]
    return [OpaqueStarted(0, kind), OpaqueEnded(0, data({"block": block, "deltas": deltas}), replayable=False)]


@st.composite
def turns(draw: st.DrawFn) -> tuple[ProviderEvent, ...]:
    """A turn that this wire can say whole, its blocks interleaved."""
    kinds = st.one_of(text_blocks(), thinking_blocks(), redacted_blocks(), calls(), opaque_blocks())
    blocks = draw(st.lists(kinds, max_size=4))
    slots = [index for index, block in enumerate(blocks) for _ in block]
    said: list[ProviderEvent] = [TurnStarted(FAMILY, draw(st.none() | texts()), draw(st.none() | texts()))]
    said.extend(interleaved(blocks, draw(st.permutations(slots))))
    if draw(st.booleans()):
        raw_usage: JsonObject = {"input_tokens": draw(st.integers(0, 9)), "cache_read_input_tokens": 3}
        said.insert(draw(st.integers(1, len(said))), UsageReported(usage_of(raw_usage)))
    if draw(st.booleans()):
        said.insert(draw(st.integers(0, len(said))), Heartbeat())
    if draw(st.booleans()):
        return (*said, TurnFailed(ProviderError(draw(WORDS), draw(st.none() | WORDS))))
    word = draw(st.sampled_from((*REASONS, "strange")))
    return (*said, TurnEnded(Finish(REASONS.get(word, "other"), word, draw(st.none() | WORDS))))


@given(turns(), st.lists(st.integers(0, 5000), max_size=12))
def test_what_is_encoded_is_decoded_again_however_it_is_cut(turn: tuple[ProviderEvent, ...], places: list[int]) -> None:
    """Laws 12 and 13."""
    assert decode(AnthropicDecoder(), cut(encode_events(turn), places)) == turn


@given(turns(), st.integers(0, 10_000))
def test_a_stream_cut_before_its_terminal_says_a_prefix_and_then_fails(
    turn: tuple[ProviderEvent, ...], place: int
) -> None:
    """Law 14. The terminal counts once its JSON is whole; citations not yet closed are no part of the prefix."""
    body = encode_events(turn)
    # The last line is the terminal's data, and the brace its end.
    *before, last = decoded(body[: place % body.rindex(b"}")])
    assert tuple(before) == turn[: len(before)]
    assert isinstance(last, TurnFailed)
    assert isinstance(last.failure, Truncated)
    assert not isinstance(fold_turn([*before, last]).state, Completed)


@given(st.sampled_from(EVENTS), st.binary(max_size=40))
@example("content_block_delta", b'{"index":0,"delta":{"type":{}}}')
@example("content_block_start", b'{"index":0,"content_block":{"type":[]}}')
@example("content_block_start", b'{"index":99999999999999999999999,"content_block":{"type":"text"}}')
@example("message_start", b'{"message":{"usage":{"input_tokens":1e999}}}')
@example("error", b'{"error":{"message":[]}}')
def test_garbage_never_raises(name: str, garbage: bytes) -> None:
    """Law 15, outside of frames and inside."""
    assert isinstance(decoded(garbage)[-1], TurnFailed)
    assert isinstance(decoded(raw(name, garbage))[-1], TurnFailed)
    assert isinstance(decode_whole(garbage)[-1], TurnFailed)


@given(st.lists(st.tuples(st.sampled_from(EVENTS), json_objects()), max_size=4))
def test_documents_of_any_kind_never_raise(documents: list[tuple[str, JsonObject]]) -> None:
    """Law 15, beyond what is no JSON."""
    said = decoded(*(event(name, **{k: v for k, v in fields.items() if k != "name"}) for name, fields in documents))
    assert isinstance(said[-1], TurnFailed)


BLOCK_EVENTS = (
    start(0, "text"),
    start(0, "thinking"),
    start(0, "tool_use", id="a", name="f"),
    start(0, "thing"),
    start(1, "redacted_thinking", data="x"),
    text(0, "a"),
    text(1, "b"),
    event("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": "{}"}),
    event("content_block_delta", index=0, delta={"type": "citations_delta", "citation": {}}),
    event("content_block_delta", index=1, delta={"type": "signature_delta", "signature": "s"}),
    stop(0),
    stop(1),
    event("message_start", message={}),
    ending(),
)


@given(st.lists(st.sampled_from(BLOCK_EVENTS), max_size=12))
def test_in_any_order_the_core_finds_no_fault_that_the_decoder_did_not(pieces: Sequence[bytes]) -> None:
    """Numbers come in order, and no event is out of place: what the core would blame on us is never said."""
    said = decoded(*pieces)
    assert sum(isinstance(event, TurnEnded | TurnFailed) for event in said) == 1
    told = fold_turn(said)
    assert told.failure == (said[-1].failure if isinstance(said[-1], TurnFailed) else None)
