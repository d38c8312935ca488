"""One request and its answer: opened at the first read, then batches of events up to the one that ends the turn."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeVar, final

from punk.core.events import Event, ProviderEvent, TimerFired, TurnEnded, TurnFailed
from punk.core.failures import ConnectionLost, Failure, StreamingUnsupported, Truncated
from punk.core.timeouts import Clocks, Watch
from punk.interpreter.alarm import Alarm
from punk.providers.answer_tool import answer_events, answering
from punk.providers.base import Body, ByteStream, Decoder, Provider, TransportError, read_all
from punk.providers.secrets import presentable_failure, presented, secrets_of_body

DRAIN_SECONDS: Final = 0.02
"""How long an answer that has ended may take to end its bytes too, so that its connection can be used again."""


E = TypeVar("E", TimerFired, TurnFailed)

# A tuple, for a union would be built anew for each piece.
LAST: Final = (TurnEnded, TurnFailed)


@final
class Turn:
    """Reads the answer to `body` by its `clocks`. Used by one task, which calls `close` in any case.

    `over` is true once `read` has given the turn's last event; `cause` the foreign exception behind a failure,
    as it may be shown.
    """

    def __init__(self, provider: Provider, body: Body, clocks: Clocks) -> None:
        self._provider = provider
        self._body = replace(body, connect=clocks.connect)
        self._watch = Watch.of(clocks)
        self._alarm = Alarm()
        self._clock = asyncio.get_running_loop().time
        self._stream: ByteStream | None = None
        self._decoder: Decoder = answering(provider.decoder(), body.answer_tool)
        self._bytes_ended = False
        self.over: bool = False
        self.cause: BaseException | None = None

    async def prepare(self) -> Failure | None:
        """Why the request cannot be made, None if it can."""
        try:
            await self._provider.transport.prepare(self._body)
        except TransportError as error:
            failure, self.cause = presented(error, self._body)
            return failure
        return None

    async def read(self) -> tuple[ProviderEvent | TimerFired, ...]:
        """The events of the next piece of the answer; there may be none in it."""
        begun = self._clock()
        if self._watch.left <= 0:
            return (self._ended_by(self._watch.fired),)
        self._alarm.set(begun + self._watch.left)
        try:
            events = await self._read()
        except BaseException as error:
            if self._alarm.caused(error):
                return (self._ended_by(self._watch.fired),)
            if not self._alarm.is_foreign(error):
                raise
            self.cause = error
            return (self._ended_by(TurnFailed(ConnectionLost("the request was cancelled from inside of its client"))),)
        finally:
            self._alarm.put_off()
        self._watch = self._watch.after(self._clock() - begun, events)
        return events

    def _ended_by(self, last: E) -> E:
        self.over = True
        self._bytes_ended = True  # they are not waited for again
        return last

    async def _read(self) -> tuple[ProviderEvent, ...]:
        try:
            if self._stream is None:
                self._stream = await self._provider.transport.open(self._body)
            if self._body.delivery == "whole":
                events = answer_events(
                    self._provider.decode_whole(await read_all(self._stream)), self._body.answer_tool
                )
                self._bytes_ended = True
            elif (data := await self._stream.read()) is not None:
                self._decoder, events = self._decoder.feed(data)
            else:
                events = self._decoder.end()
                self._bytes_ended = True
        except TransportError as error:
            failure, self.cause = presented(error, self._body)
            events = (TurnFailed(failure),)
            self._bytes_ended = True
        if len(events) > 1:
            events = _up_to_last(events)
        if events and isinstance(events[-1], LAST):
            self.over = True
            events = (*events[:-1], self._presentable(events[-1]))
        elif self._bytes_ended:
            self.over = True
            events = (*events, TurnFailed(Truncated("the answer ended without its last event")))
        return events

    def _presentable(self, event: ProviderEvent) -> ProviderEvent:
        if not isinstance(event, TurnFailed) or self._stream is None:
            return event
        secrets = (*self._stream.secrets, *secrets_of_body(self._body))
        return TurnFailed(presentable_failure(event.failure, secrets))

    async def drain(self) -> None:
        """Read to the end of the bytes, if it is near."""
        if self._stream is None or self._bytes_ended:
            return
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while await self._stream.read() is not None:
                    pass
        except (TimeoutError, TransportError):
            pass  # the answer itself is whole

    async def close(self) -> None:
        """Let go of the connection."""
        self._alarm.close()
        if self._stream is not None:
            with suppress(Exception):  # an answer that nobody wants any more cannot fail
                await self._stream.close()


def _up_to_last(events: tuple[ProviderEvent, ...]) -> tuple[ProviderEvent, ...]:
    """`events` without those that a decoder gives after the last one of its turn: nobody waits for them."""
    for at, event in enumerate(events, 1):
        if isinstance(event, LAST):
            return events[:at]
    return events


def is_refused_stream(events: Sequence[Event]) -> bool:
    """Whether `events` say that the model cannot stream."""
    return any(isinstance(event, TurnFailed) and isinstance(event.failure, StreamingUnsupported) for event in events)
