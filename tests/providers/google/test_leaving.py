"""Leaving an answer closes its connection at once, on both ways to Google, however many are under way."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx2
import pytest
from google.genai import Client
from google.genai.types import HttpOptions

from punk.llm.models.google import GoogleModel
from punk.providers.base import Transport
from tests.providers.google.connections import BODY, PIECES, seconds_to_close, transport_of
from tests.support.aio import run
from tests.support.server import Answer, Server, WaitForClose, serve

AT_ONCE = 2.0
"""Seconds in which no timeout can have passed; a benchmark tells how fast it is."""


@asynccontextmanager
async def own(server: Server) -> AsyncIterator[Transport]:
    yield transport_of(GoogleModel("m", api_key="k", base_url=server.base))


@asynccontextmanager
async def given(server: Server) -> AsyncIterator[Transport]:
    # Its own limit is a hundred connections.
    limits = httpx2.Limits(max_connections=300)
    client = Client(api_key="k", http_options=HttpOptions(base_url=server.base, async_client_args={"limits": limits}))
    yield transport_of(GoogleModel("m", client=client))
    await client.aio.aclose()
    client.close()


async def read_one(transport: Transport, server: Server) -> None:
    stream = await transport.open(BODY)
    assert await stream.read()
    await stream.close()
    await stream.close()
    assert await stream.read() is None


async def read_on(transport: Transport, server: Server) -> None:
    stream = await transport.open(BODY)
    assert await stream.read()
    reading = asyncio.ensure_future(_read_all(stream.read))
    await asyncio.sleep(0.05)
    reading.cancel()
    await asyncio.wait({reading})
    assert reading.cancelled()
    await stream.close()


async def open_only(transport: Transport, server: Server) -> None:
    opening = asyncio.ensure_future(transport.open(BODY))
    while not server.requests:
        await asyncio.sleep(0.005)
    opening.cancel()
    await asyncio.wait({opening})
    assert opening.cancelled()


HELD = Answer((PIECES[0], WaitForClose()))
SILENT = Answer((), before_headers=(WaitForClose(),))


@pytest.mark.parametrize("way", [own, given])
@pytest.mark.parametrize(("doing", "answer"), [(read_one, HELD), (read_on, HELD), (open_only, SILENT)])
def test_closing_and_cancelling_close_the_connection_at_once(
    way: Callable[[Server], AsyncIterator[Transport]],
    doing: Callable[[Transport, Server], Awaitable[None]],
    answer: Answer,
) -> None:
    async def main(server: Server) -> None:
        async with way(server) as transport:  # type: ignore[attr-defined]  # a context manager, made of an iterator
            await doing(transport, server)
            left_at = time.monotonic()
            await asyncio.sleep(0.2)  # the loop, and with it the pool, lives on
            assert seconds_to_close(server, left_at) < AT_ONCE

    with serve(answer) as server:
        run(main(server))


async def _read_all(read: Callable[[], Awaitable[bytes | None]]) -> None:
    while await read() is not None:
        pass


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts sockets as Linux shows them")
@pytest.mark.parametrize("way", [own, given])
def test_two_hundred_at_once_leave_nothing(way: Callable[[Server], AsyncIterator[Transport]]) -> None:
    async def one(transport: Transport, opened: asyncio.Semaphore, leave: asyncio.Event) -> None:
        stream = await transport.open(BODY)
        assert await stream.read()
        opened.release()
        await leave.wait()
        await stream.close()

    async def main(server: Server) -> None:
        opened, leave = asyncio.Semaphore(0), asyncio.Event()
        async with way(server) as transport:  # type: ignore[attr-defined]  # as above
            await read_one(transport, server)  # what is made once is made
            before = open_files()
            running = [asyncio.ensure_future(one(transport, opened, leave)) for _ in range(200)]
            for _ in range(200):
                await opened.acquire()
            leave.set()
            left_at = time.monotonic()
            await asyncio.gather(*running)
            assert all(request.done.wait(5) for request in server.requests)
            closed = [request.closed_at for request in server.requests[1:]]
            assert all(at is not None and at - left_at < AT_ONCE for at in closed)
            await asyncio.sleep(0.1)
            # The server's ends are in this process too.
            assert open_files() <= before + 10

    with serve(HELD) as server:
        run(main(server))
