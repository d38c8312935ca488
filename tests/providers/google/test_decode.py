"""What the chunks of the Gemini wire say: blocks, payloads, calls, reasons and token counts."""

from __future__ import annotations

import pytest

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
    UsageReported,
)
from punk.core.failures import Malformed
from punk.core.json import JsonObject, JsonValue, dump_json, parse_json
from punk.core.messages import AssistantMessage, Finish, ToolCallMessage, ToolResultMessage
from punk.core.provider_data import ProviderData
from punk.core.state import Failed
from punk.core.usage import Usage
from punk.providers.google.decode import GeminiDecoder, PayloadDecoder, decode_whole
from punk.providers.google.wire import FAMILY
from tests.providers.google.chunks import END, STARTED, call, chunk, decoded, document, said, sse, text
from tests.support.wire_cases import decode, fold_turn

STOP = TurnEnded(Finish("stop", "STOP"))


def data(value: JsonValue) -> ProviderData:
    return ProviderData.of(FAMILY, value)


def thought(words: str, **beside: JsonValue) -> JsonObject:
    return text(words, thought=True, **beside)


def test_neighbours_of_a_kind_are_one_block() -> None:
    chunks = (
        chunk(thought("a"), thought("b")),
        chunk(text("c")),
        chunk(text("d", thought=False), thought("e")),
        chunk(text("f")),
        END,
    )
    assert said(*chunks) == (
        ThinkingDelta(0, "a"),
        ThinkingDelta(0, "b"),
        ThinkingSealed(0),
        TextDelta(1, "c"),
        TextDelta(1, "d"),
        ThinkingDelta(2, "e"),
        ThinkingSealed(2),
        TextDelta(3, "f"),
        STOP,
    )


def test_what_has_a_signature_is_a_part_by_itself() -> None:
    chunks = (
        chunk(text("a")),
        chunk(text("b", thoughtSignature="s")),
        chunk(text("c"), text("", thoughtSignature="t")),
        chunk({"thoughtSignature": "u"}),
        chunk(thought("d"), thought("e", thoughtSignature="v", partMetadata={"x": 1})),
        chunk(thought("", thoughtSignature="w"), {"thought": True, "thoughtSignature": "x"}),
        END,
    )
    assert said(*chunks) == (
        TextDelta(0, "a"),
        TextDelta(1, "b"),
        TextAnnotated(1, data({"thoughtSignature": "s"})),
        TextDelta(2, "c"),
        TextAnnotated(3, data({"thoughtSignature": "t"})),
        TextAnnotated(4, data({"thoughtSignature": "u"})),
        ThinkingDelta(5, "d"),
        ThinkingSealed(5),
        ThinkingDelta(6, "e"),
        ThinkingSealed(6, "v", data({"partMetadata": {"x": 1}})),
        ThinkingSealed(7, "w"),
        ThinkingSealed(8, "x"),
        STOP,
    )


@pytest.mark.parametrize(
    "empty",
    [text(""), thought(""), {}, {"text": None}, {"thoughtSignature": None}, {"functionCall": {}}, thought("", x=None)],
)
def test_parts_that_say_nothing(empty: JsonObject) -> None:
    assert said(chunk(empty), chunk(text("a"), empty, text("b")), END) == (TextDelta(0, "a"), TextDelta(0, "b"), STOP)


def test_calls_with_and_without_ids() -> None:
    chunks = (
        chunk(call("f", args={"x": 1}), call("g", args={}, id="i"), call("h", id=""), reason="STOP"),
        chunk({**call("k", args=None, id="j"), "thoughtSignature": "s"}),
    )
    assert said(*chunks) == (
        CallStarted(0, None, "f"),
        CallDelta(0, '{"x":1}'),
        CallEnded(0),
        CallStarted(1, "i", "g"),
        CallEnded(1, None, data({"id": "i"})),
        CallStarted(2, None, "h"),
        CallEnded(2),
        CallStarted(3, "j", "k"),
        CallEnded(3, None, data({"id": "j", "thoughtSignature": "s"})),
        STOP,
    )


def piece(path: str, **value: JsonValue) -> JsonObject:
    return {"jsonPath": path, **value}


def streamed(*pieces: JsonObject, **fields: JsonValue) -> JsonObject:
    return call(None, partialArgs=[*pieces], willContinue=True, **fields)


def test_arguments_that_are_streamed() -> None:
    chunks = (
        chunk({**call("f", willContinue=True, id="i"), "thoughtSignature": "s"}),
        chunk(streamed(piece("$.place", stringValue='Bo"st', willContinue=True))),
        chunk(text("meanwhile")),
        chunk(streamed(piece("$.place", stringValue="on", willContinue=True))),
        chunk(streamed(piece("$.place", stringValue=""), piece("$.days[0].n", numberValue=5))),
        chunk(streamed(piece("$.days[0].ok", boolValue=False), piece("$['days'][1].n", numberValue=1.5))),
        chunk(streamed(piece('$["a.b"]', nullValue="NULL_VALUE"), piece("$.last", stringValue="x", willContinue=True))),
        chunk(call(None), reason="STOP"),
    )
    whole = '{"place":"Bo\\"ston","days":[{"n":5,"ok":false},{"n":1.5}],"a.b":null,"last":"x"}'
    assert said(*chunks) == (
        CallStarted(0, "i", "f"),
        CallDelta(0, '{"place":"Bo\\"st'),
        TextDelta(1, "meanwhile"),
        CallDelta(0, "on"),
        CallDelta(0, '","days":[{"n":5'),
        CallDelta(0, ',"ok":false},{"n":1.5'),
        CallDelta(0, '}],"a.b":null,"last":"x'),
        CallDelta(0, '"}'),
        CallEnded(0, whole, data({"id": "i", "thoughtSignature": "s"})),
        STOP,
    )
    message = fold_turn(decoded(*chunks)).message
    assert isinstance(message, ToolCallMessage)
    assert message.calls[0].arguments == whole


def test_a_text_ends_where_another_value_begins() -> None:
    chunks = (
        chunk(call("f", willContinue=True)),
        chunk(streamed(piece("$.a", stringValue="x", willContinue=True))),
        chunk(streamed(piece("$.b.c", stringValue="y", willContinue=True), piece("$.b.d", stringValue="z"))),
        chunk(call(None), call("g", args={"n": 1})),
        END,
    )
    calls = fold_turn(decoded(*chunks)).calls
    assert [c.arguments for c in calls] == ['{"a":"x","b":{"c":"y","d":"z"}}', '{"n":1}']


@pytest.mark.parametrize(
    "pieces",
    [
        [*(piece(path, stringValue="x") for path in ("$.a.b", "$.c", "$.a.d", "$.e"))],
        [piece("$.a[1]", numberValue=1)],
        [piece("$.a", numberValue=1), piece("$.a", numberValue=2)],
        [piece("$.a", numberValue=1), piece("$.a", numberValue=1), piece("$.b", numberValue=2)],
        [piece("$.a", numberValue=1), piece("$.a.b", numberValue=2)],
        [piece("$.a[0]", numberValue=1), piece("$.a.b", numberValue=2)],
        [piece("$.a[0]", numberValue=1), piece("$.a[2]", numberValue=2), piece("$.b", stringValue="x")],
        [piece("$.a[1]", numberValue=1), piece("$.b", stringValue="x"), piece("$.b", stringValue="y")],
    ],
)
def test_values_in_no_order_run_nothing(pieces: list[JsonObject]) -> None:
    chunks = (chunk(call("f", willContinue=True)), *(chunk(streamed(p)) for p in pieces), chunk(call(None)), END)
    state = fold_turn(decoded(*chunks)).state
    if isinstance(state, Failed):
        assert isinstance(state.failure, Malformed)
    else:
        last = tuple(state.run.messages)[-1]
        assert isinstance(last, ToolResultMessage)
        assert last.is_error


def test_after_a_value_in_no_order_no_piece_is_said() -> None:
    texts = (piece("$.b", stringValue="x", willContinue=True), piece("$.b", stringValue="y"))
    pieces = (piece("$.a", numberValue=1), piece("$.a", numberValue=1), *texts)
    events = said(chunk(call("f", willContinue=True)), *(chunk(streamed(p)) for p in pieces), chunk(call(None)), END)
    assert events == (CallStarted(0, None, "f"), CallDelta(0, '{"a":1'), CallEnded(0, '{"a":1,"b":"xy"}'), STOP)


@pytest.mark.parametrize(
    "path", ["", "a", "$", "$.", "$.a.", "$..a", "$.a[*]", "$[0]", "$.a[-1]", "$.a[", "$['a", None]
)
def test_paths_that_lead_nowhere(path: str | None) -> None:
    chunks = (chunk(call("f", willContinue=True)), chunk(streamed({"jsonPath": path, "numberValue": 1})), END)
    last = decoded(*chunks)[-1]
    assert isinstance(last, TurnFailed)
    assert isinstance(last.failure, Malformed)


def test_a_piece_without_a_value_says_nothing() -> None:
    chunks = (chunk(call("f", willContinue=True)), chunk(streamed(piece("$.a"))), chunk(call(None)), END)
    assert said(*chunks) == (CallStarted(0, None, "f"), CallEnded(0), STOP)


def test_a_streamed_call_may_be_stated_whole() -> None:
    chunks = (chunk(call("f", willContinue=True)), chunk(streamed(piece("$.a", numberValue=1))))
    same = fold_turn(decoded(*chunks, chunk(call(None, args={"a": 1})), END))
    assert [c.arguments for c in same.calls] == ['{"a":1}']
    assert said(chunk(call("f", willContinue=True)), chunk(call(None, args={"a": 1})), END)[1:] == (
        CallDelta(0, '{"a":1}'),
        CallEnded(0),
        STOP,
    )


def test_pieces_may_repeat_the_name() -> None:
    pieces = [call("f", partialArgs=[piece(f"$.{key}", numberValue=1)], willContinue=True) for key in "ab"]
    assert [c.arguments for c in fold_turn(decoded(chunk(*pieces, call("f")), END)).calls] == ['{"a":1,"b":1}']


def test_a_call_that_never_ends_is_not_run() -> None:
    one = chunk(call("f", willContinue=True, id="a"))
    again = chunk(call("f", id="a", partialArgs=[piece("$.x", numberValue=1)], willContinue=True))
    turn = said(one, again, chunk(call("g", id="b")), END)
    assert turn == (
        CallStarted(0, "a", "f"),
        CallDelta(0, '{"x":1'),
        CallStarted(1, "b", "g"),
        CallEnded(1, None, data({"id": "b"})),
        STOP,
    )


def test_other_parts_are_kept_as_they_came() -> None:
    parts: list[JsonObject] = [
        {"executableCode": {"code": "1", "language": "PYTHON"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK"}, "thoughtSignature": "s"},
        {"inlineData": {"mimeType": "image/png", "data": "AA=="}, "thought": True},
        {"newThing": {"x": [1, None]}, "empty": None},
    ]
    events = said(chunk(text("a"), *parts, text("b")), END)
    kinds = ["executableCode", "codeExecutionResult", "inlineData", "newThing"]
    assert [event.kind for event in events if isinstance(event, OpaqueStarted)] == kinds
    ended = [event for event in events if isinstance(event, OpaqueEnded)]
    assert [event.block for event in ended] == [1, 2, 3, 4]
    assert all(event.replayable for event in ended)
    assert [event.data.value for event in ended] == [*parts[:3], {"newThing": {"x": [1, None]}}]
    assert events[-2:] == (TextDelta(5, "b"), STOP)


@pytest.mark.parametrize("detail", ["partMetadata", "mediaResolution", "videoMetadata"])
def test_a_part_is_named_after_its_content_and_not_after_what_stands_beside_it(detail: str) -> None:
    image: JsonObject = {"inlineData": {"mimeType": "image/png", "data": "AA=="}}
    parts: list[JsonObject] = [{detail: {"x": 1}, **image}, {"thoughtSignature": "s", detail: {"x": 1}, **image}]
    for part in parts:
        assert said(chunk(part), END) == (
            OpaqueStarted(0, "inlineData"),
            OpaqueEnded(0, data(part)),
            STOP,
        )
    assert said(chunk({detail: {"x": 1}}), END)[0] == OpaqueStarted(0, detail)


def test_notes_are_kept_beside_the_text_and_said_once() -> None:
    citation: JsonObject = {"citationMetadata": {"citationSources": [{"uri": "u"}]}}
    more: JsonObject = {"citationMetadata": {"citationSources": [{"uri": "v"}]}, "groundingMetadata": {"q": 1}}
    chunks = (chunk(text("a"), more=citation), chunk(text("b"), more=citation), chunk(text("c"), more=more), END)
    assert said(*chunks) == (
        TextDelta(0, "a"),
        OpaqueStarted(1, "citationMetadata"),
        OpaqueEnded(1, data(citation), replayable=False),
        TextDelta(0, "b"),
        TextDelta(0, "c"),
        OpaqueStarted(2, "groundingMetadata"),
        OpaqueEnded(2, data({"groundingMetadata": {"q": 1}}), replayable=False),
        OpaqueStarted(3, "citationMetadata"),
        OpaqueEnded(3, data({"citationMetadata": more["citationMetadata"]}), replayable=False),
        STOP,
    )


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "max_tokens"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("BLOCKLIST", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("SPII", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"),
        ("MODEL_ARMOR", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "other"),
        ("TOOL_CALLS", "tool_use"),
        ("OTHER", "other"),
        ("CONTINUATION", "other"),
        ("WHAT_IS_THIS", "other"),
    ],
)
def test_reasons(word: str, reason: str) -> None:
    finish = said(chunk(text("a"), reason=word, more={"finishMessage": "why"}))[-1]
    assert isinstance(finish, TurnEnded)
    assert (finish.finish.reason, finish.finish.raw, finish.finish.detail) == (reason, word, "why")


def test_a_reason_in_the_midst_ends_nothing() -> None:
    assert said(chunk(text("a"), reason="STOP"), chunk(text("b"), reason="MAX_TOKENS")) == (
        TextDelta(0, "a"),
        TextDelta(0, "b"),
        TurnEnded(Finish("max_tokens", "MAX_TOKENS")),
    )
    for none in ("FINISH_REASON_UNSPECIFIED", ""):
        assert said(chunk(text("a"), reason="STOP"), chunk(text("b"), reason=none))[-1] == STOP
        assert isinstance(said(chunk(text("a"), reason=none))[-1], TurnFailed)


def test_a_blocked_prompt_is_a_filtered_answer() -> None:
    blocked = sse({"promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "Reasons"}, "modelVersion": "m"})
    turn = fold_turn(decoded(blocked))
    assert isinstance(turn.message, AssistantMessage)
    assert turn.message.finish == Finish("content_filter", "SAFETY", "Reasons")
    harmless = chunk(text("a"), reason="STOP", promptFeedback={"blockReason": "X", "safetyRatings": []})
    assert said(harmless)[-1] == STOP


def test_a_paused_answer_keeps_the_token_to_go_on_with() -> None:
    assert said(chunk(text("a"), reason="CONTINUATION", more={"continuationToken": "t=="})) == (
        TextDelta(0, "a"),
        OpaqueStarted(1, "continuationToken"),
        OpaqueEnded(1, data({"continuationToken": "t=="})),
        TurnEnded(Finish("pause", "CONTINUATION")),
    )


def test_other_candidates_are_left_out() -> None:
    two: JsonObject = {"index": 1, "content": {"parts": [{"text": "no"}]}, "finishReason": "SAFETY"}
    one: JsonObject = {"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}
    assert said(sse({"candidates": [two, one], "modelVersion": "m", "responseId": "r"})) == (TextDelta(0, "a"), STOP)


@pytest.mark.parametrize(("index", "kept"), [(0.0, True), ("0", True), (None, True), ("1", False), (1.0, False)])
def test_the_number_of_a_candidate_in_other_spellings(index: JsonValue, kept: bool) -> None:
    spelled = chunk(text("a"), more={"index": index})
    assert said(spelled, END) == ((TextDelta(0, "a"), STOP) if kept else (STOP,))


@pytest.mark.parametrize("word", [True, "true", 1])
def test_a_thought_in_other_spellings(word: JsonValue) -> None:
    assert said(chunk(text("a", thought=word)), END) == (ThinkingDelta(0, "a"), ThinkingSealed(0), STOP)
    assert said(chunk(text("a", thought="false")), END) == (TextDelta(0, "a"), STOP)


def counts(**more: JsonValue) -> JsonObject:
    return {"promptTokenCount": 10, "totalTokenCount": 99, **more}


def test_the_first_and_the_last_token_counts_are_told() -> None:
    last = counts(candidatesTokenCount=3, thoughtsTokenCount=4, toolUsePromptTokenCount=5, cachedContentTokenCount=6)
    chunks = (
        chunk(text("a"), usageMetadata=counts()),
        chunk(text("b"), usageMetadata=counts(candidatesTokenCount=1)),
        chunk(text("c"), usageMetadata=last),
        chunk(reason="STOP"),
    )
    assert said(*chunks) == (
        TextDelta(0, "a"),
        UsageReported(Usage(10, None, reported=data(counts()))),
        TextDelta(0, "b"),
        TextDelta(0, "c"),
        UsageReported(Usage(15, 7, cache_read_tokens=6, reasoning_tokens=4, reported=data(last))),
        STOP,
    )
    once = said(chunk(text("a"), usageMetadata=counts()), chunk(reason="STOP", usageMetadata=counts()))
    assert [type(event) for event in once] == [TextDelta, UsageReported, TurnEnded]
    odd = said(chunk(text("a"), usageMetadata={"promptTokenCount": "x", "candidatesTokenCount": True}), END)[1]
    assert isinstance(odd, UsageReported)
    assert (odd.usage.input_tokens, odd.usage.output_tokens) == (None, None)


def test_an_answer_in_one_piece_says_the_same_as_a_stream() -> None:
    parts = [text("a"), call("f", args={"x": 1}), {**call("g"), "thoughtSignature": "s"}]
    whole = document(*parts, reason="STOP", usageMetadata=counts())
    assert decode_whole(dump_json(whole).encode()) == decoded(sse(whole))
    assert decode_whole(dump_json([whole]).encode()) == decoded(sse(whole))
    unfinished = decode_whole(dump_json(document(text("a"))).encode())
    assert unfinished == (STARTED, TextDelta(0, "a"), TurnEnded(Finish()))


def test_lone_surrogates_are_repaired() -> None:
    broken = b'data: {"candidates":[{"content":{"parts":[{"text":"\\ud83d"}]},"finishReason":"STOP"}]}\n\n'
    assert decoded(broken)[1] == TextDelta(0, "\ufffd")
    arguments = b'[{"functionCall":{"name":"f","args":{"\\ud800":"\\ud83d\\ude00"}}}]'
    calls = b'{"candidates":[{"content":{"parts":' + arguments + b'},"finishReason":"STOP"}]}'
    assert parse_json(fold_turn(decode_whole(calls)).calls[0].arguments).unwrap() == {"\ufffd": "😀"}


def test_old_decoders_stay_usable() -> None:
    def after(decoder: PayloadDecoder, *parts: JsonObject) -> tuple[PayloadDecoder, tuple[ProviderEvent, ...]]:
        return decoder.feed(dump_json(document(*parts)).encode())

    old, _ = after(PayloadDecoder(), text("a"), call("f", willContinue=True))
    one, _ = after(old, streamed(piece("$.x", stringValue="1", willContinue=True)))
    two, _ = after(old, streamed(piece("$.x", stringValue="2")))
    assert after(one, call(None))[1][-1] == CallEnded(1, '{"x":"1"}')
    assert after(two, call(None))[1][-1] == CallEnded(1, '{"x":"2"}')
    assert after(old, text("b"))[1] == (TextDelta(2, "b"),)
    decoder, _ = GeminiDecoder().feed(chunk(text("a"))[:30])
    rest = chunk(text("a"))[30:]
    assert decode(decoder, [rest, END]) == decode(decoder, [rest, END])
