"""Draws what a model answers to one request: talk, chopped into pieces, and what goes wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final, TypeVar

from punk.core.events import (
    CallDelta,
    CallEnded,
    CallStarted,
    Heartbeat,
    OpaqueEnded,
    ProviderEvent,
    TextDelta,
    ThinkingDelta,
    TurnEnded,
    TurnFailed,
    TurnStarted,
    UsageReported,
)
from punk.core.failures import (
    ConnectFailed,
    ConnectionLost,
    Failure,
    HttpStatus,
    Malformed,
    ProviderError,
    StreamingUnsupported,
    Truncated,
)
from punk.core.messages import Finish
from punk.core.usage import Usage
from tests.simulator.draw_talk import DATA, pick, talk
from tests.simulator.world import Answer, Broken, Ended, Item, Pinging, Said, Stalled, World

T = TypeVar("T")

DELAYS: Final = (*(0.0,) * 8, 0.001, 0.001, 0.01, 0.01, 0.05, 0.3, 0.5)
LONG: Final = (0.5, 1.0, 2.0, 5.0, 700.0)
REFUSALS: Final[tuple[Failure, ...]] = (
    ConnectFailed("refused"),
    HttpStatus(429, "slow down"),
    HttpStatus(429, "slow down", "rate_limit_error", 0.3),
    HttpStatus(503, "later", None, 3.0),
    HttpStatus(529, "much later", "overloaded_error", 50.0),
    HttpStatus(500, "oops"),
    HttpStatus(400, "what?"),
    HttpStatus(401, "who?"),
    StreamingUnsupported("this model cannot stream"),
)
SAID: Final[tuple[Failure, ...]] = (
    ProviderError("overloaded", "overloaded_error"),
    ProviderError("overloaded", "overloaded_error", 0.4),
    ProviderError("no", "invalid_request_error"),
    Malformed("not JSON"),
    Truncated("no last event"),
)
WRONG: Final[tuple[ProviderEvent, ...]] = (
    TurnStarted("simulated"),
    TextDelta(-1, "x"),
    TextDelta(9, "x"),
    CallDelta(0, "x"),
    CallEnded(7),
    OpaqueEnded(0, DATA),
    ThinkingDelta(0, "x"),
    CallStarted(0, "x", "quick"),
)
SILENT: Final[tuple[ProviderEvent, ...]] = (Heartbeat(), UsageReported(Usage(1, 1)), TextDelta(0, ""))


def answer(world: World, model: int, number: int) -> Answer:
    """What request `number` of `model` is answered with in `world`."""
    random = Random(world.seed * 1_000_003 + model * 1_009 + number)
    roll = random.random
    events = talk(random, model, number, world)
    connect = pick(random, DELAYS)
    headers: float | None = pick(random, DELAYS)
    close = 0.0 if roll() < 0.93 else pick(random, (0.01, 0.5))
    deaf = 0.0 if roll() < 0.96 else pick(random, (0.01, 0.5))
    end: tuple[Item, ...] = pick(random, _ENDS)
    if roll() >= world.faults:
        return Answer("fine", connect, headers, None, (*_chopped(random, events), *end), deaf, close)
    kind = pick(random, _FAULTS)
    # Early is where a turn may be asked for again.
    place = 0 if roll() < 0.5 else int(roll() * len(events))
    match kind:
        case "refused":
            return Answer(kind, connect, headers, pick(random, REFUSALS), (), deaf, close)
        case "no connection":
            return Answer(kind, pick(random, LONG), headers, None, (*_chopped(random, events), *end), deaf, close)
        case "late headers":
            late = pick(random, (*LONG, None))
            return Answer(kind, connect, late, None, (*_chopped(random, events), *end), deaf, close)
        case _:
            items = _FAULTY[kind](random, events, place, end)
            return Answer(kind, connect, headers, None, items, deaf, close)


_ENDS: Final[tuple[tuple[Item, ...], ...]] = (
    (Ended(0.0),),
    (Ended(0.0),),
    (Ended(0.0),),
    (),
    (Ended(0.019),),
    (Ended(0.5),),
    (Stalled(),),
    (Broken(0.0, ConnectionLost("after the end")),),
    (Pinging(0.001, Heartbeat()),),
    (Said(0.0, (TextDelta(0, "late"), TurnEnded(Finish("stop")))), Ended(0.0)),
)


def _lost(random: Random, events: list[ProviderEvent], place: int, end: tuple[Item, ...]) -> tuple[Item, ...]:
    return (*_chopped(random, events[:place]), Broken(pick(random, DELAYS), ConnectionLost("gone")))


def _cut(random: Random, events: list[ProviderEvent], place: int, end: tuple[Item, ...]) -> tuple[Item, ...]:
    return (*_chopped(random, events[:place]), Ended(pick(random, DELAYS)))


def _stalled(random: Random, events: list[ProviderEvent], place: int, end: tuple[Item, ...]) -> tuple[Item, ...]:
    return (*_chopped(random, events[:place]), Stalled())


def _pinging(random: Random, events: list[ProviderEvent], place: int, end: tuple[Item, ...]) -> tuple[Item, ...]:
    silent = pick(random, SILENT[: 2 if place == 0 or not isinstance(events[0], TextDelta) else 3])
    return (*_chopped(random, events[:place]), Pinging(pick(random, (0.005, 0.2, 0.3)), silent))


def _paused(random: Random, events: list[ProviderEvent], place: int, end: tuple[Item, ...]) -> tuple[Item, ...]:
    rest = _chopped(random, events[place:])
    return (*_chopped(random, events[:place]), *_pings(random), Said(pick(random, LONG), ()), *rest, *end)


def _slow(random: Random, events: list[ProviderEvent], place: int, end: tuple[Item, ...]) -> tuple[Item, ...]:
    pace = pick(random, (0.015, 0.3, 0.4))
    return (*(Said(pace, (event,)) for event in events), *end)


def _pings(random: Random) -> list[Item]:
    return [Said(pick(random, (0.005, 0.3)), (Heartbeat(),)) for _ in range(int(random.random() * 4))]


def _failed(random: Random, events: list[ProviderEvent], place: int, end: tuple[Item, ...]) -> tuple[Item, ...]:
    return (*_chopped(random, [*events[:place], TurnFailed(pick(random, SAID))]), *end)


def _wrong(random: Random, events: list[ProviderEvent], place: int, end: tuple[Item, ...]) -> tuple[Item, ...]:
    return (*_chopped(random, [*events[:place], pick(random, WRONG), *events[place:]]), *end)


def _twice(random: Random, events: list[ProviderEvent], place: int, end: tuple[Item, ...]) -> tuple[Item, ...]:
    return (*_chopped(random, events), Said(0.0, (events[-1],)), *end)


def _rude(random: Random, events: list[ProviderEvent], place: int, end: tuple[Item, ...]) -> tuple[Item, ...]:
    after = (events[-1], TextDelta(0, "late"), events[-1])
    return (*_chopped(random, events[:-1]), Said(0.0, after), *end)


_FAULTY: Final[
    dict[str, Callable[[Random, list[ProviderEvent], int, tuple[Item, ...]], tuple[Item, ...]]]
] = {
    "lost": _lost,
    "cut": _cut,
    "stalled": _stalled,
    "pinging": _pinging,
    "paused": _paused,
    "slow": _slow,
    "failed": _failed,
    "wrong order": _wrong,
    "ended twice": _twice,
    "rude": _rude,
}  # fmt: skip
_FAULTS: Final = ("refused", "refused", "refused", "no connection", "late headers", *_FAULTY)


def _chopped(random: Random, events: list[ProviderEvent]) -> list[Item]:
    roll = random.random
    most = 1 + int(roll() * 4)
    items: list[Item] = []
    at = 0
    while at < len(events):
        size = 1 + int(roll() * most)
        items.append(Said(DELAYS[int(roll() * len(DELAYS))], tuple(events[at : at + size])))
        at += size
        if roll() < 0.03:
            items.append(Said(0.0, ()))
    return items
