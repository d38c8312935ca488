"""Streams that go wrong: cut, empty, garbage, errors in their midst, or answers in one piece."""

from __future__ import annotations

import pytest

from punk.core.events import CallDelta, CallEnded, CallStarted, TextDelta, TurnEnded, TurnFailed
from punk.core.failures import Malformed, ProviderError, Truncated
from punk.core.json import JsonObject, JsonValue, dump_json
from punk.core.messages import Finish
from punk.providers.openai.chat.decode import ChatDecoder, PayloadDecoder, decode_whole
from punk.wire.body import EventStreamBody
from punk.wire.sse import SseDecoder
from tests.providers.openai.chunks import DONE, STARTED, chunk, decoded, said, sse, tool
from tests.support.wire_cases import fold_turn

TEXT = chunk({"content": "a"})
STOP = chunk({}, "stop")
END = TurnEnded(Finish("stop", "stop"))


def failure_in(*chunks: bytes) -> object:
    last = decoded(*chunks)[-1]
    assert isinstance(last, TurnFailed)
    return last.failure


@pytest.mark.parametrize("cut", [b"", b"\n\n", b": ping\n\n", sse({}), DONE, chunk({"role": "assistant"}), TEXT])
def test_an_end_without_a_terminal_is_a_cut(cut: bytes) -> None:
    assert isinstance(failure_in(cut), Truncated)


def test_done_ends_nothing_where_nothing_was_said() -> None:
    assert isinstance(failure_in(chunk({"role": "assistant", "content": ""}), DONE), Truncated)


@pytest.mark.parametrize("end", [STOP, STOP + DONE, STOP[:-1], STOP[:-2], STOP + DONE[:-2], STOP + b": bye", DONE])
def test_ends_that_are_whole(end: bytes) -> None:
    assert isinstance(said(TEXT, end)[-1], TurnEnded)


@pytest.mark.parametrize("half", [STOP[:-9], DONE[:-4], TEXT[:20], TEXT[:-3]])
def test_half_a_chunk_is_a_cut_even_after_the_finish_reason(half: bytes) -> None:
    events = decoded(TEXT, STOP, half)
    assert events[1] == TextDelta(0, "a")
    assert isinstance(events[-1], TurnFailed)
    assert isinstance(events[-1].failure, Truncated)


def test_a_complete_call_in_a_cut_stream_does_not_run() -> None:
    turn = fold_turn(decoded(tool(0, "a", "f", '{"x":1}')))
    assert isinstance(turn.failure, Truncated)
    assert [call.arguments for call in turn.calls] == ['{"x":1}']


@pytest.mark.parametrize(
    "garbage",
    [
        b"null",
        b"[]",
        b"7",
        b'"x"',
        b"not json",
        b"{",
        b"\xff\xfe",
        b'{"choices":7}',
        b'{"choices":[7]}',
        b'{"choices":[null]}',
        b'{"choices":[{"index":"0"}]}',
        b'{"choices":[{"delta":{"content":7}}]}',
        b'{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":{}}}]}}]}',
        b'{"choices":[],"usage":5}',
        b'{"choices":[{"delta":{"content":"a"}}],"usage":{"x":NaN}}',
        b'{"choices":[{"delta":{"content":[{"type":"y","x":1e999}]}}]}',
        b'{"choices":[{"delta":{"reasoning_details":[{"x":-Infinity}]}}]}',
        b'{"id":' + b"[" * 5000,
        b'{"usage":{"x":' + b"9" * 5000 + b"}}",
        b'{"id":7}',
        b'{"id":"\\ud800","choices":[{"delta":{"content":7}}]}',
    ],
)
def test_garbage_is_a_failure_and_never_an_exception(garbage: bytes) -> None:
    for _, body in (("sse", b"data: " + garbage + b"\n\n"), ("tail", b"data: " + garbage)):
        failure = failure_in(TEXT, body, STOP)
        assert isinstance(failure, Malformed | Truncated)
        assert len(failure.message) < 200
    whole = decode_whole(garbage.replace(b"delta", b"message"))
    assert isinstance(whole[-1], TurnFailed)


def test_numbers_that_json_has_not_are_found_at_the_end_at_the_latest() -> None:
    odd = b'data: {"choices":[{"delta":{"content":"a","annotations":[Infinity]}}]}\n\n'
    assert isinstance(failure_in(odd, STOP, DONE), Malformed)
    assert isinstance(failure_in(odd, STOP), Malformed)


ERRORS: list[tuple[JsonObject, ProviderError]] = [
    ({"error": {"message": "no", "type": "server_error", "code": 5}}, ProviderError("no", "server_error")),
    ({"error": {"message": "no", "type": None, "code": "x"}}, ProviderError("no", "x")),
    ({"error": {"message": "no", "code": 502}}, ProviderError("no", "502")),
    ({"error": "no"}, ProviderError("no")),
    ({"error": {"code": 500}}, ProviderError("the provider reports an error", "500")),
    ({"error": True}, ProviderError("the provider reports an error")),
    ({"object": "error", "message": "no", "type": "BadRequestError"}, ProviderError("no", "BadRequestError")),
]


@pytest.mark.parametrize(("document", "failure"), ERRORS)
def test_errors_inside_the_stream(document: JsonObject, failure: ProviderError) -> None:
    assert failure_in(sse(document)) == failure
    assert decoded(TEXT, sse(document), TEXT, STOP, DONE) == (STARTED, TextDelta(0, "a"), TurnFailed(failure))
    assert decode_whole(dump_json(document).encode()) == (TurnFailed(failure),)


def test_an_error_beside_a_finish_reason() -> None:
    events = said(chunk({"content": "a"}, "stop", error={"message": "no", "code": 502}), DONE)
    assert events == (TextDelta(0, "a"), TurnFailed(ProviderError("no", "502")))


@pytest.mark.parametrize("data", ['{"error":{"message":"no"}}', '{"message":"no"}'])
def test_an_event_called_error(data: str) -> None:
    for end in ("\n\n", ""):
        assert failure_in(TEXT, f"event: error\ndata: {data}{end}".encode()) == ProviderError("no")
    assert failure_in(TEXT, b"event: error\ndata: oh\n\n") == ProviderError("the provider reports an error")
    assert said(TEXT, STOP, DONE, f"event: error\ndata: {data}\n\n".encode())[-1] == END


def test_a_body_that_is_no_event_stream() -> None:
    assert failure_in(b'{"error": {"message": "no", "type": "t"}}') == ProviderError("no", "t")
    assert isinstance(failure_in(b"<html>"), Malformed)


def test_a_frame_over_the_limit() -> None:
    decoder = ChatDecoder(EventStreamBody(_sse=SseDecoder(100)))
    decoder, events = decoder.feed(b"data: " + b"x" * 200)
    assert [type(event) for event in events] == [TurnFailed]
    assert decoder.feed(TEXT)[1] == ()
    assert decoder.end() == ()


def test_old_decoders_stay_usable() -> None:
    old, _ = PayloadDecoder().feed(TEXT[6:])
    one, _ = old.feed(tool(0, "x", "f", "{}")[6:])
    two, _ = old.feed(tool(0, "y", "g", "[]")[6:])
    assert one.feed(b"[DONE]")[1][:1] == two.feed(b"[DONE]")[1][:1] == (CallEnded(1),)
    assert old.feed(tool(0, "z", "h", "1")[6:])[1] == (CallStarted(1, "z", "h"), CallDelta(1, "1"))
    assert old.feed(TEXT[6:])[0] is old


WHOLE: JsonObject = {"id": "r", "model": "m", "object": "chat.completion"}


def whole(message: JsonValue, reason: str | None = "stop", **more: JsonValue) -> bytes:
    choice: JsonObject = {"index": 0, "message": message, "finish_reason": reason}
    return dump_json({**WHOLE, "choices": [choice], **more}).encode()


def test_an_answer_in_one_piece_says_the_same_as_a_stream() -> None:
    calls: JsonValue = [{"id": id_, "type": "function", "function": {"name": "f", "arguments": "{}"}} for id_ in "xy"]
    usage: JsonObject = {"prompt_tokens": 1, "completion_tokens": 2}
    message: JsonObject = {"role": "assistant", "content": "a", "refusal": None, "tool_calls": calls}
    pieces = [tool(0, "x", "f", "{}"), tool(1, "y", "f", "{}"), sse({"choices": [], "usage": usage})]
    streamed = decoded(TEXT, *pieces, chunk({}, "tool_calls"), DONE)
    assert decode_whole(whole(message, "tool_calls", usage=usage)) == streamed


def test_an_answer_in_one_piece_without_a_message() -> None:
    for body in (b"{}", b'{"choices":[]}', b"<html>", whole(None, None), whole({"content": ""}, None)):
        last = decode_whole(body)[-1]
        assert isinstance(last, TurnFailed)
        assert isinstance(last.failure, Malformed)
    assert decode_whole(whole({"content": None})) == (STARTED, END)
    assert decode_whole(whole({"reasoning_content": "h", "content": "\ud800"}, None))[-2:] == (
        TextDelta(1, "\ufffd"),
        TurnEnded(Finish()),
    )
