"""When the server sees its client go, and what is left of many streams."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable

import pytest

from punk.core.failures import HttpStatus
from punk.providers.base import TransportError
from punk.providers.bedrock.transport import BedrockTransport
from tests.providers.bedrock.answers import ending, message, metadata, text
from tests.providers.bedrock.aws import BODY, SECRET, TOKEN, keyed
from tests.support.aio import run
from tests.support.server import Answer, Server, WaitForClose, serve
from tests.support.whole import whole

STREAM = (("content-type", "application/vnd.amazon.eventstream"),)
PIECES = (message(), text(0, "a") + ending() + metadata())


async def read_one(transport: BedrockTransport) -> None:
    stream = await transport.open(BODY)
    assert await stream.read() == PIECES[0]
    assert set(stream.secrets) >= {SECRET, TOKEN}
    await stream.close()
    await stream.close()
    assert await stream.read() is None


async def read_on(transport: BedrockTransport) -> None:
    stream = await transport.open(BODY)
    await stream.read()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await stream.read()
    await stream.close()


async def open_only(transport: BedrockTransport) -> None:
    await transport.prepare(BODY)  # what takes time is done before
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await transport.open(BODY)


async def open_broken(transport: BedrockTransport) -> None:
    with pytest.raises(TransportError) as caught:
        await transport.open(BODY)
    assert isinstance(caught.value.failure, HttpStatus)


HELD = Answer((PIECES[0], WaitForClose()), headers=STREAM)
MUTE = Answer((), before_headers=(WaitForClose(),))
ERROR_HELD = Answer((b'{"message":"', WaitForClose()), 400)
BROKEN_ERROR = Answer((b"no gzip at all", WaitForClose()), 400, (("content-encoding", "gzip"),))


@pytest.mark.parametrize(
    ("doing", "answer"),
    [(read_one, HELD), (read_on, HELD), (open_only, MUTE), (open_only, ERROR_HELD), (open_broken, BROKEN_ERROR)],
)
def test_closing_and_cancelling_close_the_connection_at_once(
    doing: Callable[[BedrockTransport], Awaitable[None]], answer: Answer
) -> None:
    with serve(answer) as server:

        async def main() -> None:
            await doing(keyed(server))
            left_at = time.monotonic()
            await asyncio.sleep(0.2)  # the loop, and with it the pool, lives on
            [request] = server.requests
            assert request.done.wait(5)
            assert request.closed_at is not None
            assert request.closed_at - left_at < 2  # no timeout had to pass; how fast it is, a benchmark tells

        run(main())


@pytest.mark.parametrize("answer", [HELD, MUTE])
def test_two_hundred_streams_at_once_leave_nothing(answer: Answer) -> None:
    many = 200

    async def one(transport: BedrockTransport) -> None:
        stream = await transport.open(BODY)
        try:
            await stream.read()
            await stream.read()
        finally:
            await stream.close()

    async def main(server: Server) -> None:
        transport = keyed(server)
        await transport.prepare(BODY)
        tasks, threads = asyncio.all_tasks(), set(threading.enumerate())
        mine = [asyncio.create_task(one(transport)) for _ in range(many)]
        deadline = time.monotonic() + 20
        while len(server.requests) < many and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        for task in mine:
            task.cancel()
        await asyncio.wait(mine)
        assert all(task.cancelled() for task in mine)
        assert asyncio.all_tasks() == tasks
        assert set(threading.enumerate()) == threads
        done = [await asyncio.to_thread(request.done.wait, 5) for request in server.requests]
        assert done == [True] * many
        assert all(request.closed_at is not None for request in server.requests)

    with serve(answer) as server:
        run(main(server))


def test_an_answer_read_to_its_end_gives_its_connection_back() -> None:
    async def main(server: Server) -> None:
        transport = keyed(server)
        for _ in range(3):
            await whole(transport, BODY)
        assert server.connections == 1
        await transport._clients.leave()
        await transport._clients.leave()
        await whole(transport, BODY)
        assert server.connections == 2

    with serve(Answer(PIECES)) as server:
        run(main(server))
