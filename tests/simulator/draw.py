"""Draws a world, and the answers of its models, from one integer."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from random import Random
from typing import Final, TypeVar

from punk.core.retry import RetryPolicy
from punk.core.timeouts import Timeouts
from tests.simulator.draw_talk import pick
from tests.simulator.world import (
    READER_KINDS,
    Body,
    BodyKind,
    ModelSpec,
    Outside,
    OutsideKind,
    Reader,
    ReaderKind,
    World,
)

T = TypeVar("T")

BODIES: Final[tuple[BodyKind, ...]] = (*("wait",) * 8, "chat", *("read",) * 4, *("leave",) * 2, "raise", *("fold",) * 2)
OUTSIDE: Final[tuple[OutsideKind, ...]] = ("cancel body", "cancel body", "cancel stream", "cancel from thread",
                                           "cancel reader")  # fmt: skip
MOMENTS: Final = (0.0, 0.001, 0.01, 0.02, 0.1, 0.3, 0.5, 1.0, 1.5, 2.0, 3.0, 6.0)
APPROVALS: Final = (None, None, None, "yes", "yes", "no", "slow", "odd", "plain", "raises", "aborts", "never",
                    "nonsense")  # fmt: skip


def world(seed: int) -> World:
    """The world of `seed`."""
    random = Random(seed)
    roll = random.random
    body = Body(pick(random, BODIES), pick(random, MOMENTS))
    whole = 0.15 if body.kind == "fold" else 0.002
    models = tuple(_model(random, whole) for _ in range(pick(random, (1, 1, 1, 2, 2, 3))))
    structured = roll() < 0.1
    readers = tuple(_reader(random, structured) for _ in range(pick(random, (0, 1, 1, 1, 1, 2, 2, 2, 3, 5))))
    if body.kind == "wait" and not readers and roll() < 0.9:
        readers = (Reader("content", 0.0, None, None, None, 1),)
    return World(
        seed=seed,
        shuffled=roll() < 0.5,
        models=models,
        faults=pick(random, (0.0, 0.1, 0.2, 0.5, 0.9)),
        structured=structured,
        crowded=roll() < 0.12,
        with_tools=roll() < 0.75,
        timeouts=_timeouts(random) if roll() < 0.5 else Timeouts(),
        retry=_retry(random) if roll() < 0.5 else None,
        max_rounds=pick(random, (1, 2, 3, 32, 32, 32, 32, 32)),
        max_tool_calls=pick(random, (None, None, None, None, None, None, None, None, 1, 2)),
        max_total_tokens=pick(random, (None, None, None, None, None, None, None, None, None, 10)),
        max_concurrent_tools=pick(random, (None, None, 1, 2)),
        execute_tools=roll() < 0.93,
        approve=pick(random, APPROVALS),
        body=body,
        readers=() if body.kind == "fold" else readers,
        outside=tuple(Outside(pick(random, OUTSIDE), pick(random, MOMENTS)) for _ in range(_few(random))),
    )


def _few(random: Random) -> int:
    chance = random.random()
    return 0 if chance < 0.8 else 1 if chance < 0.95 else 2


def _model(random: Random, whole: float) -> ModelSpec:
    return ModelSpec(
        random.random() >= whole,
        _timeouts(random) if random.random() < 0.1 else Timeouts(),
        pick(random, (None, None, RetryPolicy(attempts=1), _retry(random))),
    )


def _timeouts(random: Random) -> Timeouts:
    total = pick(random, (0.3, 1.0, 2.0, 4.0)) if random.random() < 0.25 else None
    return Timeouts(
        connect=pick(random, (None, None, 0.1, 1.0, inf)),
        first_event=pick(random, (None, None, 0.02, 0.5, 2.0, 2.0, inf)),
        progress=pick(random, (None, None, None, 0.02, 0.5, 0.7, 2.0, inf)),
        tool=pick(random, (None, None, 0.1, 1.0)),
        total=total,
    )


def _retry(random: Random) -> RetryPolicy:
    return RetryPolicy(
        attempts=pick(random, (1, 2, 3)),
        base=pick(random, (0.0, 0.1, 1.0)),
        cap=pick(random, (0.2, 2.0)),
        jitter=pick(random, (0.0, 0.5, 1.0)),
        patience=pick(random, (0.5, 5.0)),
    )


def _reader(random: Random, structured: bool) -> Reader:
    roll = random.random
    kinds: Sequence[ReaderKind] = READER_KINDS if structured else READER_KINDS[:-1]
    return Reader(
        kind=pick(random, kinds),
        delay=pick(random, (0.0, 0.0, 0.0, 0.01, 1.0)),
        pace=pick(random, (None, None, 0.0, 0.001, 0.3, 1.0)),
        stop=int(roll() * 6) if roll() < 0.25 else None,
        patience=pick(random, (0.0, 0.001, 0.1, 1.0)) if roll() < 0.25 else None,
        loops=pick(random, (1, 1, 2, 3)),
        cancels_at=int(roll() * 5) if roll() < 0.04 else None,
    )
