"""Two hundred streams at once: every one is read, every one that is left closes its connection, and nothing is left."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, Literal

import pytest

from punk.core.messages import UserMessage
from punk.llm.chat import Chat
from tests.llm.script import START, STOP, text
from tests.providers.wires import WIRES, Wire
from tests.support.aio import run

STREAMS: Final = 200
Until = Literal["headers", "text", "end"]


class Many:
    """A server in the loop of the test, for it must see the end of hundreds of connections without a thread for each.

    It answers `until` that place: no byte, some text, or the end.
    """

    def __init__(self, wire: Wire, until: Until) -> None:
        whole = wire.write([START, *text("a", "b"), STOP])
        self._body = {"headers": b"", "text": wire.write([START, *text("a")]), "end": whole}[until]
        self._until = until
        self.asked = 0
        self.open: set[asyncio.Task[object] | None] = set()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer each request on the connection, and see its end."""
        self.open.add(asyncio.current_task())
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    int(line.split(b":")[1])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length")
                )
                await reader.readexactly(length)
                self.asked += 1
                if self._until != "headers":
                    writer.write(
                        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
                    )
                    writer.write(b"%x\r\n%s\r\n" % (len(self._body), self._body))
                if self._until == "end":
                    writer.write(b"0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open.discard(asyncio.current_task())
            writer.close()


@asynccontextmanager
async def serving(many: Many) -> AsyncIterator[str]:
    server = await asyncio.start_server(many.answer, "127.0.0.1", 0, backlog=STREAMS)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.close()
        # Connections that a pool keeps.
        kept = [task for task in many.open if task is not None]
        for task in kept:
            task.cancel()
        await asyncio.gather(*kept, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("wire", WIRES, ids=str)
@pytest.mark.parametrize("place", ["headers", "text"])
def test_streams_that_are_left_let_go_of_everything(wire: Wire, place: Until) -> None:
    async def main() -> None:
        many = Many(wire, place)
        async with serving(many) as base:
            chat = Chat([UserMessage("q")], wire.model(base))
            before = asyncio.all_tasks()
            reading = 0

            async def leave_by_break() -> None:
                nonlocal reading
                async with chat.complete_stream() as stream:
                    async for _ in stream.content:
                        reading += 1
                        break

            async def stay() -> None:
                nonlocal reading
                async with chat.complete_stream() as stream:
                    async for _ in stream.content:
                        reading += 1

            breaking = STREAMS // 2 if place == "text" else 0
            broken = [asyncio.create_task(leave_by_break()) for _ in range(breaking)]
            cancelled = [asyncio.create_task(stay()) for _ in range(STREAMS - breaking)]
            await until(lambda: many.asked == STREAMS and (place == "headers" or reading == STREAMS))
            threads = {thread.name for thread in threading.enumerate() if thread.name.startswith("punk")}
            for task in cancelled:
                task.cancel()
            await asyncio.wait([*broken, *cancelled])
            assert all(task.cancelled() for task in cancelled)
            assert [task.result() for task in broken] == [None] * breaking
            await until(lambda: not many.open)
            assert threads == set()
            # The server's own tasks end with their connections.
            await until(lambda: asyncio.all_tasks() - before == set())

    run(main(), deadline=60)


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_streams_that_are_read_share_their_connections(wire: Wire) -> None:
    async def main() -> None:
        many = Many(wire, "end")
        async with serving(many) as base:
            chat = Chat([UserMessage("q")], wire.model(base))
            async with asyncio.TaskGroup() as group:
                chats = [group.create_task(chat.complete_async()) for _ in range(STREAMS)]
            assert {made.result().latest_message.content for made in chats} == {"ab"}
            assert len(many.open) <= STREAMS
            again = await chat.complete_async()
            assert again.latest_message.content == "ab"

    run(main(), deadline=60)
