"""Streams that go wrong: cut, empty, garbage, errors in their midst, events in an order that cannot be."""

from __future__ import annotations

import pytest

from punk.core.events import TextDelta, TurnFailed
from punk.core.failures import Failure, Malformed, ProtocolViolation, ProviderError, Truncated
from punk.core.json import JsonObject, JsonValue, dump_json
from punk.providers.openai.responses.decode import ResponsesDecoder, decode_whole
from punk.wire.body import EventStreamBody
from punk.wire.sse import SseDecoder
from tests.providers.openai.responses.events import (
    COMPLETED,
    CREATED,
    STARTED,
    about,
    added,
    decoded,
    delta,
    done,
    said,
    sse,
    text,
)
from tests.support.wire_cases import fold_turn


def failure_in(*frames: bytes) -> Failure:
    last = decoded(*frames)[-1]
    assert isinstance(last, TurnFailed)
    assert last.failure.message
    return last.failure


@pytest.mark.parametrize("cut", [b"", b"\n\n", b": ping\n\n", CREATED, CREATED + text("a"), CREATED + COMPLETED[:-9]])
def test_an_end_without_a_terminal_is_a_cut(cut: bytes) -> None:
    assert isinstance(failure_in(cut), Truncated)
    assert isinstance(failure_in(cut + b"\n\ndata: [DONE]\n\n"), Truncated | Malformed)


def test_the_last_blank_line_may_be_missing() -> None:
    assert said(text("a"), COMPLETED[:-1]) == said(text("a"), COMPLETED) == said(text("a"), COMPLETED[:-2])
    assert said(text("a"), text("b")[:-2])[:2] == (TextDelta(0, "a"), TextDelta(0, "b"))


def test_a_complete_call_in_a_cut_stream_does_not_run() -> None:
    whole = done(0, "function_call", id="fc", call_id="c", name="f", arguments="{}")
    turn = fold_turn(decoded(CREATED, whole))
    assert isinstance(turn.failure, Truncated)
    assert [call.id for call in turn.calls] == ["c"]


NAMES = ["response.output_text.delta", "response.output_item.done", "response.created", "response.completed", "strange"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "garbage", [b"null", b"[]", b"7", b'"x"', b"not json", b"{", b"\xff\xfe", b'{"x":NaN', b"[" * 999]
)
def test_garbage_is_a_failure_and_never_an_exception(name: str, garbage: bytes) -> None:
    for end in (b"\n\n", b""):
        failure = failure_in(CREATED, f"event: {name}\n".encode() + b"data: " + garbage + end)
        assert isinstance(failure, Malformed | Truncated)
        assert len(failure.message) < 200
    assert isinstance(failure_in(b"data: " + garbage + b"\n\n"), Malformed)
    assert isinstance(decode_whole(garbage)[-1], TurnFailed)


@pytest.mark.parametrize(
    "frame",
    [
        text(7),
        text("a", "0"),
        text("a", 0, "0"),
        delta("function_call_arguments", 0, {}),
        added(0, "message", id=7),
        sse("response.output_item.added", {"output_index": 0, "item": {}}),
        sse("response.output_item.added", {"output_index": 0, "item": []}),
        added(0, "function_call", name=7),
        done(0, "function_call", id="fc", arguments={}),
        added(0, "function_call", id="fc") + done(0, "function_call", id="fc", arguments={}),
        done(0, "message", content=[{"type": "output_text", "text": 7}]),
        done(0, "message", content="a"),
        done(0, "reasoning", summary=7),
        sse("response.completed", {"response": []}),
        about("completed", output=[7]),
        about("completed", output=[{"type": "message", "content": 7}]),
        about("completed", output=[{}]),
        about("completed", usage=5),
        about("created", id=5),
        sse("", {"type": 7}, named=False),
    ],
)
def test_wrong_types_are_a_failure(frame: bytes) -> None:
    assert isinstance(failure_in(CREATED, frame, COMPLETED), Malformed)


def test_an_empty_object_is_no_event() -> None:
    empty = b"".join(f"event: {name}\ndata: {{}}\n\n".encode() for name in NAMES) + b"data: {}\n\n"
    assert said(empty, sse("response.output_item.done", {"output_index": 0}), COMPLETED) == said(COMPLETED)


@pytest.mark.parametrize(
    "frames",
    [
        [delta("function_call_arguments", 0, "{}")],
        [sse("response.function_call_arguments.done", {"output_index": 0, "arguments": "{}"})],
        [added(0, "message"), delta("function_call_arguments", 0, "{}")],
        [added(0, "function_call"), text("a")],
        [text("a"), delta("reasoning_text", 0, "h")],
        [added(0, "message", id="x"), added(0, "message", id="y")],
        [added(0, "message"), added(0, "reasoning")],
        [added(0, "thing"), done(0, "message")],
        [text("a"), done(0, "other")],
        [about("created", id="r2")],
    ],
)
def test_an_order_that_cannot_be(frames: list[bytes]) -> None:
    failure = failure_in(CREATED, *frames, COMPLETED)
    assert isinstance(failure, ProtocolViolation)
    assert failure.by == "provider"


NAMELESS = ProviderError("the provider reports an error without a word")
ERRORS: list[tuple[bytes, ProviderError]] = [
    (sse("error", {"code": "server_error", "message": "no", "param": None}), ProviderError("no", "server_error")),
    (sse("error", {"code": None, "message": "no", "param": None}), ProviderError("no")),
    (sse("error", {"error": {"type": "tokens", "code": "x", "message": "no"}}), ProviderError("no", "tokens")),
    (sse("error", {"error": {"type": None, "code": "x", "message": "no"}}), ProviderError("no", "x")),
    (sse("error", {"error": {"code": "x"}}), ProviderError("the provider reports x", "x")),
    (sse("error", {}), NAMELESS),
    (b"event: error\ndata: oh\n\n", NAMELESS),
    (b'data: {"error":{"message":"no","type":"t"}}\n\n', ProviderError("no", "t")),
    (b'data: {"type":"error","message":"no","code":"c"}\n\n', ProviderError("no", "c")),
    (b'event: error\ndata: {"message":"\\ud800"}\n\n', ProviderError("\ufffd")),
    (
        about("failed", error={"code": "rate_limit_exceeded", "message": "no"}),
        ProviderError("no", "rate_limit_exceeded"),
    ),
    (about("failed", error=None), NAMELESS),
]


@pytest.mark.parametrize(("frame", "failure"), ERRORS)
def test_errors_inside_the_stream(frame: bytes, failure: ProviderError) -> None:
    assert decoded(CREATED, text("a"), frame, text("LATE"), COMPLETED) == (
        STARTED,
        TextDelta(0, "a"),
        TurnFailed(failure),
    )
    assert failure_in(frame) == failure


def test_a_failed_answer_keeps_its_usage() -> None:
    turn = fold_turn(decoded(CREATED, text("a"), about("failed", usage={"input_tokens": 3}, error={"message": "no"})))
    assert turn.failure == ProviderError("no")
    assert turn.usage is not None
    assert turn.usage.input_tokens == 3


def test_a_body_that_is_no_event_stream() -> None:
    assert failure_in(b'{"error": {"message": "no", "type": "t"}}') == ProviderError("no", "t")
    assert isinstance(failure_in(b"<html>"), Malformed)


def test_a_frame_over_the_limit() -> None:
    decoder = ResponsesDecoder(EventStreamBody(_sse=SseDecoder(100)))
    decoder, events = decoder.feed(b"data: " + b"x" * 200)
    assert [type(event) for event in events] == [TurnFailed]
    assert decoder.feed(text("a"))[1] == ()
    assert decoder.end() == ()


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ({"error": {"message": "no", "type": "t"}}, ProviderError("no", "t")),
        ({"status": "failed", "error": {"message": "no", "code": "c"}}, ProviderError("no", "c")),
        ({"status": "failed", "error": None}, NAMELESS),
        ({"status": None, "error": {"message": "no"}}, ProviderError("no")),
        ({"status": "completed", "error": {"message": "no"}}, ProviderError("no")),
    ],
)
def test_a_whole_answer_that_is_an_error(body: JsonObject, failure: ProviderError) -> None:
    assert decode_whole(dump_json(body).encode())[-1] == TurnFailed(failure)


@pytest.mark.parametrize("body", [{}, {"status": "queued"}, {"output": []}, {"status": "completed", "output": 7}])
def test_a_whole_answer_that_is_none(body: JsonValue) -> None:
    last = decode_whole(dump_json(body).encode())[-1]
    assert isinstance(last, TurnFailed)
    assert isinstance(last.failure, Malformed)
