"""What exceptions of HTTP clients, status errors and their headers amount to."""

from __future__ import annotations

import socket
import ssl
from math import inf
from types import ModuleType

import httpx
import httpx2
import pytest

from punk.core.failures import (
    Clock,
    ConnectFailed,
    ConnectionLost,
    Failure,
    HttpStatus,
    Malformed,
    StreamingUnsupported,
    TimedOut,
    Unsupported,
)
from punk.providers.http import failure_of, patience, retry_after_seconds, status_failure

CASES: list[tuple[str, type[Failure], Clock | None]] = [
    ("ConnectTimeout", TimedOut, "connect"),
    ("PoolTimeout", TimedOut, "connect"),
    ("ReadTimeout", TimedOut, "first_event"),
    ("WriteTimeout", TimedOut, "first_event"),
    ("ConnectError", ConnectFailed, None),
    ("ProxyError", ConnectFailed, None),
    ("UnsupportedProtocol", Unsupported, None),
    ("LocalProtocolError", Unsupported, None),
    ("InvalidURL", Unsupported, None),
    ("DecodingError", Malformed, None),
    ("TooManyRedirects", Malformed, None),
    ("ReadError", ConnectionLost, None),
    ("WriteError", ConnectionLost, None),
    ("CloseError", ConnectionLost, None),
    ("RemoteProtocolError", ConnectionLost, None),
]


@pytest.mark.parametrize("family", [httpx, httpx2], ids=["httpx", "httpx2"])
@pytest.mark.parametrize(("name", "kind", "clock"), CASES)
def test_both_families_of_exceptions(family: ModuleType, name: str, kind: type[Failure], clock: Clock | None) -> None:
    failure = failure_of(getattr(family, name)(""), clock="first_event")
    assert isinstance(failure, kind)
    assert failure.message
    assert getattr(failure, "clock", None) == clock


@pytest.mark.parametrize("family", [httpx, httpx2], ids=["httpx", "httpx2"])
def test_a_closed_answer(family: ModuleType) -> None:
    assert isinstance(failure_of(family.StreamClosed()), ConnectionLost)
    assert "closed" in failure_of(family.StreamConsumed()).message


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError("no"), ConnectFailed),
        (socket.gaierror(-2, "unknown name"), ConnectFailed),
        (ssl.SSLCertVerificationError("bad"), ConnectFailed),
        (ssl.SSLError("bad record"), ConnectionLost),
        (ConnectionResetError(104, "reset"), ConnectionLost),
        (OSError("x"), ConnectionLost),
        (TimeoutError(), TimedOut),
        (RuntimeError("?"), ConnectionLost),
    ],
)
def test_exceptions_of_the_system(error: Exception, kind: type[Failure]) -> None:
    failure = failure_of(error)
    assert isinstance(failure, kind)
    assert failure.message


def test_the_cause_tells_what_a_wrapper_hides() -> None:
    wrapper = RuntimeError("Connection error.")
    wrapper.__cause__ = httpx2.ConnectError("All connection attempts failed")
    assert failure_of(wrapper) == ConnectFailed("no connection to the provider: All connection attempts failed")
    wrapper.__cause__.__cause__ = wrapper  # a ring ends too
    assert isinstance(failure_of(wrapper), ConnectFailed)
    with pytest.raises(ValueError, match="other") as hidden:
        try:
            raise httpx2.ReadError("")
        except httpx2.ReadError:
            raise ValueError("other") from None
    assert failure_of(hidden.value) == ConnectionLost("the connection broke (ValueError)")


def test_no_header_is_quoted() -> None:
    assert "sk-1" not in failure_of(httpx2.LocalProtocolError("Illegal header value b'Bearer sk-1\\n'")).message


def test_long_texts_are_cut() -> None:
    assert len(failure_of(httpx2.RemoteProtocolError("x" * 10_000)).message) < 600
    assert len(status_failure(500, b"x" * 10_000, {}).message) < 600


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (
            404,
            b'{"error":{"type":"not_found_error","message":"model: x"}}',
            HttpStatus(404, "model: x", "not_found_error"),
        ),
        (400, '{"message":"bad"}', HttpStatus(400, "bad")),
        (400, b'"bad"', HttpStatus(400, "bad")),
        (400, b"bad\n request", HttpStatus(400, "bad request")),
        (413, b"", HttpStatus(413, "HTTP 413: the request is too large")),
        (418, b"[1]", HttpStatus(418, "HTTP 418: the provider answered with an error")),
        (503, b" <html>no</html>", HttpStatus(503, "HTTP 503: the provider is not available")),
        (400, b"\xff", HttpStatus(400, "�")),
        (400, b"this model does not support streaming", StreamingUnsupported("this model does not support streaming")),
        (400, b"Unsupported value: 'stream'", StreamingUnsupported("Unsupported value: 'stream'")),
        (400, b"stream_options is not supported", HttpStatus(400, "stream_options is not supported")),
        (403, b"streaming is not supported", HttpStatus(403, "streaming is not supported")),
        (400, b"the stream broke", HttpStatus(400, "the stream broke")),
    ],
)
def test_a_status_error_has_the_providers_words_where_there_are_any(
    status: int, body: bytes | str, failure: Failure
) -> None:
    assert status_failure(status, body, {}) == failure


def test_a_secret_is_blotted_out_unless_it_may_be_a_word() -> None:
    said = status_failure(401, b"the key sk-123456 is not ok", {}, secrets=("sk-123456", "key", ""))
    assert said == HttpStatus(401, "the key *** is not ok")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"Retry-After": " 0.5 "}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "2, 7"}, 7.0),
        ({"retry-after": "2, soon"}, None),
        ({"retry-after": "Mon, 01 Jan 99999999999999 00:00:00 GMT"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Sun, 22 Nov 2026 10:00:30 GMT", "date": "Sun, 22 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"retry-after": "Sun, 22 Nov 2026 10:00:30 -0000", "date": "Sun, 22 Nov 2026 11:00:00 +0100"}, 30.0),
        ({"retry-after": "Sun, 22 Nov 2026 09:00:00 GMT", "date": "Sun, 22 Nov 2026 10:00:00 GMT"}, 0.0),
        ({"retry-after": "Sat, 22 Nov 1986 09:00:00 GMT"}, 0.0),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers) == seconds


def test_headers_of_either_client() -> None:
    for headers in (httpx.Headers({"Retry-After": "2"}), httpx2.Headers({"Retry-After": "2"})):
        assert retry_after_seconds(headers) == 2


def test_a_client_that_is_given_may_know_less_patience() -> None:
    assert patience(3.0) == httpx2.Timeout(None, connect=3.0)
    assert patience(inf) == httpx2.Timeout(None)
    assert patience(3.0, httpx2.Timeout(7.0, connect=1.0)) == httpx2.Timeout(7.0, connect=1.0)
    assert patience(3.0, httpx2.Timeout(7.0, connect=5.0)) == httpx2.Timeout(7.0, connect=3.0)
    assert patience(inf, 7.0) == httpx2.Timeout(7.0)
