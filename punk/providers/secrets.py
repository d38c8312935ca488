"""Keeps what a request was asked with out of every text: finds it, and blots it out of messages and exceptions."""

from __future__ import annotations

import re
import traceback
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final, final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from punk.core.failures import (
    ConnectFailed,
    ConnectionLost,
    Failure,
    HttpStatus,
    Malformed,
    ProviderError,
    StreamingUnsupported,
    Unsupported,
)
from punk.core.json import JsonValue, dump_json
from punk.providers.base import Body, TransportError

TEXT_LIMIT: Final = 500
"""Characters kept of a text that the other side wrote."""

SHORTEST_SECRET: Final = 8
"""Keys below this many characters are placeholders, and may be words of a message."""

FORBIDDEN_HEADER: Final = Unsupported(
    "the request cannot be sent: a key or another header holds characters that HTTP forbids"
)

_UNSENDABLE: Final = re.compile(r"[^\t\x20-\x7e]|^[ \t]|[ \t]\Z")
# Of a request's headers, those that hold no key. All others may: gateways have headers of their own for theirs.
_HARMLESS: Final = re.compile(
    r"accept(-.*)?|connection|content-.*|date|host|transfer-encoding|user-agent|traceparent|tracestate"
    r"|anthropic-(version|beta)|openai-(organization|project|beta)|x-stainless-.*|idempotency-key"
    r"|x-amz-date|x-amz-content-sha256|amz-sdk-.*|x-goog-(api-client|user-project)",
    re.IGNORECASE,
)
_HARMLESS_PARAMETERS: Final = frozenset({"alt", "api-version", "beta"})
_SECRET_MEMBER: Final = re.compile(r".*(authorization|token|api_?key|password|secret)", re.IGNORECASE)
_PASSWORD: Final = re.compile(r"//[^/?#:]*:([^/?#]*)@")
_ADDRESS: Final = re.compile(r".*ur[il]", re.IGNORECASE)


def secrets_of(headers: Mapping[str, str], url: str = "") -> tuple[str, ...]:
    """What may be secret in a request with these headers, at this URL."""
    found: list[str] = []
    for name, value in headers.items():
        if not _HARMLESS.fullmatch(name):
            found += _of_header(value)
    return tuple(found) + secrets_of_address(url)


def secrets_of_address(url: str) -> tuple[str, ...]:
    """What may be secret in a URL: its password, and the values in its query."""
    try:
        parts = urlsplit(url)
        user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    except ValueError:
        return (url,)
    found = [password or user, unquote(password or user)]
    # Line breaks, which such a URL may hold by mistake, are lost in its parts.
    found += _PASSWORD.findall(url)
    for name, value in parse_qsl(parts.query):
        if name not in _HARMLESS_PARAMETERS:
            found.append(value)
    return tuple(secret for secret in found if secret)


def secrets_in_json(document: JsonValue) -> tuple[str, ...]:
    """What may be secret in the JSON of a request: what a provider is to show to the servers that it asks itself."""
    found: list[str] = []
    left = [document]
    while left:
        match left.pop():
            case list() as items:
                left += items
            case dict() as members:
                for name, value in members.items():
                    match value:
                        case str() if _SECRET_MEMBER.fullmatch(name):
                            found += _of_header(value)
                        case str() if _ADDRESS.fullmatch(name):
                            found += secrets_of_address(value)
                        case dict() if name == "headers":
                            found += secrets_of({key: item for key, item in value.items() if isinstance(item, str)})
                        case dict() | list():
                            left.append(value)
                        case _:
                            pass
            case _:
                pass
    return tuple(found)


def secrets_of_body(body: Body) -> tuple[str, ...]:
    """What may be secret in a request's own headers and JSON."""
    return secrets_of(dict(body.headers)) + secrets_in_json(body.json)


def secrets_behind(error: BaseException) -> tuple[str, ...]:
    """What may be secret in the requests that an HTTP client's exception, or one behind it, belongs to."""
    found: list[str] = []
    for link in _chain(error):
        response = _part(link, "response")
        for holder in (link, response):
            for name in ("request", "request_info"):
                request = _part(holder, name)
                headers = _part(request, "headers")
                if isinstance(headers, Mapping):
                    found += secrets_of({str(key): str(value) for key, value in headers.items()}, _address_of(request))
    return tuple(dict.fromkeys(found))


def check_sendable(values: Iterable[object]) -> None:
    """Raise `TransportError` if a text among the `values` of headers holds what HTTP forbids: whoever else refuses it
    quotes it."""
    for value in values:
        if isinstance(value, str) and _UNSENDABLE.search(value):
            raise TransportError(FORBIDDEN_HEADER)


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """`text` with each of `secrets` blotted out, however written: some servers repeat the key that they refuse."""
    forms = {form for secret in secrets for form in _forms(secret) if len(form) >= SHORTEST_SECRET}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "***")
    return text


def presentable(text: str, secrets: Iterable[str] = ()) -> str:
    """A text that the other side wrote, as it may stand in a message of ours: no secret, one line, not endless."""
    text = " ".join(without_secrets(text, secrets).split())
    return text if len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]}…"


def presentable_failure(failure: Failure, secrets: Iterable[str]) -> Failure:
    """`failure`, with what the other side wrote fit to be shown."""
    secrets = tuple(secrets)
    match failure:
        case HttpStatus() | ProviderError():
            kind = failure.error_type and presentable(failure.error_type, secrets)
            return replace(failure, message=presentable(failure.message, secrets), error_type=kind)
        case Malformed() | ConnectFailed() | ConnectionLost() | StreamingUnsupported():
            return replace(failure, message=presentable(failure.message, secrets))
        case Unsupported():
            return replace(failure, message=without_secrets(failure.message, secrets))
        case _:
            return failure


@final
class ForeignError(Exception):
    """Stands for an exception of others' in whose texts, or those of the ones behind it, a secret stood: it names the
    class, and says the rest of its text."""


def presented(error: TransportError, body: Body) -> tuple[Failure, BaseException | None]:
    """The failure and the foreign exception behind it, as they may be shown, of an `error` that `body` ended with: the
    exception itself, or what stands for it."""
    cause = error.__cause__
    secrets = (*error.secrets, *secrets_of_body(body), *(() if cause is None else secrets_behind(cause)))
    if error.failure == FORBIDDEN_HEADER:
        return error.failure, None  # who refuses such a header quotes it, in ways that are not known here
    return presentable_failure(error.failure, secrets), cause and _presentable_cause(cause, secrets)


def _presentable_cause(cause: BaseException, secrets: Iterable[str]) -> BaseException:
    secrets = tuple(secrets)
    told = "".join(traceback.format_exception(cause))
    told += "".join(f"{link}{link!r}{link.args}" for link in _chain(cause))
    if without_secrets(told, secrets) == told:
        return cause
    name = f"{type(cause).__module__}.{type(cause).__qualname__}"
    return ForeignError(f"{name}: {presentable(str(cause), secrets)}")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """`error`, and all that stand behind it, by whatever way; the nearest first."""
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        link = left.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        inner = link.exceptions if isinstance(link, BaseExceptionGroup) else ()
        left += [link.__context__, link.__cause__, *reversed(inner)]


def _of_header(value: str) -> Iterator[str]:
    # The scheme is often left out of what is quoted.
    scheme, _, bare = value.strip().partition(" ")
    if scheme.lower() not in ("bearer", "basic"):
        yield value
    if bare:
        yield bare
    if scheme.lower() == "basic":
        with suppress(ValueError):
            user_and_password = b64decode(bare, validate=True).decode()
            yield user_and_password
            yield user_and_password.partition(":")[2]


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield secret.strip()
    yield repr(secret)[1:-1]
    yield ascii(secret)[1:-1]
    yield repr(secret.encode(errors="replace"))[2:-1]
    yield dump_json(secret)[1:-1]
    yield quote(secret, safe="", errors="replace")


def _part(holder: object, name: str) -> object:
    try:
        return getattr(holder, name, None)
    except Exception:  # some have none, and say so by a RuntimeError
        return None


def _address_of(request: object) -> str:
    url = _part(request, "url")
    return "" if url is None else str(url)
