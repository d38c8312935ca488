"""A body that is no event stream is told from one that was cut, however it is cut itself."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from punk.core.failures import Failure, Malformed, ProviderError
from punk.wire.body import EventStreamBody, error_of, failure_in_body
from punk.wire.sse import SseDecoder, SseFault, SseFrame, SseTail

ERROR = b'{"error": {"type": "overloaded_error", "message": "Overloaded"}}'
PAGE = b"<html><body>Bad gateway</body></html>"


def feed(*chunks: bytes) -> tuple[list[SseFrame | SseFault], tuple[SseTail, ...] | Failure]:
    body = EventStreamBody()
    frames: list[SseFrame | SseFault] = []
    for chunk in chunks:
        body, more = body.feed(chunk)
        frames += more
    return frames, body.end()


def bytewise(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (ERROR, ProviderError("Overloaded", "overloaded_error")),
        (b"\r\n  " + ERROR, ProviderError("Overloaded", "overloaded_error")),
        (b"[" + ERROR + b"]", Malformed("the provider sent something else where an event stream was asked for")),
        (b'{"id": "r", "choices": []}', Malformed("the provider sent JSON where an event stream was asked for")),
        (PAGE, Malformed("the provider sent a web page where an event stream was asked for")),
        (b"  \n" + PAGE, Malformed("the provider sent a web page where an event stream was asked for")),
        (b'{"error": ', Malformed("the provider sent something else where an event stream was asked for")),
    ],
)
def test_a_stray_body_says_what_it_is(body: bytes, failure: Failure) -> None:
    assert feed(body) == ([], failure)
    assert feed(*bytewise(body)) == ([], failure)


def test_frames_inside_a_stray_body_are_not_frames() -> None:
    assert feed(b"{\n\ndata: 1\n\n") == ([], failure_in_body(b"{\n\ndata: 1\n\n"))


@given(st.binary(max_size=40), st.lists(st.integers(0, 40)))
def test_an_event_stream_is_decoded_as_without_it(data: bytes, cuts: list[int]) -> None:
    stream = b"data: " + data
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    chunks = [stream[a:b] for a, b in itertools.pairwise(edges)]
    decoder, frames = SseDecoder(), list[SseFrame | SseFault]()
    for chunk in chunks:
        decoder, more = decoder.feed(chunk)
        frames += more
    assert feed(*chunks) == (frames, decoder.end())


def test_white_space_alone_is_an_empty_stream() -> None:
    assert feed(b" ", b"\n", b"") == ([], ())


def test_old_versions_stay_usable() -> None:
    start = EventStreamBody()
    stray, _ = start.feed(b"{")
    events, frames = start.feed(b"data: 1\n\n")
    assert frames == (SseFrame(None, b"1"),)
    assert events.end() == ()
    assert stray.feed(b'"message": "no"}')[0].end() == ProviderError("no")
    assert stray.end() == Malformed("the provider sent something else where an event stream was asked for")


def test_a_long_stray_body_is_not_kept() -> None:
    body, _ = EventStreamBody().feed(b"<html>")
    for _ in range(100):
        body, _ = body.feed(b"x" * 1024)
    kept = body
    for _ in range(100):
        body, _ = body.feed(b"x" * 1024)
    assert body == kept


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"error": {"message": "m", "type": "t", "code": "c"}}, ("m", "t")),
        ({"error": {"message": "m", "code": 502}}, ("m", "502")),
        ({"error": {"message": "", "status": "UNAVAILABLE"}}, (None, "UNAVAILABLE")),
        ({"error": "m"}, ("m", None)),
        ({"error": None}, (None, None)),
        ({"errors": [{"detail": "m"}]}, ("m", None)),
        ({"errors": []}, (None, None)),
        ({"message": "m", "type": "t"}, ("m", "t")),
        ({"detail": "m"}, ("m", None)),
        ({"id": "r"}, (None, None)),
    ],
)
def test_error_documents_come_in_many_forms(document: dict[str, object], said: tuple[str | None, str | None]) -> None:
    assert error_of(document) == said  # type: ignore[arg-type]  # literals, which mypy takes for objects
