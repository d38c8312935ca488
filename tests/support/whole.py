"""Asks a transport for an answer and reads it to its end."""

from __future__ import annotations

from punk.providers.base import Body, Transport, read_all


async def whole(transport: Transport, body: Body) -> bytes:
    """The bytes of the answer."""
    stream = await transport.open(body)
    try:
        return await read_all(stream)
    finally:
        await stream.close()
