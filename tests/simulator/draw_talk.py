"""Draws a whole turn of a model: its thinking, its text, its calls and its end."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final, TypeVar

from punk.core.events import (
    CallDelta,
    CallEnded,
    CallStarted,
    Heartbeat,
    OpaqueEnded,
    OpaqueStarted,
    ProviderEvent,
    RefusalDelta,
    TextAnnotated,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TurnEnded,
    TurnStarted,
    UsageReported,
)
from punk.core.messages import Finish, FinishReason
from punk.core.provider_data import ProviderData
from punk.core.usage import Usage
from tests.simulator.world import World

T = TypeVar("T")

DATA: Final = ProviderData.of("simulated", {"k": 1})
TOOLS: Final = ("quick", "quick", "slow", "slow", "plain", "suspended", "raises", "aborts", "cancels_itself", "stuck",
                "guarded", "guarded", "guarded_plain", "reentrant", "leaves", "leaves", "single", "single",
                "unknown")  # fmt: skip
CROWD: Final = ("single", "single", "leaves", "guarded")
ARGUMENTS: Final = ("{}", "{}", '{"seconds": 0.01}', '{"seconds": 0.4}', '{"seconds": 0.4, "deaf": 0.5}',
                    '{"seconds": 3}', '{"seconds": "x"}', "{", "[]")  # fmt: skip
WITHOUT_CALLS: Final[tuple[FinishReason | None, ...]] = (
    "stop", "stop", "stop", "stop", "max_tokens", "refusal", "content_filter", "pause", "other", None,
)  # fmt: skip
WITH_CALLS: Final[tuple[FinishReason | None, ...]] = (
    "tool_use", "tool_use", "tool_use", "tool_use", "stop", None, "max_tokens", "pause", "other",
)  # fmt: skip
JSON: Final = ('{"answer": [1', ", 2", "2, 3", ", 4", "]}")


def pick(random: Random, options: Sequence[T]) -> T:
    """One of `options`."""
    return options[int(random.random() * len(options))]


def talk(random: Random, model: int, number: int, world: World) -> list[ProviderEvent]:
    """A whole turn."""
    roll = random.random
    events: list[ProviderEvent] = []
    if roll() < 0.9:
        events.append(TurnStarted("simulated", f"m{model}", f"r{number}"))
    block = 0
    if roll() < 0.4:
        events += [ThinkingDelta(block, letter) for letter in "xyz"[: 1 + int(roll() * 3)]]
        if roll() < 0.8:
            events.append(ThinkingSealed(block, "sig"))
        block += 1
    if roll() < 0.1:
        events.append(Heartbeat())
    if world.structured:
        events += [TextDelta(block, piece) for piece in JSON]
        block += 1
    elif roll() < 0.8:
        events += [TextDelta(block, letter) for letter in "abcdef"[: 1 + int(roll() * 5)]]
        if roll() < 0.1:
            events.append(TextAnnotated(block, DATA))
        if roll() < 0.1:
            events.append(TextDelta(block, ""))
        block += 1
    if roll() < 0.06:
        events += [OpaqueStarted(block, "odd"), OpaqueEnded(block, DATA)]
        block += 1
    if roll() < 0.05:
        events.append(RefusalDelta(block, "I will not"))
        block += 1
    calls = (3 if world.crowded else 1 + int(roll() * 3)) if number < 3 and roll() < 0.55 else 0
    names = CROWD if world.crowded else TOOLS
    for position in range(calls):
        name = pick(random, names)
        events += _call(random, block, f"c{model}-{number}-{position}", name, world)
        block += 1
    if roll() < 0.5:
        events.append(UsageReported(Usage(4, 3)))
    reason = pick(random, WITH_CALLS if calls else WITHOUT_CALLS)
    if reason == "pause" and number >= 3:
        reason = "stop"
    events.append(TurnEnded(Finish(reason)))
    return events


def _call(random: Random, block: int, id: str, name: str, world: World) -> list[ProviderEvent]:
    roll = random.random
    arguments = ARGUMENTS[int(roll() * (6 if roll() < 0.9 else len(ARGUMENTS)))]
    if world.crowded:
        arguments = "{}" if name == "guarded" else '{"seconds": 0.4}'
    given = None if roll() < 0.05 else "same" if roll() < 0.05 else id
    events: list[ProviderEvent] = [CallStarted(block, given, name)]
    if roll() < 0.7:
        half = len(arguments) // 2
        events += [CallDelta(block, arguments[:half]), CallDelta(block, arguments[half:])]
        if roll() < 0.95:
            events.append(CallEnded(block, arguments if roll() < 0.2 else None))
    else:
        events.append(CallEnded(block, arguments))
    return events
