"""One request's way through the engine: run on the worker thread, read on an event loop, stopped from anywhere."""

import asyncio
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from punk.providers.local.handover import Inbox, call_on
from punk.providers.local.runtime import LoadedModel

DONE = b"[DONE]"
CLOSED = "The stream was closed before the answer had ended."


@final
@dataclass(frozen=True, slots=True)
class Piece:
    """One payload: the JSON text of a chunk, or the closing `[DONE]`."""

    payload: bytes


@final
@dataclass(frozen=True, slots=True)
class Ended:
    """The runtime has said its last word, complete or not: only `[DONE]` before it tells that it was complete."""


@final
@dataclass(frozen=True, slots=True)
class Failed:
    """The runtime gave up; `message` is its word on why."""

    message: str


Delivery = Piece | Ended | Failed


@final
class Generation:
    """One request, from submission to its last word. Make it on the event loop that reads it."""

    def __init__(self, body: Mapping[str, object]) -> None:
        # Progress reports come between two batches of a long prompt: the only moments when it can be stopped.
        self._body = {**body, "stream": True, "return_progress": True}
        self._inbox: Inbox[Delivery] = Inbox()
        self._loop = asyncio.get_running_loop()
        self._at_rest = asyncio.Event()
        self._stopped = threading.Event()
        self._finished = False
        self._fault: Exception | None = None

    def run(self, model: LoadedModel) -> None:
        """Answers the request, on the worker thread; raises nothing; returns soon after `stop`."""
        try:
            if not self._stopped.is_set():
                model.server.handle_chat_completions(self._body, self._receive)
        except Exception as error:
            self._fault = error
        self._conclude()

    def stop(self) -> None:
        """Asks for an end at the next token or batch, from any thread."""
        self._stopped.set()

    def discard(self) -> None:
        """Ends a request that has left the queue without having run."""
        self._stopped.set()
        self._conclude()

    async def take(self) -> Delivery:
        """The next delivery. Nothing follows `Ended` or `Failed`."""
        return await self._inbox.take()

    async def rest(self) -> None:
        """Waits until the worker thread has done with this request."""
        await self._at_rest.wait()

    def _receive(self, chunk: dict[str, object]) -> bool:
        # The runtime swallows what is raised here, so a fault is kept for the reader.
        try:
            if self._stopped.is_set():
                return True
            match chunk:
                case {"choices": [{"finish_reason": str()}, *_]}:
                    self._finished = True
                case _:
                    pass
            payload = json.dumps(chunk, ensure_ascii=False, separators=(",", ":")).encode()
            return not self._inbox.post(Piece(payload))
        except Exception as error:
            self._fault = error
            return True

    def _conclude(self) -> None:
        if self._fault is not None:
            self._inbox.post(Failed(str(self._fault) or repr(self._fault)))
        elif self._stopped.is_set():
            self._inbox.post(Failed(CLOSED))
        else:
            if self._finished:
                self._inbox.post(Piece(DONE))
            self._inbox.post(Ended())
        call_on(self._loop, self._at_rest.set)
