"""What becomes of answers that are damaged, out of order, cut, or none at all."""

from __future__ import annotations

import pytest

from punk.core.events import (
    TextDelta,
    TurnFailed,
)
from punk.core.failures import Failure, Malformed, ProtocolViolation, ProviderError, Truncated
from punk.testing.wires.bedrock_converse import encode_event, encode_exception, encode_message
from tests.providers.bedrock.answers import (
    STARTED,
    arguments,
    between,
    call,
    decoded,
    delta,
    ending,
    failure,
    message,
    metadata,
    raw,
    redacted,
    start,
    stop,
    text,
    thinking,
)


def test_empty_documents_and_unknown_events_are_ignored() -> None:
    names = ("messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "metadata")
    assert between(text(0, "A"), delta(0, newer={})) == [TextDelta(0, "A")]
    assert between(*(raw(name, b"{}") for name in names), raw("news", b"["), encode_message({}, b"")) == []
    assert (
        between(start(0), start(0, text=""), delta(0), encode_event("contentBlockStart", {"contentBlockIndex": 3}))
        == []
    )


@pytest.mark.parametrize(
    "piece",
    [
        raw("contentBlockDelta", b'{"contentBlockIndex":0}'),
        raw("contentBlockDelta", b'{"contentBlockIndex":0,"delta":{"text":7}}'),
        raw("contentBlockDelta", b'{"contentBlockIndex":"0","delta":{"text":"a"}}'),
        raw("contentBlockDelta", b'{"contentBlockIndex":0,"delta":[]}'),
        raw("contentBlockDelta", b'{"contentBlockIndex":0,"delta":{"toolUse":{"input":{}}}}'),
        raw("contentBlockDelta", b'{"contentBlockIndex":0,"delta":{"text":"\xff"}}'),
        raw("contentBlockDelta", b'{"contentBlockIndex":0,"delta":{"te'),
        raw("contentBlockDelta", b"null"),
        raw("contentBlockStart", b'{"start":{"toolUse":{}}}'),
        raw("contentBlockStart", b'{"contentBlockIndex":0,"start":[]}'),
        raw("contentBlockStart", b'{"contentBlockIndex":0,"start":{"toolUse":7}}'),
        raw("contentBlockStart", b'{"contentBlockIndex":0,"start":{"toolUse":{"name":7}}}'),
        raw("contentBlockStop", b'{"contentBlockIndex":"0"}'),
        raw("messageStop", b'{"stopReason":7}'),
        raw("messageStart", b"[]"),
        raw("metadata", b""),
        b"\x00\x00\x00\x10garbage garbage",
    ],
)
def test_garbage_is_a_failure(piece: bytes) -> None:
    assert isinstance(failure(piece, text(0, "late"), ending()), Malformed)


@pytest.mark.parametrize(
    "pieces",
    [
        [message()],
        [arguments(0, "{}")],
        [text(0, "A"), arguments(0, "{}")],
        [call(0), call(0)],
        [text(0, "A"), message()],
        [metadata(), message()],
        [start(0, video={}), call(0)],
        [call(0), start(0, video={})],
        [call(0), text(0, "A")],
        [call(0), thinking(0, "A")],
        [call(0), redacted(0, "AA==")],
    ],
)
def test_events_in_an_order_that_cannot_be(pieces: list[bytes]) -> None:
    found = failure(*pieces, text(5, "late"), ending())
    assert isinstance(found, ProtocolViolation)
    assert found.by == "provider"


def test_surrogates() -> None:
    halves = raw("contentBlockDelta", b'{"contentBlockIndex":0,"delta":{"text":"\\ud83d\\ude00\\ud83d"}}')
    assert between(halves) == [TextDelta(0, "😀\ufffd")]


@pytest.mark.parametrize(
    ("piece", "error"),
    [
        (encode_exception("Slow down", "throttlingException"), ProviderError("Slow down", "throttlingException")),
        (encode_exception("Broken", None), ProviderError("Broken", None)),
        (
            encode_message({":message-type": "error", ":error-code": "Oops", ":error-message": "Hm"}, b"{}"),
            ProviderError("Hm", "Oops"),
        ),
        (
            encode_message({":message-type": "exception", ":exception-type": "xException"}, b"<html>"),
            ProviderError("the provider reports xException", "xException"),
        ),
        (
            encode_message({":message-type": "exception"}, b'{"Message":"Hm","__type":"a#B"}'),
            ProviderError("Hm", "B"),
        ),
        (
            encode_message({":message-type": "exception"}, b""),
            ProviderError("the provider reports an error without a word"),
        ),
    ],
)
def test_exceptions_come_at_any_time(piece: bytes, error: ProviderError) -> None:
    assert decoded(piece) == (TurnFailed(error),)
    assert decoded(message(), text(0, "A"), piece, text(0, "B"), ending()) == (
        STARTED,
        TextDelta(0, "A"),
        TurnFailed(error),
    )
    assert decoded(message(), ending(), piece, metadata())[-1] == TurnFailed(error)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b' {"message":"No","__type":"com.amazon#XException"}', ProviderError("No", "XException")),
        (b'{"Message":"No"}', ProviderError("No")),
        (b'{"code":"XException"}', ProviderError("the provider reports XException", "XException")),
        (b'{"error":{"message":"No","type":"t"}}', ProviderError("No", "t")),
    ],
)
def test_errors_that_come_in_the_place_of_a_stream(body: bytes, found: Failure) -> None:
    for pieces in ([body], [body[:9], body[9:]], [b" \n", body]):
        assert decoded(*pieces) == (TurnFailed(found),)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"a":', b"{}"])
def test_bodies_that_are_no_stream(body: bytes) -> None:
    [last] = decoded(body, b"x" * 70_000, b"y")
    assert isinstance(last, TurnFailed)
    assert isinstance(last.failure, Malformed)


@pytest.mark.parametrize("pieces", [[], [b"", b" \n"], [message()], [message(), text(0, "A"), stop(0)], [b"\x00\x00"]])
def test_answers_that_are_cut(pieces: list[bytes]) -> None:
    *_, last = decoded(*pieces)
    assert isinstance(last, TurnFailed)
    assert isinstance(last.failure, Truncated)
