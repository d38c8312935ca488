"""What is known of one Converse answer while it comes in, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias, final

from punk.core.events import ProviderEvent, TurnFailed
from punk.core.failures import Failure, ProtocolViolation
from punk.core.messages import Finish
from punk.providers.bedrock.blocks import CallUnderWay, UnderWay, ending


@final
@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing has been said."""


@final
@dataclass(frozen=True, slots=True)
class Turn:
    """An answer under way: its unclosed blocks by the wire's index, and how many blocks have a number.

    `start` is whether its `messageStart` came, or something else came first, which may still be followed by that.
    """

    open: Mapping[int, UnderWay] = field(default_factory=dict)
    count: int = 0
    start: Literal["stated", "implied"] = "implied"


@final
@dataclass(frozen=True, slots=True)
class Stopped:
    """The answer is whole. What it cost may still come, and its last word waits for that."""

    finish: Finish


@final
@dataclass(frozen=True, slots=True)
class Ended:
    """The answer had its last word; nothing after it counts."""


WAITING: Final = Waiting()
ENDED: Final = Ended()
Live: TypeAlias = Waiting | Turn | Stopped
Step: TypeAlias = tuple[Live | Ended, tuple[ProviderEvent, ...]]


def failed(failure: Failure) -> Step:
    """The end of an answer that went wrong."""
    return ENDED, (TurnFailed(failure),)


def violated(message: str) -> Step:
    """The end of an answer whose events came in an order that cannot be."""
    return failed(ProtocolViolation("provider", message))


def with_block(turn: Turn, index: int, block: UnderWay) -> Turn:
    """`turn` with `block` at `index`, the block's number counted if it is a new one."""
    # Blocks that are open at once are few, so that a copy of them is cheap.
    count = turn.count if block.number is None else max(turn.count, block.number + 1)
    return replace(turn, open={**turn.open, index: block}, count=count)


def without_block(turn: Turn, index: int) -> tuple[Turn, tuple[ProviderEvent, ...]]:
    """`turn` without the open block at `index`, and what the block's end says."""
    block = turn.open[index]
    said = ending(block, turn.count if block.number is None else block.number)
    count = turn.count + 1 if said and block.number is None else turn.count
    return replace(turn, open={i: b for i, b in turn.open.items() if i != index}, count=count), said


def closed(turn: Turn) -> tuple[ProviderEvent, ...]:
    """What the ends of the blocks say that are still open. A call without its own end is not whole: it is left so."""
    said: list[ProviderEvent] = []
    for index, block in tuple(turn.open.items()):
        if not isinstance(block, CallUnderWay):
            turn, last = without_block(turn, index)
            said.extend(last)
    return tuple(said)
