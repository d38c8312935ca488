"""Streams that go wrong: cut, empty, garbage, errors in their midst, in events or bare."""

from __future__ import annotations

import json

import pytest

from punk.core.events import TextDelta, TurnEnded, TurnFailed
from punk.core.failures import Failure, Malformed, ProviderError, Truncated
from punk.core.json import JsonObject, dump_json
from punk.providers.google.body import Payloads
from punk.providers.google.decode import GeminiDecoder, PayloadDecoder, decode_whole
from punk.providers.google.reports import retry_delay
from tests.providers.google.chunks import END, STARTED, call, chunk, decoded, said, sse, text
from tests.support.sse import bytewise
from tests.support.wire_cases import decode, fold_turn

TEXT = chunk(text("a"))
ERROR: JsonObject = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
OVERLOADED = ProviderError("The model is overloaded.", "UNAVAILABLE")


def failure_in(*chunks: bytes) -> Failure:
    last = decoded(*chunks)[-1]
    assert isinstance(last, TurnFailed), last
    assert len(last.failure.message) < 300
    return last.failure


@pytest.mark.parametrize("cut", [b"", b"\r\n", b": ping\n\n", sse({}), sse({"new": 1}), TEXT, sse({"candidates": []})])
def test_an_end_without_a_finish_reason_is_a_cut(cut: bytes) -> None:
    assert isinstance(failure_in(cut), Truncated)


@pytest.mark.parametrize(
    "end", [END, END[:-2], END[:-4], END.replace(b"\r\n", b"\r"), END + b": bye", END + b"data:\n\n"]
)
def test_ends_that_are_whole(end: bytes) -> None:
    assert isinstance(said(TEXT, end)[-1], TurnEnded)


@pytest.mark.parametrize("half", [END[:-5], TEXT[:20], b"data: {", b"{", b'{"error":\n', b"{\n}\n{"])
def test_half_a_chunk_is_a_cut_even_after_the_finish_reason(half: bytes) -> None:
    events = decoded(TEXT, END, half)
    assert events[1] == TextDelta(0, "a")
    assert isinstance(failure_in(TEXT, END, half), Truncated)


def test_a_complete_call_in_a_cut_stream_does_not_run() -> None:
    turn = fold_turn(decoded(chunk(call("f", args={"x": 1}))))
    assert isinstance(turn.failure, Truncated)
    assert [c.arguments for c in turn.calls] == ['{"x":1}']


PRETTY = json.dumps(ERROR, indent=2).encode()


@pytest.mark.parametrize(
    "error",
    [
        sse(ERROR),
        dump_json(ERROR).encode(),
        PRETTY,
        PRETTY + b"\n",
        b"\r\n" + PRETTY.replace(b"\n", b"\r\n") + b"\r\n\r\n",
        sse({**ERROR, "candidates": []}),
        b"event: error\n" + sse(ERROR),
        b"[" + dump_json(ERROR).encode() + b"]",
        b"[" + PRETTY + b"\n]\r\n",
        b"[\n" + PRETTY + b"\n,\n{}]",
    ],
)
@pytest.mark.parametrize("before", [(), (TEXT,), (TEXT, END)])
def test_an_error_in_the_midst_or_instead(error: bytes, before: tuple[bytes, ...]) -> None:
    assert failure_in(*before, error) == OVERLOADED
    assert decoded(*before, error + b"\n" + TEXT + END)[-1] == TurnFailed(OVERLOADED)
    assert decode(GeminiDecoder(), bytewise(b"".join(before) + error)) == decoded(*before, error)


@pytest.mark.parametrize("page", [b"<html>502</html>", b"\n<!doctype html>\n<p>no\n", b"\r<html>\r\n\r\n"])
@pytest.mark.parametrize("before", [TEXT, TEXT + END, (TEXT + END).replace(b"\r\n", b"\n")])
def test_a_page_in_the_midst_is_a_failure(page: bytes, before: bytes) -> None:
    assert isinstance(failure_in(before, page), Malformed)
    assert decode(GeminiDecoder(), bytewise(before + page)) == decoded(before + page)


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("error", [PRETTY, PRETTY + b"\n", b"[" + PRETTY + b"]\n"])
def test_a_bare_document_ends_the_event_before_it(line_end: bytes, error: bytes) -> None:
    unended = TEXT.strip() + line_end
    for body in (unended + error, END + unended + error + b"\n" + TEXT):
        assert decoded(body)[1:] == (TextDelta(0, "a"), TurnFailed(OVERLOADED))
        assert decode(GeminiDecoder(), bytewise(body)) == decoded(body)
    whole = unended + END[6:-4]
    for body in (whole, whole + b"\n", whole + b"\n" + END):
        assert decode(GeminiDecoder(), bytewise(body)) == decoded(body) == decoded(TEXT, END)
    page = decoded(unended + b"<html>")
    assert page[1] == TextDelta(0, "a")
    assert isinstance(page[-1], TurnFailed)


def test_half_an_event_before_a_bare_document() -> None:
    half = TEXT[:20] + b"\n"
    for end in (b"", b"\n"):
        assert decoded(half + PRETTY + end) == (TurnFailed(OVERLOADED),)
        cut = TEXT + half + END[6:-4] + end
        for body in (cut, cut + b"\n" + TEXT):
            events = decoded(body)
            assert events[1] == TextDelta(0, "a")
            assert isinstance(failure_in(body), Truncated)
            assert decode(GeminiDecoder(), bytewise(body)) == events == decoded(*body.splitlines(keepends=True))


@pytest.mark.parametrize("nothing", [b"null", b" null ", b"[DONE]", b" [DONE]"])
def test_payloads_that_say_nothing(nothing: bytes) -> None:
    nothing = b"data: " + nothing + b"\n\n"
    assert decoded(nothing, TEXT, nothing, END, nothing) == decoded(TEXT, END)
    assert isinstance(failure_in(TEXT, nothing), Truncated)


def test_an_error_ends_the_answer_before_its_bytes_end() -> None:
    decoder, events = GeminiDecoder().feed(TEXT + PRETTY + b"\n")
    assert events[-1] == TurnFailed(OVERLOADED)
    assert decoder.feed(TEXT)[1] == decoder.end() == ()


def test_events_go_on_after_a_document() -> None:
    assert said(chunk(text("a")), chunk(text("b"))[6:-2], chunk(text("c")), END)[:3] == (
        TextDelta(0, "a"),
        TextDelta(0, "b"),
        TextDelta(0, "c"),
    )


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        ({"message": "no", "code": 500}, ProviderError("no", "500")),
        ("no", ProviderError("no")),
        ({"code": 400}, ProviderError("the provider reports an error", "400")),
        (True, ProviderError("the provider reports an error")),
    ],
)
def test_errors_of_other_forms(error: JsonObject, failure: ProviderError) -> None:
    assert failure_in(TEXT, sse({"error": error})) == failure
    assert decode_whole(dump_json({"error": error}).encode()) == (TurnFailed(failure),)


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [("7s", 7.0), ("0.25s", 0.25), ("soon", None), ("1m", None), (7, None), ("-1s", None), ("1e9s", None)],
)
def test_how_long_to_wait_stands_among_the_details(delay: object, seconds: float | None) -> None:
    for details in ([{"x": 1}, {"retryDelay": delay}], [None, {"retryDelay": delay}]):
        assert retry_delay({"details": details}) == seconds
    assert retry_delay({"details": 7}) is retry_delay([]) is retry_delay(None) is None


@pytest.mark.parametrize(
    "garbage",
    [
        b"7",
        b'"x"',
        b"not json",
        b"{",
        b"\xff\xfe",
        b"[7]",
        b'{"candidates":7}',
        b'{"candidates":[7]}',
        b'{"candidates":[{"content":[]}]}',
        b'{"candidates":[{"index":"a"}]}',
        b'{"candidates":[{"index":0.5}]}',
        b'{"candidates":[{"content":{"parts":[{"text":"a","thought":"maybe"}]}}]}',
        b'{"candidates":[{"content":{"parts":[{"text":7}]}}]}',
        b'{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":[]}}]}}]}',
        b'{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"x":NaN}}}]}}]}',
        b'{"candidates":[{"content":{"parts":[{"new":{"x":1e999}}]}}]}',
        b'{"candidates":[{"groundingMetadata":{"x":-Infinity}}]}',
        b'{"candidates":[{}],"usageMetadata":{"x":NaN}}',
        b'{"candidates":[{}],"usageMetadata":7}',
        b'{"responseId":' + b"[" * 5000,
        b'{"responseId":7}',
        b'{"responseId":"\\ud800","candidates":7}',
    ],
)
def test_garbage_is_a_failure_and_never_an_exception(garbage: bytes) -> None:
    for body in (b"data: " + garbage + b"\n\n", b"data: " + garbage, b"{" + garbage + b"\n"):
        assert isinstance(failure_in(TEXT, body, END), Malformed | Truncated)
    assert isinstance(decode_whole(garbage)[-1], TurnFailed)


def test_token_counts_that_json_has_not_are_found_at_the_end() -> None:
    counted = sse({"usageMetadata": {"promptTokenCount": 1}})
    odd = b'data: {"usageMetadata":{"x":NaN}}\r\n\r\n'
    assert isinstance(failure_in(TEXT, counted, odd, END), Malformed)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>no</html>", Malformed),
        (b"\n <!doctype html>", Malformed),
        (b"Internal error", Truncated),
        (b"{}", Truncated),
        (b"[]", Truncated),
        (b'{"oh"}\n', Malformed),
        (b"}\n{]\n", Malformed),
        (b"[{]\n}\n", Malformed),
    ],
)
def test_a_body_that_is_no_answer(body: bytes, kind: type[Failure]) -> None:
    assert isinstance(failure_in(body), kind)
    assert decode(GeminiDecoder(), bytewise(body)) == decoded(body)
    assert isinstance(decode_whole(body)[-1], TurnFailed)


def test_a_byte_order_mark_before_either_form() -> None:
    mark = b"\xef\xbb\xbf"
    for body in (TEXT + END, b"[" + TEXT[6:-4] + b"\n,\n" + END[6:-4] + b"\n]", b"  " + TEXT + END):
        for marked in (mark + body, b"\n" + mark + body):
            assert decode(GeminiDecoder(), bytewise(marked)) == decoded(marked) == decoded(TEXT, END)


def test_payloads_over_the_limit() -> None:
    for body in (b"data: " + b"x" * 200, b"{" + b"x" * 200, b"{\n" + b'"x":1,\n' * 50):
        for pieces in ([body], bytewise(body)):
            decoder = GeminiDecoder(Payloads(100, _sse=Payloads()._sse.__class__(100)))
            last = decode(decoder, pieces)[-1]
            assert isinstance(last, TurnFailed)
            assert isinstance(last.failure, Malformed)


def test_after_the_end_nothing_is_said() -> None:
    over, _ = PayloadDecoder().feed(b"7")
    assert over.feed(dump_json(ERROR).encode()) == (over, ())
    assert over.fail(Truncated("late")) == (over, ())
    assert over.end() == ()
    assert decoded(b'[{"error":{}},{"candidates":[{}]},{"error":"a"},{"error":"b"}]') == (
        STARTED.__class__("gemini"),
        TurnFailed(ProviderError("a")),
    )
