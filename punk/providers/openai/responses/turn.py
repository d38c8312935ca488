"""What is known of one Responses answer while it comes in, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias, final

from punk.core.events import ProviderEvent, TurnFailed, TurnStarted
from punk.core.failures import Failure, ProtocolViolation
from punk.core.json import JsonObject
from punk.core.messages import FinishReason

Key: TypeAlias = int | str
"""How the events of one item are told from another's: by the output index, or where none is sent by the item's id."""

Kind: TypeAlias = Literal["text", "refusal"]
Section: TypeAlias = tuple[Literal["summary", "content"], int]


@final
@dataclass(frozen=True, slots=True)
class Message:
    """A message. `parts` numbers the blocks of its parts by kind and content index."""

    id: str | None
    parts: Mapping[tuple[Kind, int], int] = field(default_factory=dict)


@final
@dataclass(frozen=True, slots=True)
class Reasoning:
    """A reasoning item. It takes its `block` with its first text; `section` is the part that the last text was of."""

    id: str | None
    block: int | None = None
    section: Section | None = None


@final
@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function. `stated` is the arguments that were said to be the whole, None until then."""

    id: str | None
    block: int
    stated: str | None = None


@final
@dataclass(frozen=True, slots=True)
class Opaque:
    """An item that punk does not interpret, as it started."""

    id: str | None
    block: int
    start: JsonObject


@final
@dataclass(frozen=True, slots=True)
class Closed:
    """An item that was whole: what is said of it again is not heard, but for a reasoning item's other `encrypted`
    content, which seals its `block` anew."""

    id: str | None
    block: int | None = None
    encrypted: str | None = None


Open: TypeAlias = Message | Reasoning | Call | Opaque


@final
@dataclass(frozen=True, slots=True)
class Turn:
    """An answer under way: its items, how many blocks have a number, and what its completion would mean."""

    started: TurnStarted | None = None
    items: Mapping[Key, Open | Closed] = field(default_factory=dict)
    blocks: int = 0
    reason: FinishReason = "stop"


@final
@dataclass(frozen=True, slots=True)
class Ended:
    """The answer had its last word; nothing after it counts."""


ENDED: Final = Ended()
Said: TypeAlias = tuple[Turn, tuple[ProviderEvent, ...]]
Step: TypeAlias = tuple[Turn | Ended, tuple[ProviderEvent, ...]]


def failed(failure: Failure) -> Step:
    """The end of an answer that went wrong."""
    return ENDED, (TurnFailed(failure),)


def violated(message: str) -> Step:
    """The end of an answer whose events came in an order that cannot be."""
    return failed(ProtocolViolation("provider", message))


def key_of(index: int | None, item_id: str | None) -> Key:
    """The key of the item that an event is about."""
    return index if index is not None else item_id or ""


def with_item(turn: Turn, key: Key, item: Open | Closed, new_blocks: int = 0) -> Turn:
    """`turn` with `item` as it is now; `new_blocks` of it were given numbers."""
    # The items of an answer are few, so that a copy of them, once a part, is cheap.
    return replace(turn, items={**turn.items, key: item}, blocks=turn.blocks + new_blocks)
