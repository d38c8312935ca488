"""Serves answers by the order in a request's text, in a process of its own: `python -m tests.load.server WIRE PORTS`.

An order is `[VERB TAG NUMBER NUMBER]` in the question. It prints its ports first; `GET /` says what it has seen.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, final

from tests.llm.script import CALLS, START, STOP, call, text
from tests.providers.wires import WIRES, Wire

ORDER: Final = re.compile(rb"\[(\w+) (\w+) (\d+) (\d+)\]")
LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
LAST: Final = b"0\r\n\r\n"
TICK: Final = "tick "


def chunk(data: bytes) -> bytes:
    """`data` as one chunk of HTTP."""
    return b"%x\r\n%s\r\n" % (len(data), data)


@final
class Script:
    """The pieces of answers on one wire, as chunks of HTTP."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._paced: dict[int, tuple[bytes, ...]] = {}
        self.first, self.delta, _ = self.paced(2)
        self.calling = chunk(wire.write([START, *call("wait"), CALLS])) + LAST

    def paced(self, deltas: int) -> tuple[bytes, ...]:
        """That many deltas, and the end."""
        if deltas not in self._paced:
            grown = [START, *text(*[TICK] * deltas), STOP]
            written = [b"", *(self._wire.write(grown[:stop]) for stop in range(2, len(grown) + 1))]
            pieces = [chunk(now.removeprefix(before)) for before, now in pairwise(written)]
            self._paced[deltas] = (*pieces[:-1], pieces[-1] + LAST)
        return self._paced[deltas]


@final
class Seen:
    """What all connections have seen: by its tag, when (`time.monotonic`) an answer's client left it."""

    def __init__(self) -> None:
        self.asked = 0
        self.left: dict[str, float] = {}


@final
class Connection(asyncio.Protocol):
    """One connection."""

    def __init__(self, script: Script, seen: Seen) -> None:
        self._script = script
        self._seen = seen
        self._tag = ""
        self._said = b""
        self._next: asyncio.Handle | None = None
        self._writable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._writable = False
        self._stop()
        if self._tag:
            self._seen.left[self._tag] = time.monotonic()

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True

    def data_received(self, data: bytes) -> None:
        self._said += data
        head, blank, body = self._said.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if not blank or (length and len(body) < int(length[1])):
            return
        self._said = b""
        if head.startswith(b"GET"):
            self._report()
        else:
            self._answer(body)

    def _report(self) -> None:
        told = json.dumps({"asked": self._seen.asked, "left": self._seen.left}).encode()
        self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(told), told))
        self._transport.close()

    def _answer(self, body: bytes) -> None:
        order = ORDER.search(body)
        assert order is not None, body
        verb, self._tag, rate, count = order[1].decode(), order[2].decode(), int(order[3]), int(order[4])
        self._seen.asked += 1
        match verb:
            case "hold":
                pass
            case "first":
                self._transport.write(HEAD + self._script.first)
            case "pace":
                self._transport.write(HEAD)
                self._pace(asyncio.get_running_loop().time(), 1 / rate, self._script.paced(count), 0)
            case "flood":
                self._transport.write(HEAD + self._script.first)
                self._flood()
            case "call":
                self._tag = ""
                self._transport.write(HEAD + self._script.calling)
            case _:
                raise AssertionError(verb)

    def _pace(self, since: float, gap: float, pieces: Sequence[bytes], number: int) -> None:
        if number + 1 == len(pieces):
            self._tag = ""
        self._transport.write(pieces[number])
        if self._tag:
            loop = asyncio.get_running_loop()
            self._next = loop.call_at(since + (number + 1) * gap, self._pace, since, gap, pieces, number + 1)

    def _flood(self) -> None:
        if self._writable:
            self._transport.write(self._script.delta * 50)
        self._next = asyncio.get_running_loop().call_later(0.001 if self._writable else 0.01, self._flood)

    def _stop(self) -> None:
        if self._next is not None:
            self._next.cancel()


async def main(name: str, ports: int) -> None:
    """Serve until the other end of the standard input is gone."""
    (wire,) = (wire for wire in WIRES if wire.name == name)
    script, seen = Script(wire), Seen()
    loop = asyncio.get_running_loop()
    listening = [
        await loop.create_server(lambda: Connection(script, seen), "127.0.0.1", 0, backlog=2048) for _ in range(ports)
    ]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in listening]), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
