"""Reaches OpenAI and compatible servers through the vendor's SDK: its clients, and answers as raw bytes."""

from __future__ import annotations

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeAlias, TypeVar, final

from punk.core.failures import Failure, Unsupported
from punk.providers.addresses import plain_address
from punk.providers.base import Body, ByteStream, TransportError, Unpicklable
from punk.providers.http import ResponseStream, failure_of, refusal_behind, status_failure
from punk.providers.pool import CLOSED, ClientPool, HomeLoop
from punk.providers.secrets import check_sendable, presentable, secrets_behind

if TYPE_CHECKING:
    from openai import AsyncAPIResponse, AsyncOpenAI

T = TypeVar("T")

Request: TypeAlias = "AbstractAsyncContextManager[AsyncAPIResponse[T]]"
"""A request of the SDK's that is sent when it is entered."""

KEY_VARIABLE: Final = "OPENAI_API_KEY"
NO_KEY: Final = "none"


class Clients(Protocol):
    """Where a transport gets its client from."""

    async def check(self) -> None:
        """Make sure of the client. Raises `TransportError` where none can be made or used."""

    async def opened(self, request: Callable[[AsyncOpenAI], Awaitable[ByteStream]]) -> ByteStream:
        """The answer that `request` opens with the running loop's client. Raises `TransportError` as `check`."""

    def enter(self) -> None:
        """A block begins, at whose end `leave` is called."""

    async def leave(self) -> None:
        """A block ends: the last one closes what belongs to the running loop and was made here."""


@final
class GivenClient(Unpicklable):
    """A client that the caller made: used as it is, but for the SDK's own retries, in one event loop, and never
    closed."""

    def __init__(self, client: AsyncOpenAI) -> None:
        self._client = client.with_options(max_retries=0)
        self._home = HomeLoop()

    async def check(self) -> None:
        """Make sure that it is open, and in its own loop."""
        self._home.check()
        if self._client.is_closed():
            raise TransportError(CLOSED)
        _check(self._client)

    async def opened(self, request: Callable[[AsyncOpenAI], Awaitable[ByteStream]]) -> ByteStream:
        """The answer that `request` opens with it."""
        await self.check()
        return await request(self._client)

    def enter(self) -> None:
        """Nothing begins for a client that is the caller's."""

    async def leave(self) -> None:
        """Leaves it open."""


@final
class OwnClients(Unpicklable):
    """A client a running loop, made by `make` when it is first asked for and closed with the loop.

    `no_key` says what to do where there is no key; `variables` are how the names of the variables begin that it reads.
    """

    def __init__(
        self,
        make: Callable[[], AsyncOpenAI],
        no_key: str = f"set {KEY_VARIABLE}, or pass api_key",
        variables: tuple[str, ...] = ("OPENAI_",),
    ) -> None:
        self._make = make
        self._no_key = no_key
        self._pool = ClientPool("openai", self._made, lambda client: client.close(), variables)

    async def check(self) -> None:
        """Make sure of the running loop's client."""
        _check(await self._pool.get())

    async def opened(self, request: Callable[[AsyncOpenAI], Awaitable[ByteStream]]) -> ByteStream:
        """The answer that `request` opens with the running loop's client."""
        return await self._pool.opened(request)

    def enter(self) -> None:
        """A block begins."""
        self._pool.enter()

    async def leave(self) -> None:
        """A block ends: the last one closes the running loop's client."""
        await self._pool.leave()

    def _made(self) -> AsyncOpenAI:
        import httpx2
        from openai import OpenAIError

        try:
            return self._make()
        except OpenAIError as error:
            # Its own text speaks of arguments that a user of ours never sees.
            raise TransportError(Unsupported(f"there is no key: {self._no_key}")) from error
        except httpx2.InvalidURL as error:
            raise TransportError(failure_of(error)) from error


def openai_client(api_key: str | None, base_url: str | None) -> AsyncOpenAI:
    """A client of OpenAI itself; None stands for what the environment says. Raises the SDK error for a missing key."""
    from openai import AsyncOpenAI

    address = plain_address(os.environ.get("OPENAI_BASE_URL", "") if base_url is None else base_url)
    return AsyncOpenAI(
        api_key=api_key,
        base_url=address.url or base_url,
        default_headers=address.headers,
        default_query=address.query,
        timeout=None,
        max_retries=0,
    )


def compatible_client(api_key: str | None, base_url: str) -> AsyncOpenAI:
    """A client of another server: the environment's key, organisation and project of OpenAI are not sent there."""
    from openai import AsyncOpenAI, Omit

    # The SDK wants a key; a server that wants none takes any. A header of our own overrules one of the environment's.
    key = api_key or NO_KEY
    address = plain_address(base_url)
    headers: dict[str, str | Omit] = {
        "Authorization": f"Bearer {key}",
        "OpenAI-Organization": Omit(),
        "OpenAI-Project": Omit(),
        **address.headers,
    }
    return AsyncOpenAI(
        api_key=key,
        base_url=address.url,
        default_query=address.query,
        timeout=None,
        max_retries=0,
        default_headers=headers,  # type: ignore[arg-type]  # the SDK takes Omit, and does not say so
    )


def azure_client(
    endpoint: str | None,
    version: tuple[str | None, str],
    api_key: str | None,
    token_provider: Callable[[], str | Awaitable[str]] | None,
) -> AsyncOpenAI:
    """A client of a resource on Azure; None stands for what the environment says, and of `version` the second for what
    it does not say. Raises the SDK's error for missing credentials, `TransportError` for a missing endpoint."""
    from openai import AsyncAzureOpenAI, Omit

    endpoint = endpoint or os.environ.get("AZURE_OPENAI_ENDPOINT")
    if not endpoint:
        raise TransportError(Unsupported("there is no endpoint: set AZURE_OPENAI_ENDPOINT, or pass endpoint"))
    address = plain_address(endpoint)
    # Organisation and project are OpenAI's own: those of the environment are not sent elsewhere.
    headers: dict[str, str | Omit] = {"OpenAI-Organization": Omit(), "OpenAI-Project": Omit(), **address.headers}
    return AsyncAzureOpenAI(
        azure_endpoint=address.url,
        default_query=address.query,
        api_version=version[0] or os.environ.get("OPENAI_API_VERSION") or version[1],
        api_key=api_key,
        azure_ad_token_provider=None if token_provider is None else partial(_token, token_provider),
        timeout=None,
        max_retries=0,
        default_headers=headers,  # type: ignore[arg-type]  # the SDK takes Omit, and does not say so
    )


async def _token(provider: Callable[[], str | Awaitable[str]]) -> str:
    """What `provider` gives, asked in a thread: it may fetch the token, and block. Raises `TransportError`."""
    try:
        given = await asyncio.to_thread(provider)
        token: object = given if isinstance(given, str) else await given
    except Exception as error:
        told = presentable(str(error)) or type(error).__name__
        raise TransportError(Unsupported(f"azure_ad_token_provider failed: {told}")) from error
    if not isinstance(token, str) or not token:
        raise TransportError(Unsupported("azure_ad_token_provider gave no token: it must give a text"))
    check_sendable([token])
    return token


def _check(client: AsyncOpenAI) -> None:
    # Azure's token of the environment has no public name.
    check_sendable([*client.default_headers.values(), client.api_key, getattr(client, "_azure_ad_token", None)])


class OpenAiTransport(ABC, Generic[T]):
    """Talks to one endpoint of one server; each wire says how it is asked."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def prepare(self, body: Body) -> None:
        """Make sure of the client that `body` needs. Raises `TransportError`."""
        await self._clients.check()

    async def open(self, body: Body) -> ByteStream:
        """Send `body`, and return when the answer's headers are there. Raises `TransportError`."""
        return await self._clients.opened(partial(self._answer, body))

    async def _answer(self, body: Body, client: AsyncOpenAI) -> ByteStream:
        try:
            response = await self._request(client, body).__aenter__()
        except TransportError:
            raise  # of our own, from inside of the SDK
        except Exception as error:
            raise TransportError(_failure(error)) from error
        return ResponseStream(response.http_response)

    @abstractmethod
    def _request(self, client: AsyncOpenAI, body: Body) -> Request[T]:
        """The SDK's request for `body`."""


def _failure(error: Exception) -> Failure:
    from openai import APIStatusError

    if isinstance(error, APIStatusError):
        response = error.response
        secrets = secrets_behind(error)
        return status_failure(response.status_code, response.content, response.headers, secrets=secrets)
    if isinstance(error, TypeError | ValueError) and not isinstance(error, UnicodeEncodeError):
        # What fails on the way is wrapped by the SDK: this is a request that could not be written.
        return Unsupported(f"no request can be made of these settings ({type(error).__name__})")
    return refusal_behind(error) or failure_of(error, clock="first_event")
