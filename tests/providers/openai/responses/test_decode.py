"""What each form of event says: text, thinking, refusals, calls, opaque items, usage, ends."""

from __future__ import annotations

import pytest

from punk.core.events import (
    CallDelta,
    CallEnded,
    CallSealed,
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
    TurnStarted,
    UsageReported,
)
from punk.core.json import JsonObject, JsonValue, dump_json
from punk.core.messages import Finish
from punk.core.usage import Usage
from punk.providers.openai.responses.decode import ResponsesDecoder, decode_whole
from punk.providers.openai.responses.settings import FAMILY
from punk.providers.openai.responses.turn import Turn
from tests.providers.openai.responses.events import (
    COMPLETED,
    CREATED,
    STARTED,
    about,
    added,
    data,
    decoded,
    delta,
    done,
    said,
    sse,
    text,
)
from tests.support.wire_cases import fold_turn

END = TurnEnded(Finish("stop", "completed"))
TOOL_END = TurnEnded(Finish("tool_use", "completed"))
REFUSED = TurnEnded(Finish("refusal", "completed"))


def output(words: str, **fields: JsonValue) -> JsonValue:
    return [{"type": "output_text", "text": words, "annotations": [], **fields}]


def call(index: JsonValue = 0, id_: str = "fc", **fields: JsonValue) -> bytes:
    return added(index, "function_call", id=id_, call_id=f"call-{id_}", name="f", arguments="", **fields)


def called(index: JsonValue, arguments: str, id_: str = "fc", **fields: JsonValue) -> bytes:
    return done(index, "function_call", id=id_, call_id=f"call-{id_}", name="f", arguments=arguments, **fields)


def test_text_comes_as_it_is_and_its_name_at_its_end() -> None:
    begun = [added(0, "message", id="msg"), sse("response.content_part.added", {"output_index": 0, "part": {}})]
    note = TextAnnotated(0, data({"id": "msg", "phase": "commentary", "annotations": [{"url": "u"}]}))
    whole = done(0, "message", id="msg", phase="commentary", content=output("ab", annotations=[{"url": "u"}]))
    assert said(*begun, text(""), text("a"), text("b"), whole, COMPLETED) == (
        TextDelta(0, "a"),
        TextDelta(0, "b"),
        note,
        END,
    )


def test_parts_and_items_that_interleave_are_kept_apart() -> None:
    frames = [text("a", 0, 0), text("b", 0, 1), text("c", 1), text("d", 0, 0), text("e", 1)]
    assert said(*frames, COMPLETED)[:-1] == (
        TextDelta(0, "a"),
        TextDelta(1, "b"),
        TextDelta(2, "c"),
        TextDelta(0, "d"),
        TextDelta(2, "e"),
    )


def test_without_an_index_items_are_told_by_their_ids() -> None:
    frames = [text("a", None), delta("output_text", None, "b", item_id="y"), delta("output_text", None, "c")]
    assert said(*frames, done(None, "message", id="y"), COMPLETED)[:-1] == (
        TextDelta(0, "a"),
        TextDelta(1, "b"),
        TextDelta(0, "c"),
    )


@pytest.mark.parametrize("named", [True, False])
def test_events_are_known_by_their_type_where_they_have_no_name(named: bool) -> None:
    piece = sse("response.output_text.delta", {"output_index": 0, "delta": "a"}, named=named)
    assert said(piece, sse("response.strange", {"delta": {}}, named=named), COMPLETED) == (TextDelta(0, "a"), END)


def test_a_name_that_says_nothing_is_overruled_by_the_type() -> None:
    piece = text("a").replace(b"event: response.output_text.delta", b"event: message")
    assert said(piece, COMPLETED) == (TextDelta(0, "a"), END)


def test_waiting_is_a_heartbeat() -> None:
    waits = [about("queued"), about("in_progress"), sse("keepalive", {"sequence_number": 3}), CREATED]
    assert said(*waits, COMPLETED) == (Heartbeat(), Heartbeat(), Heartbeat(), END)


@pytest.mark.parametrize("opening", [about("queued"), about("in_progress")])
def test_the_start_may_be_told_later(opening: bytes) -> None:
    assert decoded(opening, COMPLETED) == (STARTED, Heartbeat(), END)


def test_an_answer_without_a_beginning() -> None:
    assert decoded(text("a"), CREATED, COMPLETED) == (TurnStarted(FAMILY), TextDelta(0, "a"), END)
    assert decoded(COMPLETED) == (STARTED, END)
    assert decoded(sse("keepalive", {}), COMPLETED) == (Heartbeat(), STARTED, END)


def summary(words: str, part: int = 0, index: int = 0) -> bytes:
    return delta("reasoning_summary_text", index, words, summary_index=part)


def test_thinking_is_sealed_with_its_whole_item_and_its_parts_are_joined() -> None:
    item: JsonObject = {"id": "rs", "summary": [{"type": "summary_text", "text": "x"}], "encrypted_content": "e"}
    begun = added(0, "reasoning", id="rs", summary=[], encrypted_content="half")
    raw = delta("reasoning_text", 0, "d", content_index=0)
    frames = [begun, summary("a"), summary("b"), summary("", 1), summary("c", 1), raw, done(0, "reasoning", **item)]
    assert said(*frames, text("t", 1), COMPLETED) == (
        ThinkingDelta(0, "a"),
        ThinkingDelta(0, "b"),
        ThinkingDelta(0, "\n\nc"),
        ThinkingDelta(0, "\n\nd"),
        ThinkingSealed(0, provider_data=data({"type": "reasoning", **item})),
        TextDelta(1, "t"),
        END,
    )


def test_thinking_that_only_its_end_tells() -> None:
    parts: list[JsonValue] = [{"type": "summary_text", "text": word} for word in ("a", "", "b")]
    item: JsonObject = {"id": "rs", "summary": parts, "content": [{"type": "reasoning_text", "text": "c"}]}
    silent: JsonObject = {"id": "rs2", "summary": [], "encrypted_content": "e"}
    assert said(done(0, "reasoning", **item), done(1, "reasoning", **silent), COMPLETED) == (
        ThinkingDelta(0, "a\n\nb\n\nc"),
        ThinkingSealed(0, provider_data=data({"type": "reasoning", **item})),
        ThinkingSealed(1, provider_data=data({"type": "reasoning", **silent})),
        END,
    )


def test_a_refusal() -> None:
    pieces = [delta("refusal", 0, word, content_index=0) for word in ("", "No", ".")]
    whole = done(0, "message", id="msg", content=[{"type": "refusal", "refusal": "No."}])
    assert said(*pieces, whole, COMPLETED) == (RefusalDelta(0, "No"), RefusalDelta(0, "."), REFUSED)


def test_what_no_delta_said_the_end_of_the_item_says() -> None:
    parts: list[JsonValue] = [
        {"type": "output_text", "text": "a"},
        {"type": "refusal", "refusal": "No"},
        {"type": "new"},
    ]
    whole = done(0, "message", content=parts)
    assert said(whole, COMPLETED) == (TextDelta(0, "a"), RefusalDelta(1, "No"), REFUSED)
    assert said(text("a"), whole, COMPLETED) == (TextDelta(0, "a"), RefusalDelta(1, "No"), REFUSED)


def test_calls_are_kept_apart_by_their_items() -> None:
    def arguments(index: int, piece: str) -> bytes:
        return delta("function_call_arguments", index, piece)

    stated = sse("response.function_call_arguments.done", {"output_index": 0, "arguments": "[1]"})
    frames = [call(0, "x"), call(1, "y"), arguments(0, "[1"), arguments(1, ""), arguments(0, "]"), stated]
    ends = [called(1, "{}", "y", status="completed", namespace=None), called(0, "[1]", "x", namespace="n")]
    assert said(*frames, *ends, COMPLETED) == (
        CallStarted(0, "call-x", "f"),
        CallStarted(1, "call-y", "f"),
        CallDelta(0, "[1"),
        CallDelta(0, "]"),
        CallEnded(1, "{}", data({"id": "y"})),
        CallEnded(0, "[1]", data({"id": "x", "namespace": "n"})),
        TOOL_END,
    )


@pytest.mark.parametrize(
    ("streamed", "stated", "ended", "arguments"),
    [
        ("", None, "", "{}"),
        ("", None, '{"a":1}', '{"a":1}'),
        ("", '{"a":1}', "", '{"a":1}'),
        ('{"a":1}', None, "", '{"a":1}'),
        ('{"a":1}', '{"a": 1}', '{"a":1}', '{"a":1}'),
        ('{"a":1}', '{"a":2}', '{"a":2}', None),
        ('{"a":1}', '{"a":2}', '{"a":1}', None),
        ('{"a":1}', '{"a":1}', '{"a":2}', None),
    ],
)
def test_a_call_runs_only_if_all_that_was_said_of_it_agrees(
    streamed: str, stated: str | None, ended: str, arguments: str | None
) -> None:
    whole = sse("response.function_call_arguments.done", {"output_index": 0, "arguments": stated})
    turn = fold_turn(decoded(call(), delta("function_call_arguments", 0, streamed), whole, called(0, ended), COMPLETED))
    sealed = [entry.call for entry in turn.state.log if isinstance(entry, CallSealed)]
    assert [each.arguments for each in sealed] == ([] if arguments is None else [arguments])


def test_a_call_without_an_id_or_a_name() -> None:
    assert said(added(0, "function_call"), done(0, "function_call"), COMPLETED)[:2] == (
        CallStarted(0, None, ""),
        CallEnded(0),
    )


@pytest.mark.parametrize("kind", ["web_search_call", "custom_tool_call", "mcp_list_tools", "compaction"])
def test_other_items_are_kept_whole(kind: str) -> None:
    item: JsonObject = {"id": "o", "name": 7, "content": "any", "x": [1.0, None]}
    progress = [sse(f"response.{kind}.searching", {"output_index": 0}), delta(f"{kind}_input", 0, "half")]
    assert said(added(0, kind, id="o"), *progress, done(0, kind, **item), COMPLETED) == (
        OpaqueStarted(0, kind),
        OpaqueEnded(0, data({"type": kind, **item})),
        END,
    )


def test_what_was_whole_is_not_heard_again() -> None:
    late = [text("LATE"), summary("LATE"), delta("function_call_arguments", 0, "LATE")]
    stated = sse("response.function_call_arguments.done", {"output_index": 0, "arguments": "LATE"})
    message = done(0, "message", id="m", content=[])
    again = [added(0, "message", id="m"), message]
    assert said(text("a"), message, *late, stated, *again, COMPLETED, text("LATE"), COMPLETED) == (
        TextDelta(0, "a"),
        END,
    )


def test_a_beginning_said_twice_is_one_and_an_index_may_be_used_again() -> None:
    assert said(added(0, "message", id="m"), text("a"), added(0, "message", id="m"), text("b"), COMPLETED)[:2] == (
        TextDelta(0, "a"),
        TextDelta(0, "b"),
    )
    again = [text("a"), done(0, "message", id="m"), added(0, "message", id="n"), text("b")]
    assert said(*again, COMPLETED)[:2] == (TextDelta(0, "a"), TextDelta(1, "b"))


def test_usage_counts_as_punk_does() -> None:
    reported: JsonObject = {
        "input_tokens": 9,
        "output_tokens": 8,
        "input_tokens_details": {"cached_tokens": 7, "cache_write_tokens": 6},
        "output_tokens_details": {"reasoning_tokens": 5},
    }
    assert said(about("completed", usage=reported)) == (
        UsageReported(Usage(9, 8, 7, 6, 5, reported=data(reported))),
        END,
    )
    odd: JsonObject = {"input_tokens": "9", "output_tokens": True, "input_tokens_details": 3}
    assert said(about("completed", usage=odd))[0] == UsageReported(Usage(reported=data(odd)))


@pytest.mark.parametrize(
    ("details", "reason", "detail"),
    [
        ({"reason": "max_output_tokens"}, "max_tokens", "max_output_tokens"),
        ({"reason": "content_filter"}, "content_filter", "content_filter"),
        ({"reason": "new"}, "other", "new"),
        (None, "other", None),
    ],
)
def test_an_answer_that_ends_early(details: JsonValue, reason: str, detail: str | None) -> None:
    turn = fold_turn(decoded(CREATED, call(), called(0, "{}"), about("incomplete", incomplete_details=details)))
    assert turn.message is not None
    assert (turn.message.finish_reason, turn.message.raw_finish_reason) == (reason, "incomplete")
    assert turn.message.finish.detail == detail
    assert [each.id for each in turn.calls] == ["call-fc"]
    assert not any(isinstance(entry, CallSealed) for entry in turn.state.log)


SEARCH: JsonObject = {"type": "web_search_call", "id": "ws", "status": "completed"}
THOUGHT: JsonObject = {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "h"}]}
SAID: JsonObject = {"type": "message", "id": "msg", "content": output("a")}
ASKED: JsonObject = {"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": "{}"}
OUTPUT: list[JsonValue] = [THOUGHT, SEARCH, SAID, ASKED]
TOLD: tuple[ProviderEvent, ...] = (
    ThinkingDelta(0, "h"),
    ThinkingSealed(0, provider_data=data(THOUGHT)),
    OpaqueStarted(1, "web_search_call"),
    OpaqueEnded(1, data(SEARCH)),
    TextDelta(2, "a"),
    TextAnnotated(2, data({"id": "msg"})),
    CallStarted(3, "c", "f"),
    CallEnded(3, "{}", data({"id": "fc"})),
    TOOL_END,
)


def test_the_terminal_ends_items_that_had_no_end_of_their_own() -> None:
    assert said(about("completed", output=OUTPUT)) == TOLD
    open_ = [summary("h"), added(1, "web_search_call"), text("a", 2), added(3, "function_call", call_id="c", name="f")]
    assert sorted(map(repr, said(*open_, about("completed", output=OUTPUT)))) == sorted(map(repr, TOLD))
    mixed = said(
        *open_,
        done(2, "message", id="msg", content=output("a")),
        about("completed", output=[{"type": "new"}, *OUTPUT[1:]]),
    )
    assert [event for event in mixed if isinstance(event, TextDelta | TextAnnotated)] == [
        TextDelta(2, "a"),
        TextAnnotated(2, data({"id": "msg"})),
    ]
    assert ThinkingSealed(0) in mixed


def test_items_told_by_ids_are_ended_by_the_terminal_too() -> None:
    begun = delta("output_text", None, "a", item_id="msg")
    assert said(begun, about("completed", output=[THOUGHT, SAID])) == (
        TextDelta(0, "a"),
        TextAnnotated(0, data({"id": "msg"})),
        END,
    )


def test_without_their_ends_thinking_is_unsealed_other_items_for_reading_and_calls_not_whole() -> None:
    events = said(summary("h"), added(1, "thing", x=1), call(2), added(3, "reasoning", id="rs"), COMPLETED)
    assert events == (
        ThinkingDelta(0, "h"),
        OpaqueStarted(1, "thing"),
        CallStarted(2, "call-fc", "f"),
        ThinkingSealed(0),
        OpaqueEnded(1, data({"type": "thing", "x": 1}), replayable=False),
        TOOL_END,
    )


def test_a_whole_answer_says_the_same() -> None:
    body: JsonObject = {"id": "r", "model": "m", "object": "response", "status": "completed", "output": OUTPUT}
    assert decode_whole(dump_json({**body, "error": None, "usage": None}).encode()) == (STARTED, *TOLD)
    early: JsonObject = {**body, "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    assert decode_whole(dump_json(early).encode())[-1] == TurnEnded(
        Finish("max_tokens", "incomplete", "max_output_tokens")
    )


def test_lone_surrogates_are_repaired() -> None:
    assert said(text("a\ud83d"), text("\ud83d\ude00"), COMPLETED)[:2] == (TextDelta(0, "a\ufffd"), TextDelta(0, "😀"))
    whole = done(0, "message", id="m\ud83d", content=output("\udc00"))
    assert said(whole, COMPLETED)[:2] == (TextDelta(0, "\ufffd"), TextAnnotated(0, data({"id": "m\ufffd"})))


def test_old_decoders_stay_usable() -> None:
    old, _ = ResponsesDecoder().feed(CREATED + text("a"))
    one, _ = old.feed(text("b", 1))
    assert isinstance(old._turn, Turn)
    assert old.feed(text("b"))[1] == (TextDelta(0, "b"),)
    assert old._turn.said_in(0) == "a"
    assert one.feed(text("c", 1))[1] == (TextDelta(1, "c"),)
    assert old.feed(text("d", 2))[1] == (TextDelta(1, "d"),)
    ended, _ = old.feed(COMPLETED)
    assert ended.feed(text("LATE")) == (ended, ())
    assert ended.end() == ()
    assert old.feed(b"")[0] is old
