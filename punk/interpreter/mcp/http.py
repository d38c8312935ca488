"""The way to an MCP server at a url: streamable HTTP, with an end that a server cannot hold up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, final

from punk.interpreter.mcp.config import MCPServerConfig

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Request, Response
    from mcp.client._transport import TransportStreams

_FAREWELL: Final = 0.25
"""Seconds in which a server may confirm that a session is over."""
_LOST: Final = -32000
"""JSON-RPC's first code for faults of a server's own: here, that it could not be asked."""
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
        client = _patient_client()(
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


def _patient_client() -> type[AsyncClient]:
    """A client whose broken exchanges are answers: what breaks one of them must not end all others of the session."""
    import httpx2

    class WholeStream(httpx2.AsyncByteStream):
        """A body that ends where its connection does: what was cut is told by what is missing in it."""

        def __init__(self, stream: httpx2.AsyncByteStream) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            with suppress(httpx2.TransportError):
                async for chunk in self._stream:
                    yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    class PatientClient(httpx2.AsyncClient):
        async def send(self, request: Request, **options: Any) -> Response:
            try:
                response = await super().send(request, **options)
            except httpx2.TransportError as error:
                fault = {"code": _LOST, "message": str(error) or type(error).__name__}
                return httpx2.Response(502, json={"jsonrpc": "2.0", "id": 0, "error": fault}, request=request)
            if isinstance(response.stream, httpx2.AsyncByteStream) and not response.is_stream_consumed:
                response.stream = WholeStream(response.stream)
            return response

    return PatientClient
