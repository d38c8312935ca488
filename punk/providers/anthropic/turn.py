"""What is known of one Messages answer while it comes in, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias, final

from punk.core.events import ProviderEvent, TurnFailed, TurnStarted
from punk.core.failures import Failure, ProtocolViolation
from punk.core.json import JsonObject
from punk.core.messages import Finish
from punk.providers.anthropic.blocks import UnderWay, ending


@final
@dataclass(frozen=True, slots=True)
class Turn:
    """An answer under way. `open` holds its unclosed blocks by the wire's index, `count` says how many have a number;
    `usage` is the provider's own record of tokens."""

    started: TurnStarted | None = None
    open: Mapping[int, UnderWay] = field(default_factory=dict)
    count: int = 0
    finish: Finish = field(default_factory=Finish)
    usage: JsonObject = field(default_factory=dict)


@final
@dataclass(frozen=True, slots=True)
class Ended:
    """The answer had its last word; nothing after it counts."""


ENDED: Final = Ended()
Step: TypeAlias = tuple[Turn | Ended, tuple[ProviderEvent, ...]]


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
