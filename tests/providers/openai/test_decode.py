"""What each form of chunk says: text, thinking, refusals, calls, usage, ends."""

from __future__ import annotations

import pytest

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
    TurnStarted,
    UsageReported,
)
from punk.core.json import JsonObject, JsonValue
from punk.core.messages import Finish
from punk.core.provider_data import ProviderData
from punk.core.usage import Usage
from punk.providers.openai.chat.decode import ChatDecoder
from punk.providers.openai.chat.settings import FAMILY
from tests.providers.openai.chunks import DONE, STARTED, chunk, decoded, said, sse, tool
from tests.support.wire_cases import fold_turn

END = TurnEnded(Finish("stop", "stop"))


def data(value: JsonValue) -> ProviderData:
    return ProviderData.of(FAMILY, value)


def text(content: JsonValue) -> bytes:
    return chunk({"content": content})


def test_text_comes_as_it_is_and_the_end_is_held_back_for_done() -> None:
    more = chunk({"content": "b", "refusal": None, "reasoning_content": None})
    assert said(text(""), text("a"), more, chunk({}, "stop"), DONE) == (TextDelta(0, "a"), TextDelta(0, "b"), END)
    decoder, _ = ChatDecoder().feed(text("a"))
    assert decoder.feed(chunk({}, "stop"))[1] == ()


def test_the_start_waits_for_a_chunk_that_names_the_answer() -> None:
    azure = sse({"id": "", "model": "", "object": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]})
    assert decoded(azure, text("a"), chunk({}, "stop"))[0] == STARTED
    assert decoded(sse({"choices": [{"delta": {"content": "a"}}]}))[0] == TurnStarted(FAMILY)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("stop", "stop"),
        ("length", "max_tokens"),
        ("model_length", "max_tokens"),
        ("tool_calls", "tool_use"),
        ("function_call", "tool_use"),
        ("content_filter", "content_filter"),
        ("insufficient_system_resource", "other"),
    ],
)
def test_finish_reasons(raw: str, reason: str) -> None:
    end = said(text("a"), chunk({}, raw), DONE)[-1]
    assert isinstance(end, TurnEnded)
    assert (end.finish.reason, end.finish.raw) == (reason, raw)


def test_the_last_finish_reason_counts_but_a_cut_is_never_taken_back() -> None:
    for words, reason in ((("stop", "length"), "length"), (("stop", "tool_calls"), "tool_calls")):
        end = said(text("a"), *(chunk({}, word) for word in words), DONE)[-1]
        assert isinstance(end, TurnEnded)
        assert end.finish.raw == reason
    late = said(text("a"), chunk({}, "length"), chunk({"content": "b"}, "stop"), chunk({}, None), chunk({}, ""), DONE)
    assert late == (TextDelta(0, "a"), TextDelta(0, "b"), TurnEnded(Finish("max_tokens", "length")))


def test_after_the_terminal_nothing_is_heard() -> None:
    assert said(text("a"), chunk({}, "stop"), DONE, text("LATE"), DONE, b"data: 7\n\n") == (TextDelta(0, "a"), END)


def test_other_choices_and_chunks_without_a_delta_say_nothing() -> None:
    other = sse({"choices": [{"index": 1, "delta": {"content": "x"}, "finish_reason": "length"}]})
    bare = sse({"id": "r", "model": "m", "choices": [{"index": 0, "content_filter_results": {}}]})
    strange = sse({"object": "surprise", "type": "x", "choices": None, "usage": None, "error": None})
    assert said(bare, other, strange, sse({}), text("a"), chunk(None), chunk({}, "stop"), DONE) == (
        TextDelta(0, "a"),
        END,
    )


def test_a_cumulative_message_beside_the_delta_is_ignored() -> None:
    choice: JsonObject = {"index": 0, "message": {"content": "a whole text"}, "delta": {"content": "a"}}
    assert said(sse({"id": "r", "model": "m", "choices": [choice]}), DONE) == (
        TextDelta(0, "a"),
        TurnEnded(Finish(None, None)),
    )


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_thinking_is_sealed_by_what_follows_and_phases_stay_apart(field: str) -> None:
    note = None if field == "reasoning_content" else data({"channel": field})
    assert said(
        chunk({field: "h", "content": None}), chunk({field: "m"}), text("a"), chunk({field: "oh"}), text("b"), DONE
    ) == (
        ThinkingDelta(0, "h"),
        ThinkingDelta(0, "m"),
        ThinkingSealed(0, provider_data=note),
        TextDelta(1, "a"),
        ThinkingDelta(2, "oh"),
        ThinkingSealed(2, provider_data=note),
        TextDelta(3, "b"),
        TurnEnded(Finish()),
    )


def test_the_same_thinking_in_two_fields_is_taken_once() -> None:
    events = said(chunk({"reasoning_content": "h", "reasoning": "h"}), chunk({}, "stop"), DONE)
    assert events == (ThinkingDelta(0, "h"), ThinkingSealed(0), END)


def test_reasoning_details_are_kept_whole_their_pieces_joined() -> None:
    def details(*values: JsonObject) -> bytes:
        return chunk({"reasoning": values[0].get("text"), "reasoning_details": [*values]})

    first: JsonObject = {"type": "reasoning.text", "text": "h", "index": 0, "signature": None}
    second: JsonObject = {"type": "reasoning.text", "text": "m", "index": 0}
    signed: JsonObject = {"type": "reasoning.text", "signature": "s", "index": 0}
    third: JsonObject = {"type": "reasoning.text", "text": "!", "index": 0, "signature": None}
    apart: JsonObject = {"type": "reasoning.text", "text": "?", "index": 3}
    other: JsonObject = {"type": "reasoning.summary", "summary": "S", "index": 1}
    sealed: JsonObject = {"type": "reasoning.encrypted", "data": "e", "index": 2}
    assert said(
        details(first), details(second), details(signed, third, apart, other, sealed, sealed), text("a"), DONE
    ) == (
        ThinkingDelta(0, "h"),
        ThinkingDelta(0, "m"),
        ThinkingSealed(
            0,
            provider_data=data(
                {
                    "reasoning_details": [
                        {"type": "reasoning.text", "text": "hm!", "index": 0, "signature": "s"},
                        apart,
                        other,
                        sealed,
                        sealed,
                    ]
                }
            ),
        ),
        TextDelta(1, "a"),
        TurnEnded(Finish()),
    )


def test_content_in_pieces() -> None:
    thought: JsonObject = {"type": "thinking", "thinking": [{"type": "text", "text": "h"}, {"type": "reference"}]}
    reference: JsonObject = {"type": "reference", "reference_ids": [1]}
    assert said(text([thought]), text([{"type": "text", "text": "a"}, reference, {"x": 1}]), text("b"), DONE) == (
        ThinkingDelta(0, "h"),
        ThinkingSealed(0, provider_data=data({"channel": "content"})),
        TextDelta(1, "a"),
        OpaqueStarted(2, "reference"),
        OpaqueEnded(2, data(reference)),
        OpaqueStarted(3, "unknown"),
        OpaqueEnded(3, data({"x": 1})),
        TextDelta(4, "b"),
        TurnEnded(Finish()),
    )


def test_images_are_kept_for_reading() -> None:
    image: JsonObject = {"type": "image_url", "image_url": {"url": "data:,"}}
    assert said(chunk({"content": "a", "images": [image]}), DONE) == (
        TextDelta(0, "a"),
        OpaqueStarted(1, "image_url"),
        OpaqueEnded(1, data(image), replayable=False),
        TurnEnded(Finish()),
    )


def test_annotations_belong_to_the_text_before_them() -> None:
    note: JsonObject = {"type": "url_citation", "url_citation": {"url": "u"}}
    events = said(chunk({"content": "a", "annotations": [note]}), chunk({"annotations": [note]}), DONE)
    assert events[1] == TextAnnotated(0, data({"annotations": [note, note]}))
    assert TextAnnotated not in {type(event) for event in said(chunk({"annotations": [note]}, "stop"), DONE)}


def test_a_refusal_is_no_content_and_the_reason() -> None:
    events = said(chunk({"refusal": "I "}), text(None), chunk({"refusal": "won't"}), chunk({}, "stop"), DONE)
    assert events == (RefusalDelta(0, "I "), RefusalDelta(0, "won't"), TurnEnded(Finish("refusal", "stop")))


def test_calls_are_told_apart_by_their_index() -> None:
    assert said(
        tool(0, "a", "f", ""), tool(1, "b", "g", '{"x"'), tool(0, None, None, "{}"), tool(1, "b", "g", ":1}"), DONE
    ) == (
        CallStarted(0, "a", "f"),
        CallStarted(1, "b", "g"),
        CallDelta(1, '{"x"'),
        CallDelta(0, "{}"),
        CallDelta(1, ":1}"),
        CallEnded(0),
        CallEnded(1),
        TurnEnded(Finish()),
    )


HEADS: list[list[bytes]] = [
    [tool(0, "a", None, ""), tool(0, None, "f", ""), tool(0, None, None, "{}")],
    [tool(0, "a"), tool(0, None, "f", "{"), tool(0, None, None, "}")],
    [tool(0, "a", None, "{"), tool(0, None, None, "}"), tool(0, None, "f")],
    [tool(0, None, "f"), tool(0, "a"), tool(0, None, None, "{}")],
    [tool(0, None, "f", ""), tool(0, "a", None, "{}")],
    [tool(None, "a"), tool(None, None, "f"), tool(None, None, None, "{}")],
    [tool(None, None, "f"), tool(None, "a", None, "{}")],
    [tool(0, "a", "f", "{"), tool(0, "z1", None, "}"), tool(0, "z2", "", "")],
    [tool(0, "a", "f", "{"), tool(0, "a", "f", "}")],
]


@pytest.mark.parametrize("pieces", HEADS)
def test_a_call_waits_for_its_name_and_its_id(pieces: list[bytes]) -> None:
    turn = fold_turn(decoded(*pieces, chunk({}, "tool_calls"), DONE))
    assert [(call.id, call.name, call.arguments) for call in turn.calls] == [("a", "f", "{}")]


def test_a_call_that_never_gets_a_name_or_an_id_is_told_at_the_end() -> None:
    assert said(tool(0, "a", None, "{}"), text("t"), DONE) == (
        TextDelta(0, "t"),
        CallStarted(1, "a", ""),
        CallDelta(1, "{}"),
        CallEnded(1),
        TurnEnded(Finish()),
    )
    assert said(tool(0, None, "f"), DONE)[:2] == (CallStarted(0, None, "f"), CallEnded(0))
    assert said(tool(0, None, "f"), tool(1, None, "g", "{}"), text("t"), DONE)[:4] == (
        CallStarted(0, None, "f"),
        CallStarted(1, None, "g"),
        CallDelta(1, "{}"),
        TextDelta(2, "t"),
    )


def test_whole_calls_under_one_index_are_one_call_that_never_runs() -> None:
    """As the SDK has them, and safe: their arguments together are no JSON."""
    turn = fold_turn(decoded(tool(0, "a", "f", '{"x":1}'), tool(0, "b", "g", "{}"), chunk({}, "length"), DONE))
    assert [(call.id, call.name, call.arguments) for call in turn.calls] == [("a", "f", '{"x":1}{}')]


@pytest.mark.parametrize("index", [None, -1])
def test_calls_without_an_index_are_told_apart_by_id_or_come_after_each_other(index: int | None) -> None:
    events = said(
        tool(index, "a", "f", "{"),
        tool(index, "b", "g", "{"),
        tool(index, None, None, "}"),
        tool(index, "a", None, "}"),
        tool(index, None, "h", "{}"),
        tool(index, None, None, " "),
        DONE,
    )
    assert [event for event in events if isinstance(event, CallStarted)] == [
        CallStarted(0, "a", "f"),
        CallStarted(1, "b", "g"),
        CallStarted(2, None, "h"),
    ]
    joined: dict[int, str] = {}
    for event in events:
        if isinstance(event, CallDelta):
            joined[event.block] = joined.get(event.block, "") + event.arguments
    assert joined == {0: "{}", 1: "{}", 2: "{} "}


def test_pieces_of_a_call_that_say_nothing_are_skipped() -> None:
    assert said(tool(0), tool(None, "", "", ""), chunk({"tool_calls": [{"index": 0}]}), text("a"), DONE) == (
        TextDelta(0, "a"),
        TurnEnded(Finish()),
    )
    assert said(tool(0, None, None, "{}"), DONE)[0] == CallStarted(0, None, "")


def test_a_call_splits_what_is_said_around_it() -> None:
    kinds = said(chunk({"reasoning": "h"}), tool(0, "a", "f"), text("b"), tool(0, None, None, "{}"), text("c"), DONE)
    assert kinds[1:6] == (
        ThinkingSealed(0, provider_data=data({"channel": "reasoning"})),
        CallStarted(1, "a", "f"),
        TextDelta(2, "b"),
        CallDelta(1, "{}"),
        TextDelta(2, "c"),
    )


def test_the_old_form_of_a_call() -> None:
    first = chunk({"function_call": {"name": "f", "arguments": "{"}})
    turn = fold_turn(decoded(first, chunk({"function_call": {"arguments": "}"}}), chunk({}, "function_call"), DONE))
    assert [(call.name, call.arguments) for call in turn.calls] == [("f", "{}")]


def test_usage_is_converted_and_the_last_report_counts() -> None:
    def usage(output: int) -> JsonObject:
        return {
            "prompt_tokens": 9,
            "completion_tokens": output,
            "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
            "completion_tokens_details": {"reasoning_tokens": 1},
            "cost": 0.5,
        }

    events = said(chunk({"content": "a"}, usage=usage(1)), chunk({}, "stop"), sse({"choices": [], "usage": usage(3)}))
    assert [event for event in events if isinstance(event, UsageReported)] == [
        UsageReported(Usage(9, output, 4, 2, 1, reported=data(usage(output)))) for output in (1, 3)
    ]


def test_usage_that_says_little_or_nonsense() -> None:
    strange: JsonObject = {"prompt_tokens": True, "completion_tokens": "3", "prompt_tokens_details": None}
    reported: list[ProviderEvent] = [UsageReported(Usage(reported=data(strange)))]
    assert list(said(chunk({"content": "a"}, usage=strange), chunk({}, "stop"), DONE))[1:-1] == reported
    assert len(said(chunk({"content": "a"}, usage={}), DONE)) == 2


def test_half_of_a_character_becomes_the_replacement_character() -> None:
    raw = b'data: {"id":"r","model":"m","choices":[{"delta":{"content":"%s"}}]}\n\n'
    assert said(raw % rb"\ud83d", raw % rb"\ud83d\ude00", DONE)[:2] == (TextDelta(0, "\ufffd"), TextDelta(0, "😀"))


def test_frames_in_every_form() -> None:
    body = b"\xef\xbb\xbf: hello\r\n\r\nid: 1\r\nevent: surprise\r\n" + text("a").replace(b"\n", b"\r\n")
    body += b": more\n\ndata:\n\ndata: \n\n" + text("b").replace(b"data: ", b"data:") + b"data:[DONE]\n\n"
    assert said(body) == (TextDelta(0, "a"), TextDelta(0, "b"), TurnEnded(Finish()))
