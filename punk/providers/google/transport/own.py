"""Talks to Google over punk's own HTTP client: the SDK offers no raw stream."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final, final

from punk.core.failures import Failure, Unsupported
from punk.core.json import dump_json
from punk.providers.addresses import plain_address
from punk.providers.base import Body, ByteStream, TransportError
from punk.providers.google.address import Address
from punk.providers.google.transport.access import Access
from punk.providers.google.transport.failures import request_failure, status_of
from punk.providers.google.transport.tokens import Tokens
from punk.providers.http import ResponseStream, bare_refusal, patience
from punk.providers.pool import ClientPool
from punk.providers.secrets import check_sendable, secrets_of

if TYPE_CHECKING:
    import httpx2

CONNECTIONS: Final = 1000


@final
@dataclass(frozen=True, slots=True)
class _Session:
    """What belongs to one event loop: its client, and whose turn it is to get a token."""

    client: httpx2.AsyncClient
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


@final
class Connection:
    """One service as one caller reaches it, with a pool of connections an event loop."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._tokens = None if access.key else Tokens(access.credentials)
        self._own = ClientPool("httpx2", _session, lambda session: session.client.aclose())

    async def prepare(self) -> None:
        """Make sure of a client and of credentials. Raises `TransportError`."""
        check_sendable([self._access.key])
        session = await self._own.get()
        if self._tokens is not None:
            await self._tokens.find(session.turn)
            self._address(self._tokens)

    async def open(self, model: str, body: Body) -> ByteStream:
        """Send `body` to `model`, and return when the answer's headers are there. Raises `TransportError`."""
        return await self._own.opened(partial(self._answer, model, body))

    async def _answer(self, model: str, body: Body, session: _Session) -> ByteStream:
        headers = {"content-type": "application/json", **dict(body.headers)}
        address = self._access.address
        if self._tokens is None:
            headers["x-goog-api-key"] = self._access.key or ""
        else:
            headers |= await self._tokens.headers(session.turn)
            address = self._address(self._tokens)
        plain = plain_address(address.base)
        headers = plain.over(headers)
        check_sendable(headers.values())
        timeout = patience(body.connect)
        try:
            content = dump_json(body.json).encode()
            url = replace(address, base=plain.url).url(model, body.delivery)
            request = session.client.build_request("POST", url, content=content, headers=headers, timeout=timeout)
            response = await session.client.send(request, stream=True)
        except Exception as error:
            raise TransportError(request_failure(error)) from error
        if response.status_code == 200:
            return ResponseStream(response)
        raise TransportError(await _refused(response))

    def enter(self) -> None:
        """A block begins, at whose end `leave` is called."""
        self._own.enter()

    async def leave(self) -> None:
        """A block ends: the last one closes the running loop's connections."""
        await self._own.leave()

    def _address(self, tokens: Tokens) -> Address:
        address = self._access.address
        return address if address.project else replace(address, project=tokens.project())


@final
class GoogleTransport:
    """Asks one model. Without a `connection` it says what is missing for one."""

    def __init__(self, connection: Connection | Unsupported, model: str) -> None:
        self._connection = connection
        self._model = model

    async def prepare(self, body: Body) -> None:
        """Make sure of what `body` needs. Raises `TransportError`."""
        await self._known().prepare()

    async def open(self, body: Body) -> ByteStream:
        """Send `body`, and return when the answer's headers are there. Raises `TransportError`."""
        return await self._known().open(self._model, body)

    def _known(self) -> Connection:
        if isinstance(self._connection, Unsupported):
            raise TransportError(self._connection)
        return self._connection


def _session() -> _Session:
    import httpx2

    limits = httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS // 10)
    return _Session(httpx2.AsyncClient(timeout=None, limits=limits))


async def _refused(response: httpx2.Response) -> Failure:
    try:
        body = await response.aread()
    except Exception as error:
        raise TransportError(bare_refusal(response)) from error
    finally:
        await response.aclose()
    request = response.request
    return status_of(response.status_code, body, response.headers, secrets_of(request.headers, str(request.url)))
