"""Reaches Bedrock with an HTTP client of our own; botocore finds the endpoint and the credentials, and signs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, final
from urllib.parse import quote

from punk.core.failures import Failure, HttpStatus, Unsupported
from punk.core.json import dump_json
from punk.providers.addresses import plain_address
from punk.providers.base import Body, ByteStream, TransportError, Unpicklable
from punk.providers.bedrock.access import AwsAccess, AwsSession
from punk.providers.bedrock.errors import error_type_of, message_in
from punk.providers.bedrock.rules import OPERATIONS, counted_model
from punk.providers.bedrock.transport.signing import Reached, reach, signed
from punk.providers.http import ResponseStream, bare_refusal, failure_of, patience, status_failure
from punk.providers.pool import ClientPool
from punk.providers.secrets import check_sendable, secrets_of

if TYPE_CHECKING:
    import httpx2

MAX_CONNECTIONS: Final = 1000
MAX_IDLE: Final = 100
SIGNED_HEADERS: Final = {"content-type": "application/json"}
UNSIGNED_HEADERS: Final = {"accept-encoding": "identity"}  # messages have checksums of their own


@final
class _Client:
    """The HTTP client of one event loop, and what was found out about the service for it."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http
        self.reached: Reached | None = None
        self.lock = asyncio.Lock()


@final
class BedrockClients(Unpicklable):
    """The way in of `access`, or of a `session` that is given: a client an event loop, made when it is first needed."""

    def __init__(self, access: AwsAccess, session: AwsSession | None = None) -> None:
        self._access = access
        self._session = session
        self._pool = ClientPool("httpx2", _made, lambda client: client.http.aclose(), ("AWS_",))

    async def check(self) -> None:
        """Make sure of a client and of where to turn with it. Raises `TransportError` that says what is missing."""
        await self._reached(await self._pool.get())

    async def opened(self, request: Callable[[httpx2.AsyncClient, Reached], Awaitable[ByteStream]]) -> ByteStream:
        """The answer that `request` opens with the running loop's client. Raises `TransportError` as `check`."""

        async def ask(client: _Client) -> ByteStream:
            return await request(client.http, await self._reached(client))

        return await self._pool.opened(ask)

    def enter(self) -> None:
        """A block begins, at whose end `leave` is called."""
        self._pool.enter()

    async def leave(self) -> None:
        """A block ends: the last one closes the running loop's client, and forgets what was found out for it."""
        await self._pool.leave()

    async def _reached(self, client: _Client) -> Reached:
        async with client.lock:
            if client.reached is None:
                # Reads files, and may ask another process or another server.
                client.reached = await asyncio.to_thread(reach, self._access, self._session)
            return client.reached


@final
class BedrockTransport:
    """Talks to one model of Bedrock Runtime."""

    def __init__(self, clients: BedrockClients, model: str) -> None:
        self._clients = clients
        self._model = model

    async def prepare(self, body: Body) -> None:
        """Make sure that there are a region and credentials. Raises `TransportError`."""
        await self._clients.check()

    async def open(self, body: Body) -> ByteStream:
        """Send `body`, and return when the answer's headers are there. Raises `TransportError`."""
        return await self._clients.opened(partial(self._answer, body))

    async def _answer(self, body: Body, http: httpx2.AsyncClient, reached: Reached) -> ByteStream:
        model = counted_model(self._model) if body.delivery == "count" else self._model
        # Every letter but these is encoded: names that are addresses have `:` and `/` in them.
        plain = plain_address(reached.endpoint)
        url = f"{plain.url}/model/{quote(model, safe='-._~')}/{OPERATIONS[body.delivery]}"
        content = _written(body)
        headers, secrets = await signed(reached, url, content, {**SIGNED_HEADERS, **dict(body.headers)})
        headers = plain.over(headers)
        check_sendable(headers.values())
        try:
            timeout = patience(body.connect)
            request = http.build_request("POST", url, content=content, headers=headers, timeout=timeout)
            response = await http.send(request, stream=True)
        except Exception as error:
            raise TransportError(_unsent(error), secrets) from error
        known = (*secrets, *secrets_of(response.request.headers, str(response.request.url)))
        secrets = tuple(dict.fromkeys(known))
        if response.status_code >= 300:
            raise TransportError(await _refused(response, secrets))
        return _Answer(ResponseStream(response), secrets)


@final
class _Answer:
    """One answer under way, with the keys that it was asked with."""

    def __init__(self, stream: ResponseStream, secrets: tuple[str, ...]) -> None:
        self._stream = stream
        self.secrets = secrets

    async def read(self) -> bytes | None:
        """The next bytes, None at the clean end. Raises `TransportError`."""
        try:
            return await self._stream.read()
        except TransportError as error:
            raise TransportError(error.failure, self.secrets) from error.__cause__

    async def close(self) -> None:
        """Let go of the connection, at once. May be called again."""
        await self._stream.close()


def _made() -> _Client:
    import httpx2

    limits = httpx2.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_IDLE)
    return _Client(httpx2.AsyncClient(headers=UNSIGNED_HEADERS, limits=limits, timeout=None))


def _unsent(error: Exception) -> Failure:
    if isinstance(error, TypeError | ValueError):
        return Unsupported(f"no request can be made of these settings ({type(error).__name__})")
    return failure_of(error, clock="first_event")


def _written(body: Body) -> bytes:
    try:
        return dump_json(body.json).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise TransportError(_unsent(ValueError())) from error


async def _refused(response: httpx2.Response, secrets: tuple[str, ...]) -> Failure:
    """What an answer with an HTTP error status says. Closes it."""
    try:
        body = await response.aread()
    except Exception as error:
        raise TransportError(bare_refusal(response), secrets) from error
    finally:
        await response.aclose()
    message, stated = message_in(body)
    text = dump_json({"message": message}) if message else body
    failure = status_failure(response.status_code, text, response.headers, secrets=secrets)
    error_type = error_type_of(response.headers.get("x-amzn-errortype")) or stated
    return replace(failure, error_type=error_type) if isinstance(failure, HttpStatus) and error_type else failure
