"""Opens, reads and leaves answers over real connections, for the tests of the transports."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from punk.core.failures import Failure
from punk.core.json import JsonObject
from punk.llm.models.google import GoogleModel
from punk.providers.base import Body, Transport, TransportError, read_all
from tests.providers.google.chunks import chunk, text
from tests.support.aio import run
from tests.support.server import Server

BODY: Final = Body({"contents": [{"role": "user", "parts": [{"text": "é"}]}], "odd": {"aB": 1, "c_d": [2]}})
PIECES: Final = (chunk(text("a")), chunk(text("b"), reason="STOP"))
SECRET: Final = "AIza-0123456789"
ERROR: Final[JsonObject] = {
    "error": {
        "code": 429,
        "message": f"slow down, {SECRET}",
        "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "21.5s"}],
    }
}


def transport_of(model: GoogleModel) -> Transport:
    return model.provider().transport


async def rest_of(transport: Transport, body: Body = BODY) -> bytes:
    stream = await transport.open(body)
    try:
        return await read_all(stream)
    finally:
        await stream.close()


def failure_of(doing: Callable[[], Awaitable[object]]) -> Failure:
    async def main() -> Failure:
        with pytest.raises(TransportError) as caught:
            await doing()
        return caught.value.failure

    return run(main())


def seconds_to_close(server: Server, since: float) -> float:
    """How long after `since` the server saw the client close its last connection."""
    recorded = server.requests[-1]
    assert recorded.done.wait(5)
    assert recorded.closed_at is not None
    return recorded.closed_at - since
