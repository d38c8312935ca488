"""Reads what Amazon says went wrong: the type in headers or in the body, the message under its several names."""

from __future__ import annotations

from collections.abc import Mapping

from returns.result import Success

from punk.core.failures import Failure, ProviderError
from punk.core.json import JsonObject
from punk.providers.secrets import presentable
from punk.wire.body import failure_in_body
from punk.wire.eventstream import HeaderValue
from punk.wire.json import loads_lenient, repair_surrogates

_MESSAGES = ("message", "Message", "errorMessage", "originalMessage")
_TYPES = ("__type", "code", "Code")


def error_type_of(text: str | None) -> str | None:
    """The name of an error as Amazon writes it, without the address or the name space that may stand around it."""
    # `ThrottlingException:http://internal.amazon.com/coral/…`, `com.amazon.coral.service#ThrottlingException`
    name = (text or "").partition(":")[0].rpartition("#")[2].strip()
    return presentable(name) or None


def message_in(body: bytes) -> tuple[str | None, str | None]:
    """The message and the type that a JSON error body states, None for what it does not."""
    match loads_lenient(body):
        case Success(dict() as document):
            readable = repair_surrogates(document)
            assert isinstance(readable, dict), "an object stays one"
            return _first(readable, _MESSAGES), error_type_of(_first(readable, _TYPES))
        case _:
            return None, None


def reported_error(headers: Mapping[str, HeaderValue], payload: bytes) -> ProviderError:
    """What a message of the stream says that is an exception (modelled by the service), or an error (any other)."""
    message, stated = message_in(payload)
    named = next((v for k in (":exception-type", ":error-code") if isinstance(v := headers.get(k), str)), None)
    error_type = error_type_of(named) or stated
    words = headers.get(":error-message")
    message = message or (words if isinstance(words, str) else None)
    return ProviderError(message or f"the provider reports {error_type or 'an error without a word'}", error_type)


def stray_failure(body: bytes) -> Failure:
    """What a body says that came with status 200, and is no event stream."""
    message, error_type = message_in(body)
    if message is not None or error_type is not None:
        return ProviderError(message or f"the provider reports {error_type}", error_type)
    return failure_in_body(body)


def _first(document: JsonObject, names: tuple[str, ...]) -> str | None:
    return next((value for name in names if isinstance(value := document.get(name), str) and value), None)
