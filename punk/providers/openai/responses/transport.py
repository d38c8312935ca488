"""Asks for responses: the request's way through the SDK's client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast, final

from punk.providers.base import Body, ByteStream
from punk.providers.openai.transport import Clients, Request, open_stream

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream
    from openai.types.responses import ResponseInputParam, ResponseStreamEvent


@final
class ResponsesTransport:
    """Talks to the Responses endpoint of one server."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def prepare(self, body: Body) -> None:
        """Make sure of the client that `body` needs. Raises `TransportError`."""
        await self._clients.get()

    async def open(self, body: Body) -> ByteStream:
        """Send `body`, and return when the answer's headers are there. Raises `TransportError`."""
        client = await self._clients.get()
        return await open_stream(_request(client, body), client)

    async def close(self) -> None:
        """Close the client of the running loop, unless it was given."""
        await self._clients.close()


def _request(client: AsyncOpenAI, body: Body) -> Request[AsyncStream[ResponseStreamEvent]]:
    # The fields that the SDK itself looks at are named; it lays the others over them as they are.
    rest = dict(body.json)
    return client.responses.with_streaming_response.create(
        model=cast("str", rest.pop("model")),
        input=cast("ResponseInputParam", rest.pop("input")),
        stream=cast("Literal[True]", rest.pop("stream", False)),
        extra_body=rest,
        extra_headers=dict(body.headers),
    )
