"""A server that does wrong on purpose: it plays scripts of bytes over HTTP/1.1, and sees when its clients hang up.

It runs in the loop of the test, one task a connection, and ends with its block: every connection and task with it.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Final, TypeAlias, cast, final

from punk.core.json import JsonObject
from tests.faults.scripts import Close, Hang, Pause, Repeat, Reset, Script, Send, Step

PATIENCE: Final = 20.0
"""Seconds that a script may take in all: whoever waits longer for a server of a test waits for nothing."""
SERVING: Final = "fault-server"
"""How the names of the server's tasks begin."""


Respond: TypeAlias = "Callable[[Exchange], Script]"
"""A script by what was asked."""


@final
@dataclass(slots=True)
class Exchange:
    """A request as it came, on the connection of that number, and what became of its answer.

    `came_at`, `answered_at` and `closed_at` are when (`time.monotonic`) it came, when its script was played to the end
    with the connection kept, and when the client hung up before that; `over` is set in any case.
    """

    connection: int
    head: bytes
    body: bytes
    came_at: float = field(default_factory=time.monotonic)
    closed_at: float | None = None
    answered_at: float | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def path(self) -> str:
        """What was asked for."""
        return self.head.split(b" ", 2)[1].decode()

    @property
    def json(self) -> JsonObject:
        """The request's document."""
        return cast(JsonObject, json.loads(self.body or b"{}"))


@final
class FaultServer:
    """What a test holds of the running server: the scripts are played in order, a request each, the last one again and
    again. `connections` counts those that were ever made, `requests` holds all that came."""

    def __init__(self, scripts: Sequence[Script | Respond]) -> None:
        self.play(*scripts)
        self.connections = 0
        self.base = ""
        self.tasks: set[asyncio.Task[None]] = set()

    def play(self, *scripts: Script | Respond) -> None:
        """Forget what was asked, and play other scripts from now on."""
        self.scripts = list(scripts)
        self.requests: list[Exchange] = []

    def script(self, exchange: Exchange) -> Script:
        """What to do about the request that has just come."""
        script = self.scripts[min(len(self.requests), len(self.scripts)) - 1]
        return script if isinstance(script, tuple) else script(exchange)

    async def let_go(self, seconds: float = 1.0) -> bool:
        """Whether every answer is over within `seconds`, or the client has hung up on it."""
        try:
            async with asyncio.timeout(seconds):
                for exchange in self.requests:
                    await exchange.over.wait()
        except TimeoutError:
            return False
        return True


class _Left(Exception):
    """The client has hung up."""


@final
class _Connection(asyncio.Protocol):
    """One connection: requests are taken from what has come, each is answered by its script."""

    def __init__(self, server: FaultServer) -> None:
        self._server = server
        self._received = bytearray()
        self._more = asyncio.Event()
        self._writable = asyncio.Event()
        self._left = asyncio.Event()
        self._left_at = 0.0
        self._ours = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(0)
        self._writable.set()
        self._server.connections += 1
        self._number = self._server.connections
        task = asyncio.get_running_loop().create_task(self._serve(), name=f"{SERVING}-{self._number}")
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._more.set()

    def eof_received(self) -> bool:
        self._hung_up()
        return True  # what is left to do is the script's

    def connection_lost(self, exc: Exception | None) -> None:
        self._hung_up()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _hung_up(self) -> None:
        if not self._left.is_set() and not self._ours:
            self._left_at = time.monotonic()
        self._left.set()
        self._more.set()
        self._writable.set()

    async def _serve(self) -> None:
        try:
            while (request := await self._request()) is not None:
                exchange = Exchange(self._number, *request)
                self._server.requests.append(exchange)
                try:
                    async with asyncio.timeout(PATIENCE):
                        if not await self._play(self._server.script(exchange)):
                            return
                    exchange.answered_at = time.monotonic()
                except _Left:
                    exchange.closed_at = self._left_at
                    return
                except TimeoutError:
                    return
                finally:
                    exchange.over.set()
        finally:
            self._ours = True
            self._transport.abort() if self._left.is_set() else self._transport.close()

    async def _request(self) -> tuple[bytes, bytes] | None:
        """The next request's head and body, None if the client has left."""
        while (end := self._received.find(b"\r\n\r\n")) < 0:
            if not await self._receive():
                return None
        head = bytes(self._received[:end])
        lengths = [x.split(b":")[1] for x in head.split(b"\r\n") if x.lower().startswith(b"content-length:")]
        whole = end + 4 + int(lengths[0] if lengths else 0)
        while len(self._received) < whole:
            if not await self._receive():
                return None
        body = bytes(self._received[end + 4 : whole])
        del self._received[:whole]
        return head, body

    async def _receive(self) -> bool:
        if self._left.is_set():
            return False
        self._more.clear()
        await self._more.wait()
        return True

    async def _play(self, steps: Sequence[Step]) -> bool:
        """Play `steps`; false once the connection is closed. Raises `_Left`."""
        for step in steps:
            match step:
                case Send(data):
                    await self._send(data)
                case Pause(seconds):
                    await self._wait(seconds)
                case Hang():
                    await self._wait(None)
                case Close():
                    self._ours = True
                    return False
                case Reset():
                    self._ours = True
                    sock = self._transport.get_extra_info("socket")
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self._transport.abort()
                    return False
                case Repeat(inner, times):
                    for _ in count() if times is None else range(times):
                        if not await self._play(inner):
                            return False
        return True

    async def _send(self, data: bytes) -> None:
        if self._left.is_set():
            raise _Left
        self._transport.write(data)
        # A turn of the loop for each: so chunks arrive as they were sent, one by one.
        await asyncio.sleep(0)
        await self._writable.wait()

    async def _wait(self, seconds: float | None) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._left.wait(), seconds)
            raise _Left


@asynccontextmanager
async def serving(*scripts: Script | Respond) -> AsyncIterator[FaultServer]:
    """A running server; at the end of the block it is gone, with every connection and task."""
    server = FaultServer(scripts)
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: _Connection(server), "127.0.0.1", 0, backlog=512)
    server.base = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()
        while tasks := list(server.tasks):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        await asyncio.sleep(0)  # what was closed is closed in the loop's next turn


@contextmanager
def refusing() -> Iterator[str]:
    """The base URL of a port that refuses connections: it is taken, and nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
