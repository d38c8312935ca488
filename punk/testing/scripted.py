"""A model in memory that plays given turns and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Self, final

from returns.result import Result, Success

from punk.core.effects import RequestTurn
from punk.core.events import ProviderEvent, TurnEnded, TurnFailed
from punk.core.failures import ConnectFailed, Truncated, Unsupported
from punk.core.retry import RetryPolicy
from punk.core.timeouts import Timeouts
from punk.providers.base import Body, Delivery, Provider, TransportError
from punk.testing.script import Fault, Gate, Pause, ScriptItem

FAMILY: Final = "scripted"


@final
class ScriptedModel:
    """Answers its requests with `turns`, in order, `batch` events a read.

    A turn without a last event is a truncated one, a request beyond the last turn finds no connection, and nothing
    after a turn's last event is played. `streams=False` makes it a model that answers only in one piece. Each turn is
    asked for once, unless `retry` or a chat says otherwise: then a turn of the script answers each attempt. Raises
    `ValueError` for a `batch` below 1.
    """

    def __init__(
        self,
        turns: Sequence[Sequence[ScriptItem]],
        *,
        batch: int = 1,
        streams: bool = True,
        timeouts: Timeouts = Timeouts(),
        retry: RetryPolicy = RetryPolicy(attempts=1),
    ) -> None:
        if batch < 1:
            raise ValueError(f"batch is at least 1, not {batch}")
        self._script = _Script(tuple(tuple(turn) for turn in turns), batch)
        self._streams = streams
        self._timeouts = timeouts
        self._retry = retry

    @property
    def name(self) -> str:
        """Always `scripted`."""
        return FAMILY

    @property
    def requests(self) -> tuple[RequestTurn, ...]:
        """What was asked so far, one for each request that was sent."""
        return tuple(self._script.asked)

    @property
    def opened(self) -> int:
        """How many streamed answers were opened."""
        return self._script.opened

    @property
    def closed(self) -> int:
        """How many of them were closed."""
        return self._script.closed

    def provider(self) -> Provider:
        """The way to reach it."""
        script = self._script
        return Provider(
            FAMILY,
            script.encode,
            lambda: _Decoder(script),
            script.decode,
            _Transport(script),
            streams=self._streams,
            timeouts=self._timeouts,
            retry=self._retry,
        )


@final
@dataclass(slots=True)
class _Script:
    """The turns, and what has become of them."""

    turns: tuple[tuple[ScriptItem, ...], ...]
    batch: int
    encoded: list[RequestTurn] = field(default_factory=list)
    asked: list[RequestTurn] = field(default_factory=list)
    opened: int = 0
    closed: int = 0

    def encode(self, turn: RequestTurn, delivery: Delivery) -> Result[Body, Unsupported]:
        self.encoded.append(turn)
        return Success(Body({"request": len(self.encoded) - 1}, delivery=delivery))

    def ask(self, body: Body) -> int:
        """The number of the turn that answers."""
        index = body.json["request"]
        assert isinstance(index, int)
        self.asked.append(self.encoded[index])
        if len(self.asked) > len(self.turns):
            raise TransportError(ConnectFailed(f"the script has {len(self.turns)} turns, and one more was requested"))
        return len(self.asked) - 1

    def decode(self, token: bytes) -> tuple[ProviderEvent, ...]:
        """The events that `token` (a turn, and a range of its items) stands for, up to the last of the turn."""
        turn, start, stop = map(int, token.split())
        events: list[ProviderEvent] = []
        for item in self.turns[turn][start:stop]:
            if not isinstance(item, Fault | Gate | Pause):
                events.append(item)
                if isinstance(item, TurnEnded | TurnFailed):
                    break
        return tuple(events)


@final
@dataclass(frozen=True, slots=True)
class _Decoder:
    script: _Script
    over: bool = False

    def feed(self, data: bytes) -> tuple[Self, tuple[ProviderEvent, ...]]:
        if self.over:
            return self, ()
        events = self.script.decode(data)
        over = bool(events) and isinstance(events[-1], TurnEnded | TurnFailed)
        return type(self)(self.script, over), events

    def end(self) -> tuple[ProviderEvent, ...]:
        return () if self.over else (TurnFailed(Truncated("the scripted turn has no last event")),)


@final
class _Answer:
    """Plays one turn: waits at its gates and pauses, breaks at its faults."""

    def __init__(self, script: _Script, turn: int) -> None:
        self._script = script
        self._turn = turn
        self._position = 0
        self._is_closed = False

    @property
    def secrets(self) -> tuple[str, ...]:
        return ()

    async def read(self) -> bytes | None:
        items = self._script.turns[self._turn]
        start = self._position
        while self._position < len(items):
            match items[self._position]:
                case Gate() | Pause() | Fault() if start < self._position:
                    break  # what came before it is read first
                case Gate() | Pause() as wait:
                    await wait.passed()
                    start = self._position = self._position + 1
                case Fault(failure=failure):
                    raise TransportError(failure)
                case _:
                    self._position += 1
                    if self._position - start == self._script.batch:
                        break
        return b"%d %d %d" % (self._turn, start, self._position) if start < self._position else None

    async def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._script.closed += 1


@final
class _Whole:
    """Plays one turn in one piece."""

    def __init__(self, script: _Script, turn: int) -> None:
        self._script = script
        self._turn = turn
        self._is_read = False

    @property
    def secrets(self) -> tuple[str, ...]:
        return ()

    async def read(self) -> bytes | None:
        if self._is_read:
            return None
        items = self._script.turns[self._turn]
        for item in items:
            match item:
                case Gate() | Pause():
                    await item.passed()
                case Fault(failure=failure):
                    raise TransportError(failure)
                case _:
                    pass
        self._is_read = True
        return b"%d 0 %d" % (self._turn, len(items))

    async def close(self) -> None:
        """There is nothing to let go of."""


@final
@dataclass(frozen=True, slots=True)
class _Transport:
    script: _Script

    async def prepare(self, body: Body) -> None:
        """Nothing is impossible in memory."""

    async def open(self, body: Body) -> _Answer | _Whole:
        turn = self.script.ask(body)
        items = self.script.turns[turn]
        if items and isinstance(items[0], Fault):
            raise TransportError(items[0].failure)
        if body.delivery == "whole":
            return _Whole(self.script, turn)
        self.script.opened += 1
        return _Answer(self.script, turn)
