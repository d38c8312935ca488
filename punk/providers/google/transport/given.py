"""Talks to Google through a client of its SDK that was given: its stream, whose chunks are written as payloads again.

Letting go: closing the SDK's generator closes nothing, for the generators inside of it are left to the garbage
collector. So the answer is read on, and the reading is cancelled at its first wait: that ends them all, in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from traceback import clear_frames
from typing import TYPE_CHECKING, Final, cast, final

from punk.core.json import JsonObject, JsonValue, dump_json
from punk.providers.base import Body, ByteStream, TransportError
from punk.providers.google.transport.failures import foreign_failure, request_failure
from punk.providers.pool import HomeLoop
from punk.providers.secrets import check_sendable, secrets_behind, secrets_of

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import CountTokensResponse, GenerateContentConfig, GenerateContentResponse, HttpOptions

_PLACEHOLDER: Final = "-"
"""Stands where the SDK wants contents; those of the request are laid over it."""
_TURNS: Final = 10
"""Of the loop, in which generators that nobody holds any more end one after another."""
_BYTES: Final = frozenset({"thoughtSignature", "continuationToken", "data"})
_FOREIGN: Final = frozenset({"functionCall", "toolCall", "toolResponse"})
"""Fields in whose values anything may be called so."""
_OF_THE_SDK: Final = {"sdk_http_response", "automatic_function_calling_history", "parsed"}


@final
class GivenTransport:
    """Asks one model through a client that is never closed here, in the loop that is its `home`. The SDK's retries and
    its calling of functions are off, and a paused answer is gone on from by punk."""

    def __init__(self, client: Client, model: str, home: HomeLoop) -> None:
        self._client = client
        self._model = model
        self._home = home

    async def prepare(self, body: Body) -> None:
        """Make sure of the client's own loop, and of its key. Raises `TransportError`."""
        self._home.check()
        check_sendable([*_keys_of(self._client), *_headers_of(self._client).values()])

    async def open(self, body: Body) -> ByteStream:
        """Send `body`, and return when the answer has begun. Raises `TransportError`."""
        self._home.check()
        try:
            if body.delivery == "stream":
                stream = _Chunks(await self._stream(body), self._client)
                await stream.begin()
                return stream
            answer = await (self._count(body) if body.delivery == "count" else self._whole(body))
        except Exception as error:
            await _let_go(error)
            secrets = (*_secrets_of(self._client), *secrets_behind(error))
            raise TransportError(request_failure(error, secrets), secrets) from error
        return _Whole(dump_json(_document(answer)).encode(), _secrets_of(self._client))

    async def _stream(self, body: Body) -> AsyncIterator[GenerateContentResponse]:
        models = self._client.aio.models
        return await models.generate_content_stream(model=self._model, contents=_PLACEHOLDER, config=_config(body))

    async def _whole(self, body: Body) -> GenerateContentResponse:
        return await self._client.aio.models.generate_content(
            model=self._model, contents=_PLACEHOLDER, config=_config(body)
        )

    async def _count(self, body: Body) -> CountTokensResponse:
        from google.genai.types import CountTokensConfig

        # The Gemini API wants contents nowhere but inside of the request whose tokens it counts.
        options = _options({"contents": [], **body.json}, body)
        return await self._client.aio.models.count_tokens(
            model=self._model, contents=_PLACEHOLDER, config=CountTokensConfig(http_options=options)
        )


@final
class _Chunks:
    """An answer as the SDK streams it. Used and closed by the one task that opened it."""

    def __init__(self, chunks: AsyncIterator[GenerateContentResponse], client: Client) -> None:
        self.secrets: tuple[str, ...] = ()
        self._client = client
        self._chunks = chunks
        self._first: bytes | None = None

    async def begin(self) -> None:
        """Send the request: the SDK does so when it is asked for the first chunk. Raises what it raises."""
        self._first = await self._next()
        self.secrets = _secrets_of(self._client)

    async def read(self) -> bytes | None:
        """The next chunk, None at the clean end. Raises `TransportError`."""
        if self._first is not None:
            first, self._first = self._first, None
            return first
        try:
            return await self._next()
        except Exception as error:
            await _let_go(error)
            raise TransportError(foreign_failure(error, "progress", self.secrets), self.secrets) from error

    async def close(self) -> None:
        """Let go of the connection, at once. May be called again."""
        self._first = None
        # An answer that nobody wants any more cannot fail.
        with suppress(Exception):
            while True:
                async with asyncio.timeout(0):
                    await anext(self._chunks)

    async def _next(self) -> bytes | None:
        chunk = await anext(self._chunks, None)
        return None if chunk is None else b"data: " + dump_json(_document(chunk)).encode() + b"\r\n\r\n"


@final
class _Whole:
    """An answer that came in one piece."""

    def __init__(self, answer: bytes, secrets: tuple[str, ...]) -> None:
        self.secrets = secrets
        self._left: bytes | None = answer

    async def read(self) -> bytes | None:
        """The answer, then None."""
        left, self._left = self._left, None
        return left

    async def close(self) -> None:
        """Nothing is open."""


def _secrets_of(client: Client) -> tuple[str, ...]:
    """What may be secret in what `client` asks with: a server may repeat it."""
    base = getattr(getattr(getattr(client, "_api_client", None), "_http_options", None), "base_url", None)
    return tuple(dict.fromkeys((*_keys_of(client), *secrets_of(_headers_of(client), str(base or "")))))


def _keys_of(client: Client) -> tuple[str, ...]:
    """The key and the token of `client`, which gets the latter when it first asks."""
    inner = getattr(client, "_api_client", None)
    token = getattr(getattr(inner, "_credentials", None), "token", None)
    known = (getattr(inner, "api_key", None), token.decode(errors="replace") if isinstance(token, bytes) else token)
    return tuple(secret for secret in known if isinstance(secret, str))


def _headers_of(client: Client) -> dict[str, str]:
    """What `client` sends with each request, its key among it."""
    options = getattr(getattr(client, "_api_client", None), "_http_options", None)
    return {name: str(value) for name, value in (getattr(options, "headers", None) or {}).items()}


async def _let_go(error: Exception) -> None:
    """Close the connection where `error` came up: the SDK leaves that to generators that only `error` still holds."""
    clear_frames(error.__traceback__)
    for _ in range(_TURNS):
        await asyncio.sleep(0)


def _config(body: Body) -> GenerateContentConfig:
    from google.genai.types import AutomaticFunctionCallingConfig, GenerateContentConfig

    return GenerateContentConfig(
        http_options=_options(body.json, body),
        automatic_function_calling=AutomaticFunctionCallingConfig(disable=True),
        automatic_continuation=False,
    )


def _options(fields: JsonObject, body: Body) -> HttpOptions:
    from google.genai.types import HttpOptions, HttpRetryOptions

    return HttpOptions(extra_body=fields, headers=dict(body.headers), retry_options=HttpRetryOptions(attempts=1))


def _document(answer: GenerateContentResponse | CountTokensResponse) -> JsonObject:
    """The answer as the wire has it."""
    document = cast("JsonObject", answer.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=_OF_THE_SDK))
    candidates = document.get("candidates")
    for candidate in candidates if isinstance(candidates, list) else ():
        _restore(candidate)
    return document


def _restore(value: JsonValue) -> None:
    """Write bytes as the wire does: the SDK writes them in the other alphabet of base64."""
    for item in value if isinstance(value, list) else ():
        _restore(item)
    if not isinstance(value, dict):
        return
    for name, member in value.items():
        if name in _BYTES and isinstance(member, str):
            value[name] = member.replace("-", "+").replace("_", "/")
        elif name not in _FOREIGN:
            _restore(member)
