"""Reaches Anthropic and servers that speak its Messages wire through the vendor's SDK: its client, answers as bytes."""

from __future__ import annotations

import os
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast, final

from punk.core.failures import Failure, Unsupported
from punk.providers.addresses import plain_address
from punk.providers.base import Body, ByteStream, TransportError, Unpicklable
from punk.providers.http import ResponseStream, bare_refusal, failure_of, patience, status_failure
from punk.providers.pool import CLOSED, ClientPool, HomeLoop
from punk.providers.secrets import check_sendable, secrets_behind

if TYPE_CHECKING:
    import httpx2
    from anthropic import AsyncAnthropic, AsyncAPIResponse, AsyncStream
    from anthropic.types import RawMessageStreamEvent

Request: TypeAlias = "AbstractAsyncContextManager[AsyncAPIResponse[AsyncStream[RawMessageStreamEvent]]]"
"""A request of the SDK's that is sent when it is entered."""

BETA: Final = "anthropic-beta"
_begun: Final[ContextVar[httpx2.Response | None]] = ContextVar("punk_anthropic_begun", default=None)
"""The answer whose headers have come: of one whose body breaks off, the SDK tells no status."""
NO_KEY: Final = Unsupported("there is no key for Anthropic: set ANTHROPIC_API_KEY, or pass api_key")


@final
class AnthropicTransport(Unpicklable):
    """Talks to one Messages endpoint.

    A `client` that is given is used as it is, but for the SDK's own retries, and never closed. Without one, each event
    loop has one of its own, made when it is first needed; `api_key` and `base_url` that are None stand for what the
    environment says.
    """

    def __init__(
        self, *, api_key: str | None = None, base_url: str | None = None, client: AsyncAnthropic | None = None
    ) -> None:
        self._api_key = api_key
        self._base_url = base_url
        self._given = None if client is None else client.with_options(max_retries=0)
        self._home = HomeLoop()
        self._own = ClientPool("anthropic", self._made, lambda own: own.close(), ("ANTHROPIC_",))

    async def prepare(self, body: Body) -> None:
        """Make sure of the client that `body` needs. Raises `TransportError`."""
        if self._given is not None:
            check_sendable(self._checked(self._given).default_headers.values())
            return
        client = await self._own.get()
        if client.api_key is None and client.auth_token is None and client.credentials is None:
            # Not kept: the key may be there when it is tried again.
            await self._own.close()
            raise TransportError(NO_KEY)
        check_sendable(client.default_headers.values())

    async def open(self, body: Body) -> ByteStream:
        """Send `body`, and return when the answer's headers are there. Raises `TransportError`."""
        if self._given is not None:
            return await _answer(body, self._checked(self._given))
        return await self._own.opened(partial(_answer, body))

    def enter(self) -> None:
        """A block begins, at whose end `leave` is called."""
        self._own.enter()

    async def leave(self) -> None:
        """A block ends: the last one closes the running loop's client, unless it was given."""
        await self._own.leave()

    def _checked(self, client: AsyncAnthropic) -> AsyncAnthropic:
        self._home.check()
        if client.is_closed():
            raise TransportError(CLOSED)
        return client

    def _made(self) -> AsyncAnthropic:
        import httpx2
        from anthropic import AnthropicError, AsyncAnthropic, DefaultAsyncHttpxClient

        known = os.environ.get("ANTHROPIC_BASE_URL", "") if self._base_url is None else self._base_url
        address = plain_address(known)
        try:
            return AsyncAnthropic(
                api_key=self._api_key,
                base_url=address.url or self._base_url,
                default_headers=address.headers,
                default_query=address.query,
                max_retries=0,
                http_client=DefaultAsyncHttpxClient(timeout=None, event_hooks={"response": [_note]}),
            )
        except AnthropicError as error:
            raise TransportError(NO_KEY) from error
        except httpx2.InvalidURL as error:
            raise TransportError(failure_of(error)) from error


async def _note(response: httpx2.Response) -> None:
    _begun.set(response)


async def _answer(body: Body, client: AsyncAnthropic) -> ByteStream:
    _begun.set(None)
    try:
        response = await _request(client, body).__aenter__()
    except Exception as error:
        raise TransportError(_failure(error)) from error
    return ResponseStream(response.http_response)


def _request(client: AsyncAnthropic, body: Body) -> Request:
    # All fields go in as extra ones, which the SDK sends as they are. By those it looks at itself it warns of models
    # (an exception, where warnings are errors) and refuses a whole answer that might be long.
    headers = dict(body.headers)
    timeout = patience(body.connect, client.timeout)
    betas = [value for name, value in client.default_headers.items() if name.lower() == BETA and isinstance(value, str)]
    if BETA in headers and betas:
        headers[BETA] = ",".join([*betas, headers[BETA]])
    if body.delivery == "count":
        counting = client.messages.with_streaming_response.count_tokens(
            model="", messages=(), extra_body=body.json, extra_headers=headers, timeout=timeout
        )
        # Only the bytes are read, so that it does not matter what else the SDK could make of them.
        return cast("Request", counting)
    return client.messages.with_streaming_response.create(
        model="",
        max_tokens=0,
        messages=(),
        stream=cast("Literal[True]", body.json.get("stream", False)),
        extra_body=body.json,
        extra_headers=headers,
        timeout=timeout,
    )


def _failure(error: Exception) -> Failure:
    from anthropic import APIStatusError, CredentialsError

    if isinstance(error, APIStatusError):
        response = error.response
        secrets = secrets_behind(error)
        return status_failure(response.status_code, response.content, response.headers, secrets=secrets)
    if isinstance(error, CredentialsError) or (isinstance(error, TypeError) and "authentication" in str(error)):
        return NO_KEY
    if isinstance(error, TypeError | ValueError) and not isinstance(error, UnicodeEncodeError):
        # What fails on the way is wrapped by the SDK: this is a request that could not be written.
        return Unsupported(f"no request can be made of these settings ({type(error).__name__})")
    begun = _begun.get()
    if begun is not None and begun.is_error:
        return bare_refusal(begun)
    return failure_of(error, clock="first_event")
