"""A scripted runtime in place of a model, and what the tests of the engine say to it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from punk.providers.local.transport import LocalStream

Chunk = dict[str, object]
PATIENCE = 10.0


def chunk(content: str | None, finish: str | None = None) -> Chunk:
    return {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}]}


STOP = chunk(None, "stop")


class Script:
    """A runtime that says what each request's `script` holds; a chunk of None waits for `go_on`."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.bodies: list[Mapping[str, object]] = []
        self.stopped_by_callback = 0
        self.settled = 0

    def handle_chat_completions(self, body: Mapping[str, object], callback: Callable[[Chunk], bool]) -> None:
        self.bodies.append(body)
        self.begun.set()
        for said in cast("Sequence[Chunk | Exception | None]", body["script"]):
            if isinstance(said, Exception):
                raise said
            if said is None:
                assert self.go_on.wait(PATIENCE)
            elif callback(said):
                self.stopped_by_callback += 1
                return

    def handle_completions(self, _body: Mapping[str, object], _callback: Callable[[Chunk], bool]) -> None:
        self.settled += 1
        raise RuntimeError("even so")


def body(*said: Chunk | Exception | None) -> Chunk:
    return {"messages": [], "script": said}


async def rest_of(stream: LocalStream) -> list[object]:
    payloads: list[object] = []
    while (payload := await stream.read()) is not None:
        payloads.append(payload if payload == b"[DONE]" else json.loads(payload))
    return payloads


async def has_begun(script: Script) -> None:
    assert await asyncio.to_thread(script.begun.wait, PATIENCE)
