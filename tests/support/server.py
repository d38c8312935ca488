"""A plain HTTP/1.1 server on 127.0.0.1, in a thread of its own: it answers by script and records what clients do."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, final

from punk.core.json import JsonObject


@final
@dataclass(frozen=True, slots=True)
class Pause:
    """Say nothing for `seconds`."""

    seconds: float


@final
@dataclass(frozen=True, slots=True)
class WaitForClose:
    """Say nothing until the client has closed its side."""


Piece: TypeAlias = bytes | Pause | WaitForClose
Ending: TypeAlias = Literal["clean", "cut", "reset"]


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its pieces are written as network chunks of their own. `cut` closes inside the chunked body."""

    pieces: Sequence[Piece]
    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("content-type", "text/event-stream"),)
    ending: Ending = "clean"
    before_headers: Sequence[Pause | WaitForClose] = ()


@final
@dataclass(slots=True)
class Recorded:
    """A request as it came, and when (`time.monotonic`) its client closed the connection before the answer ended."""

    path: str
    headers: dict[str, str]
    body: JsonObject
    closed_at: float | None = None
    done: threading.Event = field(default_factory=threading.Event)


Responder: TypeAlias = Callable[[Recorded], Answer]
"""Answers by what was asked."""


@final
class Server:
    """What a test holds of the running server: answers are given in order, the last one again and again. `connections`
    counts those that were ever made."""

    def __init__(self, answers: Sequence[Answer | Responder]) -> None:
        self.answers = list(answers)
        self.requests: list[Recorded] = []
        self.connections = 0
        self.port = 0

    @property
    def base(self) -> str:
        """The URL of the server, without a path."""
        return f"http://127.0.0.1:{self.port}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has left, or the test has
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (x.partition(":") for x in lines) if name}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
        recorded = Recorded(first.split(" ")[1], headers, json.loads(body or b"{}"))
        self.requests.append(recorded)
        if not isinstance(answer, Answer):
            answer = answer(recorded)
        # A second request on this connection only comes after the answer: what is read before is the client's close.
        closing = asyncio.ensure_future(self._closed(reader, recorded))
        try:
            await self._play(answer.before_headers, writer, closing)
            head_lines = [f"HTTP/1.1 {answer.status} Scripted", "transfer-encoding: chunked"]
            head_lines += [f"{name}: {value}" for name, value in answer.headers]
            writer.write("\r\n".join([*head_lines, "", ""]).encode())
            await self._play(answer.pieces, writer, closing)
            match answer.ending:
                case "clean":
                    # The next request comes when this answer has ended: from then on its bytes are not ours to read.
                    closing.cancel()
                    await asyncio.wait({closing})
                    writer.write(b"0\r\n\r\n")
                    await writer.drain()
                case "cut":
                    return False
                case "reset":
                    writer.transport.abort()
                    return False
        finally:
            closing.cancel()
            recorded.done.set()
        return not reader.at_eof()

    async def _play(self, pieces: Sequence[Piece], writer: asyncio.StreamWriter, closing: asyncio.Future[None]) -> None:
        for piece in pieces:
            match piece:
                case bytes():
                    writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    await writer.drain()
                    await asyncio.sleep(0)
                case Pause(seconds):
                    await asyncio.wait({closing}, timeout=seconds)
                case WaitForClose():
                    await asyncio.wait({closing}, timeout=20)
            if closing.done():
                raise ConnectionResetError("the client has closed")

    @staticmethod
    async def _closed(reader: asyncio.StreamReader, recorded: Recorded) -> None:
        try:
            # Peeking is not offered: a byte read here would be a pipelined request, which no client of ours sends.
            if await reader.read(1):
                raise AssertionError("the client sent bytes before its answer ended")
        except ConnectionError:
            pass
        recorded.closed_at = time.monotonic()


@contextmanager
def serve(*answers: Answer | Responder) -> Iterator[Server]:
    """A running server; it is stopped, with every connection, at the end of the block."""
    server = Server(answers)
    ready = threading.Event()
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def main() -> None:
        stopped = asyncio.Event()
        listening = await asyncio.start_server(server.handle, "127.0.0.1", 0, limit=2**24)
        server.port = listening.sockets[0].getsockname()[1]
        stop.append((asyncio.get_running_loop(), stopped))
        ready.set()
        await stopped.wait()
        listening.close()
        if left := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in left:
                task.cancel()
            await asyncio.wait(left)
        for _ in range(3):  # turns of the loop in which what was closed lets go of its socket
            await asyncio.sleep(0)

    thread = threading.Thread(target=asyncio.run, args=(main(),), name="test-server", daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        loop, stopped = stop[0]
        loop.call_soon_threadsafe(stopped.set)
        thread.join(10)
        assert not thread.is_alive()
