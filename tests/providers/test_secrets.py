"""Tests of what counts as a secret of a request, and of how it is kept out of texts."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from types import ModuleType

import httpx
import httpx2
import pytest

from punk.core.failures import ConnectionLost, HttpStatus, ProviderError
from punk.core.json import dump_json
from punk.providers.addresses import plain_address
from punk.providers.base import Body, TransportError
from punk.providers.secrets import (
    FORBIDDEN_HEADER,
    ForeignError,
    check_sendable,
    presentable_failure,
    presented,
    secrets_behind,
    secrets_in_json,
    secrets_of,
    secrets_of_address,
    without_secrets,
)

KEY = "planted-0123456789"
BODY = Body({})


@pytest.mark.parametrize("name", ["authorization", "X-Api-Key", "api-key", "x-gateway-key", "cookie"])
@pytest.mark.parametrize("form", ["{}", "Bearer {}", "bearer {}", "Token {}"])
def test_any_header_may_hold_a_key(name: str, form: str) -> None:
    assert KEY in secrets_of({name: form.format(KEY)})


def test_headers_that_hold_none_hide_nothing() -> None:
    harmless = {"Host": "api.example.com", "content-type": "application/json", "User-Agent": "a/1 b", "accept": "*/*"}
    assert secrets_of(harmless | {"X-Stainless-Lang": "python-python", "anthropic-version": "2023-06-01"}) == ()


def test_the_password_in_a_header_is_known_by_itself() -> None:
    encoded = b64encode(f"user:{KEY}".encode()).decode()
    assert {encoded, KEY} <= set(secrets_of({"authorization": f"Basic {encoded}"}))
    assert secrets_of({"authorization": "Basic ?"}) == ("?",)


@pytest.mark.parametrize(
    "url", [f"https://user:{KEY}@x.example/v1", f"https://x.example/v1?key={KEY}&alt=sse", f"https://{KEY}@x.example"]
)
def test_what_is_secret_in_an_address(url: str) -> None:
    assert set(secrets_of_address(url)) == {KEY}


def test_what_is_harmless_in_an_address() -> None:
    assert secrets_of_address("https://x.example:80/v1?alt=sse&api-version=2024-10-21") == ()


def test_keys_of_hosted_tools() -> None:
    tools = [{"type": "mcp", "authorization": KEY, "server_url": "https://x.example?k=in-the-address"}]
    document = {"tools": tools, "mcp_servers": [{"headers": {"x-key": "in-a-header"}, "max_tokens": 12_345_678}]}
    assert set(secrets_in_json(document)) == {KEY, "in-the-address", "in-a-header"}  # type: ignore[arg-type]  # a literal


def written_as_bytes(key: str) -> str:
    return repr(key.encode())


@pytest.mark.parametrize("write", [str, repr, ascii, written_as_bytes, dump_json])
@pytest.mark.parametrize("key", [KEY, f"{KEY}\n", f"{KEY}\\\"'", f"{KEY}é"])
def test_a_key_is_blotted_out_however_it_is_written(key: str, write: Callable[[str], str]) -> None:
    assert KEY not in without_secrets(f"bad key {write(key)}!", [key])


def test_the_longest_goes_first_and_placeholders_stay() -> None:
    assert without_secrets("none 12345678 123456789abc", ["none", "12345678", "123456789abc"]) == "none *** ***"


def test_what_the_other_side_wrote_is_blotted_in_all_its_fields() -> None:
    for failure in HttpStatus(400, KEY, KEY), ProviderError(KEY, KEY), ConnectionLost(KEY):
        assert KEY not in repr(presentable_failure(failure, [KEY]))


@pytest.mark.parametrize("value", ["a\nb", "é", "a\r", " a", "a ", "\x00"])
def test_what_no_header_may_hold(value: str) -> None:
    with pytest.raises(TransportError) as caught:
        check_sendable(["fine", None, value])
    assert caught.value.failure == FORBIDDEN_HEADER


def test_what_a_header_may_hold() -> None:
    check_sendable(["", "Bearer a~!\t b", None, object()])


@pytest.mark.parametrize("family", [httpx, httpx2], ids=["httpx", "httpx2"])
def test_the_request_behind_an_exception_tells_its_keys(family: ModuleType) -> None:
    request = family.Request("POST", f"https://x.example?key={KEY}", headers={"x-gateway-key": "another-key"})
    error = family.ConnectError("no", request=request)
    wrapper = RuntimeError("wrapped")
    wrapper.__cause__ = error
    assert {KEY, "another-key"} <= set(secrets_behind(wrapper))
    assert secrets_behind(family.ConnectError("without one")) == ()


def failed(cause: BaseException, *secrets: str) -> TransportError:
    error = TransportError(ConnectionLost(f"lost: {KEY}"), secrets)
    error.__cause__ = cause
    return error


def test_an_exception_that_shows_no_key_stays_itself() -> None:
    cause = ValueError("harmless")
    assert presented(failed(cause, KEY), BODY) == (ConnectionLost("lost: ***"), cause)


def deep(how: str) -> BaseException:
    error = RuntimeError("harmless")
    inner = ValueError(KEY)
    match how:
        case "cause":
            error.__cause__ = inner
        case "context":
            error.__context__ = inner
            error.__suppress_context__ = True
        case "group":
            error.__cause__ = ExceptionGroup("harmless", [inner])
        case "note":
            error.add_note(KEY)
        case _:
            error.args = ("harmless", KEY)
    return error


@pytest.mark.parametrize("how", ["cause", "context", "group", "note", "arguments"])
def test_an_exception_with_a_key_anywhere_behind_it_is_replaced(how: str) -> None:
    _, cause = presented(failed(deep(how), KEY), BODY)
    assert isinstance(cause, ForeignError)
    assert str(cause).startswith("builtins.RuntimeError: ")
    assert "harmless" in str(cause)
    assert KEY not in str(cause)
    assert (cause.__cause__, cause.__context__) == (None, None)


def test_an_exception_that_quotes_what_cannot_be_sent_is_dropped() -> None:
    error = TransportError(FORBIDDEN_HEADER)
    error.__cause__ = ValueError("Illegal header value")
    assert presented(error, BODY) == (FORBIDDEN_HEADER, None)


def test_an_address_is_taken_apart() -> None:
    plain = plain_address(f"https://me:p%40ss@x.example:8080/v1?key={KEY}")
    assert plain.url == "https://x.example:8080/v1"
    assert plain.query == {"key": KEY}
    expected = {"a": "b", "Authorization": f"Basic {b64encode(b'me:p@ss').decode()}"}
    assert plain.over({"authorization": "Bearer k", "a": "b"}) == expected
    assert KEY not in repr(plain)


@pytest.mark.parametrize("url", ["https://x.example/v1", "", "nothing", "https://[x/"])
def test_an_address_with_nothing_secret_stays(url: str) -> None:
    plain = plain_address(url)
    assert (plain.url, plain.headers, plain.query) == (url, {}, {})
