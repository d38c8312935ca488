"""What the decoder makes of each event of the wire, in any order it may come."""

from __future__ import annotations

import pytest

from punk.core.events import (
    CallDelta,
    CallEnded,
    CallStarted,
    Heartbeat,
    OpaqueEnded,
    OpaqueStarted,
    TextAnnotated,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TurnEnded,
    TurnFailed,
    TurnStarted,
    UsageReported,
)
from punk.core.failures import Malformed, ProtocolViolation, ProviderError, Truncated
from punk.core.json import JsonValue, dump_json
from punk.core.messages import Finish, FinishReason
from punk.core.provider_data import ProviderData
from punk.core.usage import Usage
from punk.providers.anthropic.decode import AnthropicDecoder, decode_whole
from punk.wire.body import EventStreamBody
from punk.wire.sse import SseDecoder
from tests.providers.anthropic.answers import (
    arguments,
    decoded,
    delta,
    ending,
    event,
    message,
    raw,
    signature,
    start,
    stop,
    text,
    thinking,
)
from tests.support.wire_cases import decode

STARTED = TurnStarted("anthropic", "claude-sonnet-4-6", "msg_1")
ENDED = TurnEnded(Finish("stop", "end_turn"))


def data(value: JsonValue) -> ProviderData:
    return ProviderData.of("anthropic", value)


def test_text_comes_in_deltas_and_nothing_marks_its_end() -> None:
    said = decoded(message(), start(0, "text", text=""), text(0, "Hel"), text(0, ""), text(0, "lo"), stop(0), ending())
    assert said == (STARTED, TextDelta(0, "Hel"), TextDelta(0, "lo"), ENDED)


def test_an_old_decoder_stays_usable() -> None:
    before, _ = AnthropicDecoder().feed(message() + start(0, "text"))
    for word in ("a", "b"):
        assert before.feed(text(0, word))[1] == (TextDelta(0, word),)


def test_blocks_are_numbered_as_they_first_speak_and_may_overlap() -> None:
    said = decoded(
        start(3, "thinking"),
        thinking(3, "hm"),
        start(7, "text"),
        text(7, "a"),
        thinking(3, "m"),
        signature(3, ""),
        text(7, "b"),
        stop(3),
        stop(7),
        ending(),
    )
    assert said == (
        ThinkingDelta(0, "hm"),
        TextDelta(1, "a"),
        ThinkingDelta(0, "m"),
        TextDelta(1, "b"),
        ThinkingSealed(0),
        ENDED,
    )


def test_an_index_may_be_used_again_once_its_block_is_closed() -> None:
    said = decoded(start(0, "text"), text(0, "a"), stop(0), start(0, "text"), text(0, "b"), stop(0), ending())
    assert said == (TextDelta(0, "a"), TextDelta(1, "b"), ENDED)


def test_a_block_without_a_character_takes_no_number() -> None:
    said = decoded(start(0, "text"), stop(0), start(1, "thinking"), stop(1), start(2, "text", text="a"), ending())
    assert said == (TextDelta(0, "a"), ENDED)


def test_the_last_signature_of_a_block_counts() -> None:
    said = decoded(start(0, "thinking"), signature(0, "ab"), signature(0, "c"), stop(0), ending())
    assert said == (ThinkingSealed(0, "c"), ENDED)


def test_a_late_empty_signature_is_none() -> None:
    said = decoded(start(0, "thinking"), thinking(0, "hm"), stop(0), signature(0, ""), start(0, "text"), ending())
    assert said == (ThinkingDelta(0, "hm"), ThinkingSealed(0), ENDED)


def test_a_signature_in_deltas_wins_over_that_of_the_start() -> None:
    said = decoded(start(0, "thinking", signature="early"), signature(0, "late"), stop(0), ending())
    assert said == (ThinkingSealed(0, "late"), ENDED)


def test_a_block_may_be_whole_at_its_start() -> None:
    said = decoded(start(0, "thinking", thinking="hm", signature="s"), stop(0), start(1, "text", text="a"), ending())
    assert said == (ThinkingDelta(0, "hm"), ThinkingSealed(0, "s"), TextDelta(1, "a"), ENDED)


def test_redacted_thinking_keeps_its_payload() -> None:
    said = decoded(start(0, "redacted_thinking", data="x"), stop(0), ending())
    assert said == (ThinkingSealed(0, provider_data=data({"type": "redacted_thinking", "data": "x"})), ENDED)


def test_parallel_calls_are_kept_apart_by_index() -> None:
    said = decoded(
        start(0, "tool_use", id="a", name="f", input={}),
        start(1, "tool_use", id="b", name="g"),
        arguments(0, ""),
        arguments(1, '{"y"'),
        arguments(0, '{"x":1}'),
        arguments(1, ":2}"),
        stop(0),
        stop(1),
        ending("tool_use"),
    )
    assert said == (
        CallStarted(0, "a", "f"),
        CallStarted(1, "b", "g"),
        CallDelta(1, '{"y"'),
        CallDelta(0, '{"x":1}'),
        CallDelta(1, ":2}"),
        CallEnded(0),
        CallEnded(1),
        TurnEnded(Finish("tool_use", "tool_use")),
    )


def test_arguments_that_the_start_states_count_where_no_deltas_come() -> None:
    stated = start(0, "tool_use", id="a", name="f", input={"x": 1})
    assert decoded(stated, stop(0), ending())[1] == CallEnded(0, '{"x":1}')
    assert decoded(stated, arguments(0, "{}"), stop(0), ending())[2] == CallEnded(0)


def test_what_else_is_said_of_a_call_is_kept_but_for_the_rule() -> None:
    caller: JsonValue = {"type": "code_execution", "tool_id": "s"}
    assert decoded(start(0, "tool_use", id="a", name="f", caller=caller), stop(0), ending())[1] == CallEnded(
        0, provider_data=data({"caller": caller})
    )
    direct = start(0, "tool_use", id="a", name="f", caller={"type": "direct"}, toolset_name=None)
    assert decoded(direct, stop(0), ending())[1] == CallEnded(0)


def test_a_call_without_a_name_or_an_id_still_starts() -> None:
    assert decoded(start(0, "tool_use", id=None), stop(0), ending())[0] == CallStarted(0, None, "")


def test_what_is_open_at_the_end_is_closed_but_for_calls() -> None:
    said = decoded(
        start(0, "thinking"), signature(0, "s"), start(1, "tool_use", id="a", name="f"), start(2, "search"), ending()
    )
    assert said == (
        CallStarted(0, "a", "f"),
        OpaqueStarted(1, "search"),
        ThinkingSealed(2, "s"),
        OpaqueEnded(1, data({"type": "search"})),
        ENDED,
    )


def test_citations_are_gathered() -> None:
    cite = [delta(0, "citations_delta", citation={"n": n}) for n in (2, 3)]
    said = decoded(start(0, "text", citations=[{"n": 1}]), cite[0], text(0, "a"), cite[1], stop(0), ending())
    assert said == (TextDelta(0, "a"), TextAnnotated(0, data({"citations": [{"n": 1}, {"n": 2}, {"n": 3}]})), ENDED)
    assert decoded(cite[0], ending()) == (TextAnnotated(0, data({"citations": [{"n": 2}]})), ENDED)


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        ([], {"input": {}}),
        ([""], {"input": {}}),
        (['{"q', '":1}'], {"input": {"q": 1}}),
    ],
)
def test_a_server_tools_input_is_put_together(pieces: list[str], whole: dict[str, JsonValue]) -> None:
    sent = [arguments(0, piece) for piece in pieces]
    said = decoded(start(0, "server_tool_use", id="s", input={}), *sent, stop(0), ending())
    block: dict[str, JsonValue] = {"type": "server_tool_use", "id": "s", **whole}
    assert said == (OpaqueStarted(0, "server_tool_use"), OpaqueEnded(0, data(block)), ENDED)


def test_a_compaction_is_put_together() -> None:
    pieces = [delta(0, "compaction_delta", content=piece, encrypted_content="e") for piece in ("a", None, "b")]
    said = decoded(start(0, "compaction", content=None), *pieces, stop(0), ending())
    assert said[1] == OpaqueEnded(0, data({"type": "compaction", "content": "ab", "encrypted_content": "eee"}))


@pytest.mark.parametrize("name", ["input_json_delta", "new_delta", "text_delta"])
def test_what_cannot_be_put_together_is_kept_for_reading(name: str) -> None:
    piece: JsonValue = {"type": name, "partial_json": "{", "text": "x", "more": 1}
    assert isinstance(piece, dict)
    said = decoded(start(0, "thing"), event("content_block_delta", index=0, delta=piece), stop(0), ending())
    kept = data({"block": {"type": "thing"}, "deltas": [piece]})
    assert said == (OpaqueStarted(0, "thing"), OpaqueEnded(0, kept, replayable=False), ENDED)


def test_an_input_too_deep_to_be_read_again_is_kept_for_reading() -> None:
    said = decoded(start(0, "server_tool_use"), arguments(0, "[" * 256 + "]" * 256), stop(0), ending())
    match said[1]:
        case OpaqueEnded(data=kept, replayable=replayable):
            assert not replayable
            assert kept.value is not None
        case _:
            pytest.fail(f"{said[1]}")


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "max_tokens"),
        ("model_context_window_exceeded", "max_tokens"),
        ("tool_use", "tool_use"),
        ("pause_turn", "pause"),
        ("refusal", "refusal"),
        ("a new one", "other"),
    ],
)
def test_reasons_are_normalised(word: str, reason: FinishReason) -> None:
    assert decoded(ending(word)) == (TurnEnded(Finish(reason, word)),)


def test_a_reason_has_its_detail() -> None:
    assert decoded(ending("stop_sequence", stop_sequence="END"))[0] == TurnEnded(Finish("stop", "stop_sequence", "END"))
    refused: JsonValue = {"type": "refusal", "category": "bio", "explanation": "No."}
    unexplained: JsonValue = {"type": "refusal", "category": "bio", "explanation": None}
    assert decoded(ending("refusal", stop_details=refused))[0] == TurnEnded(Finish("refusal", "refusal", "No."))
    assert decoded(ending("refusal", stop_details=unexplained))[0] == TurnEnded(Finish("refusal", "refusal", "bio"))
    assert decoded(ending(None))[0] == TurnEnded(Finish())


def test_the_last_reason_counts() -> None:
    stopped = event("message_delta", delta={"stop_reason": "refusal"})
    said = decoded(stopped, event("message_delta", delta={}), event("message_stop"))
    assert said == (TurnEnded(Finish("refusal", "refusal")),)


def test_later_usage_replaces_earlier_and_counts_the_cache_in() -> None:
    first: JsonValue = {"input_tokens": 9, "cache_read_input_tokens": 5, "output_tokens": 1, "service_tier": "standard"}
    said = decoded(
        message(usage=first),
        ending(usage={"output_tokens": 7, "cache_creation_input_tokens": 2, "input_tokens": None}),
    )
    merged: JsonValue = {
        "input_tokens": 9,
        "cache_read_input_tokens": 5,
        "output_tokens": 7,
        "service_tier": "standard",
        "cache_creation_input_tokens": 2,
    }
    assert said == (
        STARTED,
        UsageReported(Usage(14, 1, 5, reported=data(first))),
        UsageReported(Usage(16, 7, 5, 2, reported=data(merged))),
        ENDED,
    )


def test_usage_of_strange_types_says_nothing() -> None:
    odd: JsonValue = {"input_tokens": "7", "output_tokens": True, "output_tokens_details": 1}
    assert decoded(message(usage=odd))[1] == UsageReported(Usage(reported=data(odd)))
    assert decoded(message(usage=[1]), ending()) == (STARTED, ENDED)


def test_pings_are_heartbeats_and_unknown_events_are_ignored() -> None:
    said = decoded(
        event("ping"), raw("ping", b"?"), raw("data", b"[DONE]"), event("new_event"), raw(None, b"{}"), ending()
    )
    assert said == (Heartbeat(), Heartbeat(), ENDED)


def test_unknown_deltas_in_known_blocks_are_ignored() -> None:
    said = decoded(start(0, "text"), delta(0, "new_delta", x=1), text(0, "a"), stop(0), stop(5), ending())
    assert said == (TextDelta(0, "a"), ENDED)


def test_a_signature_that_a_block_has_no_use_for_is_ignored() -> None:
    assert decoded(start(0, "text", text="a"), signature(0, "s"), ending()) == (TextDelta(0, "a"), ENDED)


def test_a_delta_before_its_start_opens_a_block_of_its_kind() -> None:
    silent = (thinking(2, ""), text(2, ""), signature(2, ""))
    said = decoded(*silent, thinking(0, "h"), signature(0, "s"), stop(0), text(1, "a"), text(1, "b"), ending())
    assert said == (ThinkingDelta(0, "h"), ThinkingSealed(0, "s"), TextDelta(1, "a"), TextDelta(1, "b"), ENDED)


@pytest.mark.parametrize(
    "pieces",
    [
        [message(), message()],
        [start(0, "text"), start(0, "text")],
        [arguments(0, "")],
        [start(0, "text"), thinking(0, "h")],
        [start(0, "thinking"), text(0, "h")],
        [start(0, "text"), arguments(0, "{")],
        [start(0, "tool_use", name="f"), text(0, "h")],
    ],
)
def test_an_order_that_cannot_be_is_the_providers_fault(pieces: list[bytes]) -> None:
    match decoded(*pieces, ending())[-1]:
        case TurnFailed(failure=ProtocolViolation(by="provider", message=said)):
            assert said
        case last:
            pytest.fail(f"{last}")


@pytest.mark.parametrize("name", ["message_start", "content_block_start", "content_block_delta", "message_delta"])
@pytest.mark.parametrize("garbage", [b"null", b"[]", b"7", b'"a"', b"{", b"\xff\xfe", b"{} {}", b'{"a": NaN}'])
def test_garbage_fails_the_turn_and_is_not_repeated_at_length(name: str, garbage: bytes) -> None:
    match decoded(message(), raw(name, garbage), text(0, "late"))[1:]:
        case [TurnFailed(failure=Malformed(message=said))]:
            assert 0 < len(said) < 200
        case last:
            pytest.fail(f"{last}")


@pytest.mark.parametrize(
    "piece",
    [
        delta(0, "text_delta", text=7),
        delta(0, "text_delta"),
        delta(0, "text_delta", text=None),
        event("content_block_delta", index="0", delta={"type": "text_delta", "text": "a"}),
        event("content_block_delta", index=0, delta={"type": ["text_delta"], "text": "a"}),
        event("content_block_delta", index=0, delta=[]),
        event("content_block_delta", index=0),
        event("content_block_start", index=0, content_block={}),
        event("content_block_start", index=0, content_block=None),
        start(0, "text", text=7),
        start(0, "thinking", signature=7),
        start(0, "tool_use", name=[]),
        event("content_block_stop", index=None),
        event("message_start", message=None),
        event("message_delta", delta={"stop_reason": 7}),
    ],
)
def test_wrong_types_fail_the_turn(piece: bytes) -> None:
    match decoded(piece, ending())[-1]:
        case TurnFailed(failure=Malformed(message=said)):
            assert 0 < len(said) < 300
        case last:
            pytest.fail(f"{last}")


@pytest.mark.parametrize("name", ["message_start", "content_block_start", "content_block_delta", "content_block_stop"])
def test_an_empty_object_is_ignored(name: str) -> None:
    assert decoded(raw(name, b"{}"), ending()) == (ENDED,)


def test_lone_surrogates_become_readable() -> None:
    piece = raw("content_block_delta", rb'{"index":0,"delta":{"type":"text_delta","text":"a\ud83d"}}')
    assert decoded(piece, ending()) == (TextDelta(0, "a�"), ENDED)
    whole = raw("content_block_delta", rb'{"index":0,"delta":{"type":"text_delta","text":"\ud83d\ude00"}}')
    assert decoded(whole, ending()) == (TextDelta(0, "😀"), ENDED)


def test_a_payload_keeps_its_lone_surrogates() -> None:
    block = rb'{"index":0,"content_block":{"type":"thing","x":"\ud83d"}}'
    assert decoded(raw("content_block_start", block), ending())[1] == OpaqueEnded(
        0, data({"type": "thing", "x": "\ud83d"})
    )


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (
            {"error": {"type": "overloaded_error", "message": "Overloaded"}},
            ProviderError("Overloaded", "overloaded_error"),
        ),
        (
            {"error": {"code": 500, "message": "no \ud83d slot", "type": "server_error"}},
            ProviderError("no � slot", "server_error"),
        ),
        ({"error": {"type": "api_error"}}, ProviderError("the provider reports api_error", "api_error")),
        ({}, ProviderError("the provider reports an error without a word")),
    ],
)
def test_an_error_event_has_the_providers_words(body: dict[str, JsonValue], failure: ProviderError) -> None:
    said = decoded(text(0, "a"), event("error", **body), text(0, "late"))
    assert said == (TextDelta(0, "a"), TurnFailed(failure))


def test_nothing_is_said_after_the_last_word() -> None:
    decoder, said = AnthropicDecoder().feed(ending() + text(0, "late"))
    assert said == (ENDED,)
    assert decoder.feed(message() + ending())[1] == ()
    assert decoder.end() == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b": only comments\n\n",
        message() + text(0, "a"),
        message() + event("message_delta", delta={"stop_reason": "end_turn"}),
        raw(None, b'{"type":"message_stop"}'),
        message() + b'event: message_stop\ndata: {"type":"mess',
    ],
)
def test_an_end_without_the_terminal_is_a_truncation(body: bytes) -> None:
    match decoded(body)[-1]:
        case TurnFailed(failure=Truncated(message=said)):
            assert said
        case last:
            pytest.fail(f"{last}")


def test_a_last_event_counts_without_its_blank_line() -> None:
    assert decoded(ending().rstrip(b"\n"))[-1] == ENDED
    cut = decoded(text(0, "a").rstrip(b"\n"))
    assert cut[0] == TextDelta(0, "a")
    assert len(cut) == 2


def test_an_event_beyond_the_limit_fails_the_turn() -> None:
    decoder = AnthropicDecoder(EventStreamBody(_sse=SseDecoder(200)))
    said = decode(decoder, [text(0, "a"), text(0, "a" * 200), ending()])
    assert said[0] == TextDelta(0, "a")
    match said[1:]:
        case [TurnFailed(failure=Malformed())]:
            pass
        case last:
            pytest.fail(f"{last}")


def test_a_body_that_is_no_stream_says_what_it_is() -> None:
    error = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    assert decoded(error) == (TurnFailed(ProviderError("Overloaded", "overloaded_error")),)
    assert isinstance(decoded(b"<html>Bad gateway</html>")[0], TurnFailed)


def test_a_whole_answer_gives_the_events_of_its_stream() -> None:
    usage: JsonValue = {"input_tokens": 1, "output_tokens": 2}
    blocks: JsonValue = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": "a", "citations": [{"n": 1}]},
        {"type": "server_tool_use", "id": "s", "input": {"q": 1}},
        {"type": "tool_use", "id": "t", "name": "f", "input": {}},
        {"type": "tool_use", "id": "u", "name": "f", "input": {"x": 1}},
    ]
    answer = dump_json(
        {"id": "msg_1", "model": "claude-sonnet-4-6", "content": blocks, "usage": usage, "stop_reason": "tool_use"}
    )
    assert decode_whole(answer.encode()) == (
        STARTED,
        UsageReported(Usage(1, 2, reported=data(usage))),
        ThinkingDelta(0, "hm"),
        ThinkingSealed(0, "s"),
        ThinkingSealed(1, provider_data=data({"type": "redacted_thinking", "data": "x"})),
        TextDelta(2, "a"),
        TextAnnotated(2, data({"citations": [{"n": 1}]})),
        OpaqueStarted(3, "server_tool_use"),
        OpaqueEnded(3, data({"type": "server_tool_use", "id": "s", "input": {"q": 1}})),
        CallStarted(4, "t", "f"),
        CallEnded(4),
        CallStarted(5, "u", "f"),
        CallEnded(5, '{"x":1}'),
        TurnEnded(Finish("tool_use", "tool_use")),
    )


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"content":[7]}', b'{"content":"a"}'])
def test_a_whole_answer_that_is_none_fails(body: bytes) -> None:
    assert isinstance(decode_whole(body)[-1], TurnFailed)


def test_a_whole_answer_may_be_an_error() -> None:
    assert decode_whole(b'{"type":"error","error":{"type":"t","message":"m"}}') == (
        TurnFailed(ProviderError("m", "t")),
    )
