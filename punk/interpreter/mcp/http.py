"""The way to an MCP server at a url: streamable HTTP, with an end that a server cannot hold up."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Final, final

from punk.interpreter.mcp.config import MCPServerConfig

if TYPE_CHECKING:
    from httpx2 import Response
    from mcp.client._transport import TransportStreams

_FAREWELL: Final = 0.25
"""Seconds in which a server may confirm that a session is over."""
_CONNECT: Final = 30.0
_SILENCE: Final = 300.0
"""Seconds without a byte of an answer after which the connection counts as lost; servers send pings in between."""


@final
class HttpLink:
    """Speaks to the server of `config` while it is entered. Its end shows only when something is asked of it."""

    def __init__(self, config: MCPServerConfig) -> None:
        self._config = config
        self._stack = AsyncExitStack()
        self._status = 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> TransportStreams:
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        config = self._config
        assert config.url is not None
        silence = max(_SILENCE, config.timeout or 0)
        client = httpx2.AsyncClient(
            headers=dict(config.headers or {}),
            timeout=httpx2.Timeout(_CONNECT, read=silence),
            event_hooks={"response": [self._note]},
        )
        await self._stack.enter_async_context(client)
        return await self._stack.enter_async_context(streamable_http_client(config.url, http_client=client))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL):
                await self._stack.__aexit__(kind, error, trace)

    def last_words(self) -> str:
        """What an error should say of the server's end, maybe nothing. It may hold secrets."""
        return f"it answered with HTTP status {self._status}" if self._status >= 400 else ""

    async def _note(self, response: Response) -> None:
        # What else is asked (for a stream of notices, for an end) a server may well refuse.
        if response.request.method == "POST":
            self._status = response.status_code
