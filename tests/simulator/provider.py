"""The models of the simulated world: they answer as the seed says, and watch how they are asked."""

from __future__ import annotations

import asyncio
from math import inf
from typing import Final, Self, assert_never, final

from returns.result import Result, Success

from punk.core.effects import RequestTurn
from punk.core.events import (
    CallDelta,
    Heartbeat,
    ProviderEvent,
    RefusalDelta,
    TextDelta,
    ThinkingDelta,
    TurnEnded,
    TurnFailed,
    UsageReported,
)
from punk.core.failures import HttpStatus, StreamingUnsupported, TimedOut, Truncated, Unsupported
from punk.providers.base import Body, Delivery, Provider, TransportError
from tests.simulator.draw_answer import answer
from tests.simulator.life import EPSILON, Asked, Life
from tests.simulator.world import Broken, Ended, ModelSpec, Pinging, Said, Stalled

DRAIN: Final = 0.02
PINGS: Final = 25


@final
class SimulatedModel:
    """Model number `number` of a life."""

    name = "simulated"

    def __init__(self, life: Life, number: int, spec: ModelSpec) -> None:
        self._life = life
        self._number = number
        self._spec = spec
        self._asked = 0

    def provider(self) -> Provider:
        """The way to it."""
        spec = self._spec
        return Provider(
            "simulated",
            self._encode,
            lambda: _Decoder(self._life),
            self._decode,
            self,
            streams=spec.streams,
            timeouts=spec.timeouts,
            retry=spec.retry,
        )

    def _encode(self, turn: RequestTurn, delivery: Delivery) -> Result[Body, Unsupported]:
        self._life.encoded.append(turn)
        return Success(Body({"request": len(self._life.encoded) - 1}, delivery=delivery))

    def _decode(self, data: bytes) -> tuple[ProviderEvent, ...]:
        events: list[ProviderEvent] = []
        for number in data.split(b";")[:-1]:
            for event in self._life.pieces[int(number)]:
                events.append(event)
                if isinstance(event, TurnEnded | TurnFailed):
                    return tuple(events)
        return tuple(events)

    async def prepare(self, body: Body) -> None:
        """Nothing is impossible."""

    async def open(self, body: Body) -> _Answer:
        """Ask."""
        life = self._life
        index = body.json["request"]
        assert isinstance(index, int)
        turn = life.encoded[index]
        life.opens(turn)
        if turn.model != self._number:
            life.blame(f"model {self._number} was asked what model {turn.model} was to be asked")
        world = life.world
        what = answer(world, self._number, self._asked)
        asked = Asked(turn, body.delivery, self._asked, what, life.loop._now)
        self._asked += 1
        life.asked.append(asked)
        reading = _Answer(life, asked)
        connect = turn.clocks.connect
        if body.connect != connect:
            life.blame(f"a connection may take {body.connect} s, and the clock says {connect}")
        if what.connect > connect:
            await reading.passes(connect)
            raise TransportError(TimedOut("connect", "no connection"))
        await reading.passes(what.connect)
        if (refusal := what.refusal) is not None:
            if isinstance(refusal, StreamingUnsupported):
                if body.delivery == "whole":
                    refusal = HttpStatus(400, "this model cannot answer")
                asked.refused_stream = body.delivery == "stream"
            raise TransportError(refusal)
        await reading.passes(what.headers)
        asked.opened = True
        return reading


@final
class _Answer:
    secrets = ()

    def __init__(self, life: Life, asked: Asked) -> None:
        self._life = life
        self._asked = asked
        self._position = 0
        self._pings = 0

    async def read(self) -> bytes | None:
        asked, life = self._asked, self._life
        if asked.closes:
            life.blame("a closed answer is read")
        items = asked.answer.items
        if self._position == len(items):
            await self.passes(None if asked.over else 0.0)
            return None
        item = items[self._position]
        match item:
            case Said(after=seconds, events=events):
                await self.passes(seconds)
                self._position += 1
            case Broken(after=seconds, failure=failure):
                await self.passes(seconds)
                # What may be left after that is drained, as after an end.
                asked.over, asked.broken, asked.drained = True, True, life.loop._now
                raise TransportError(failure)
            case Ended(after=seconds):
                await self.passes(seconds)
                self._position = len(items)
                asked.over = asked.over or asked.delivery == "whole"
                return None
            case Stalled():
                await self.passes(None)
                return None
            case Pinging(every=seconds, event=event):
                await self.passes(self._pause(seconds))
                events = (event,)
            case _:
                assert_never(item)
        life.pieces.append(events)
        last = next((at for at, event in enumerate(events) if isinstance(event, TurnEnded | TurnFailed)), None)
        if self._draining:
            return b"%d;" % (len(life.pieces) - 1)
        if asked.delivery == "stream":
            life.came.append((life.loop._now, 1 + last if last is not None else len(events)))
        if last is not None:
            asked.over, asked.drained = True, life.loop._now
        elif asked.delivery == "stream" and any(map(_brings_on, events)):
            asked.spent, asked.clock = 0.0, "progress"
        return b"%d;" % (len(life.pieces) - 1)

    def _pause(self, seconds: float) -> float:
        """The pause before the next ping: after some, the clocks are brought near, or the caller gives up."""
        self._pings += 1
        if self._pings < PINGS or self._draining:
            return seconds
        limit = self._limit
        if limit == inf or self._pings > 2 * PINGS:
            self._life.loop.call_soon(self._life.rescue)
            if limit != inf and not self._life.is_over:
                self._life.blame("pings go on and on, and no clock rings")
            return 1.0
        return max(seconds, limit / 3)

    async def close(self) -> None:
        asked, life = self._asked, self._life
        asked.closes += 1
        if asked.answer.close:
            await asyncio.sleep(asked.answer.close)
        asked.closed_at = life.loop._now

    @property
    def _limit(self) -> float:
        clocks = self._asked.turn.clocks
        return clocks.first_event if self._asked.clock == "first_event" else clocks.progress

    async def passes(self, seconds: float | None) -> None:
        """Wait so many seconds, None for ever, as part of a read."""
        asked, loop = self._asked, self._life.loop
        if seconds == 0.0:
            return
        begun = loop._now
        try:
            if seconds is None:
                await self._life.for_ever(0.0 if self._draining else self._limit)
            else:
                await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            asked.spent += loop._now - begun
            self._note_tie(begun, seconds)
            self._cancelled(begun)
            if asked.answer.deaf:
                await asyncio.sleep(asked.answer.deaf)
            raise
        asked.spent += loop._now - begun
        self._note_tie(begun, seconds)
        if self._draining:
            if loop._now - asked.drained > DRAIN + EPSILON:
                self._life.blame("an answer was drained for too long")
        elif asked.spent > self._limit + EPSILON:
            self._life.blame(f"{asked.spent:g} s were spent in reads, and {asked.clock} is {self._limit:g}")

    def _note_tie(self, begun: float, seconds: float | None) -> None:
        came = seconds is not None and abs(self._life.loop._now - begun - seconds) < EPSILON
        if came and abs(self._asked.spent - self._limit) < EPSILON:
            self._life.tie = True

    @property
    def _draining(self) -> bool:
        # What is left after a clock has rung is drained as well.
        return (self._asked.over and self._asked.delivery == "stream") or (
            self._asked.rang is not None or self._asked.broken
        )

    def _cancelled(self, begun: float) -> None:
        life, asked = self._life, self._asked
        if life.is_over:
            return
        if self._draining:
            if abs(life.loop._now - asked.drained - DRAIN) > EPSILON:
                life.blame(f"draining was broken off after {life.loop._now - asked.drained:g} s")
        elif abs(asked.spent - self._limit) > EPSILON:
            life.blame(f"a read was broken off after {asked.spent:g} s, and {asked.clock} is {self._limit:g}")
        else:
            asked.rang, asked.drained = asked.clock, life.loop._now + asked.answer.deaf


@final
class _Decoder:
    def __init__(self, life: Life) -> None:
        self._life = life
        self._over = False

    def feed(self, data: bytes) -> tuple[Self, tuple[ProviderEvent, ...]]:
        if self._over:
            return self, ()
        events = self._life.pieces[int(data[:-1])]
        if events and isinstance(events[-1], TurnEnded | TurnFailed):
            self._over = True
        return self, events

    def end(self) -> tuple[ProviderEvent, ...]:
        return () if self._over else (TurnFailed(Truncated("the simulated answer was cut")),)


def _brings_on(event: ProviderEvent) -> bool:
    if isinstance(event, Heartbeat | UsageReported):
        return False
    if isinstance(event, TextDelta | ThinkingDelta | RefusalDelta):
        return event.text != ""
    return not isinstance(event, CallDelta) or event.arguments != ""
