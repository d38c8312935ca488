"""Turns what goes wrong on the way to Google, and in its libraries, into failures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from punk.core.failures import Clock, ConnectFailed, Failure, HttpStatus, Malformed, StreamingUnsupported, Unsupported
from punk.core.json import dump_json
from punk.providers.google.reports import reported_error, retry_delay
from punk.providers.http import failure_of, status_failure
from punk.providers.secrets import presentable
from punk.wire.json import loads_lenient

if TYPE_CHECKING:
    from google.genai.errors import APIError

NO_CREDENTIALS: Final = Unsupported(
    "there are no credentials for Vertex: run `gcloud auth application-default login`, set "
    "GOOGLE_APPLICATION_CREDENTIALS, or pass credentials or api_key"
)
NO_PROJECT: Final = Unsupported("there is no project for Vertex: set GOOGLE_CLOUD_PROJECT, or pass project")
_UNREADABLE: Final = Malformed("the provider sent a chunk that cannot be read")
# Of Google's library, of any HTTP client that credentials may have, and of Python.
_NETWORK: Final = frozenset({"TransportError", "TimeoutError", "Timeout", "ConnectionError", "gaierror", "SSLError"})
STALE: Final = Unsupported("Google did not renew the credentials: log in again, or pass others")


def status_of(
    status: int, body: bytes, headers: Mapping[str, str], secrets: Iterable[str]
) -> HttpStatus | StreamingUnsupported:
    """What an answer with an HTTP error status says. Where no header says how long to wait, its body may."""
    document = loads_lenient(body).value_or(None)
    if isinstance(document, list) and document:
        # An error that was to be a stream of one.
        document = document[0]
        body = dump_json(document).encode()
    failure = status_failure(status, body, headers, secrets=secrets)
    if isinstance(failure, HttpStatus) and failure.retry_after is None and isinstance(document, dict):
        return replace(failure, retry_after=retry_delay(document.get("error")))
    return failure


def request_failure(error: Exception, secrets: Iterable[str] = ()) -> Failure:
    """What went wrong before the answer began."""
    if type(error) in (TypeError, ValueError, UnicodeEncodeError):
        return Unsupported(f"no request can be made of these settings ({type(error).__name__})")
    return foreign_failure(error, "first_event", secrets)


def foreign_failure(error: Exception, clock: Clock, secrets: Iterable[str] = ()) -> Failure:
    """What an exception of an HTTP client or of Google's libraries amounts to."""
    names = {(cls.__module__.partition(".")[0], cls.__name__) for cls in type(error).__mro__}
    if ("google", "APIError") in names:
        return _api_error(error, secrets)  # type: ignore[arg-type]  # its class is known by name: no import just to look
    if ("google", "UnknownApiResponseError") in names or ("pydantic_core", "ValidationError") in names:
        return _UNREADABLE
    if ("google", "GoogleAuthError") in names:
        return credentials_failure(error)
    if ("aiohttp", "ClientConnectorError") in names:
        return ConnectFailed("no connection to the provider")
    if isinstance(error, TypeError | ValueError | KeyError | AttributeError):
        return _UNREADABLE  # the SDK's own, at a chunk of a wrong form
    return failure_of(error, clock=clock)


def credentials_failure(error: Exception) -> Failure:
    """Why Google's library, or credentials that are not of its making, could not say who asks."""
    names = {cls.__name__ for cls in type(error).__mro__}
    if type(error).__name__ == "DefaultCredentialsError":
        return NO_CREDENTIALS
    if names & _NETWORK:
        return ConnectFailed("no connection to the server that renews the credentials")
    if "RefreshError" in names:
        return STALE
    return Unsupported(
        f"the credentials for Vertex cannot be used ({type(error).__name__}): log in again, set "
        "GOOGLE_APPLICATION_CREDENTIALS to a file that Google made, or pass others"
    )


def _api_error(error: APIError, secrets: Iterable[str]) -> Failure:
    response = error.response
    status = getattr(response, "status_code", getattr(response, "status", None))
    document = error.details
    if not isinstance(status, int) or status == 200:
        # In the midst of an answer.
        reported = reported_error(document.get("error") if isinstance(document, dict) else document)
        return replace(reported, message=presentable(reported.message, secrets))
    headers = {str(name): str(value) for name, value in getattr(response, "headers", {}).items()}
    match document:
        case {"message": str(body), "status": _, **more} if not more:
            pass  # the SDK's own: what came was no JSON
        case _:
            body = dump_json(document)
    return status_of(status, body.encode(errors="replace"), headers, secrets)
