"""What is known of one Responses answer while it comes in, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias, final

from punk.core.events import ProviderEvent, TextDelta, ThinkingDelta, TurnFailed, TurnStarted
from punk.core.failures import Failure, ProtocolViolation
from punk.core.json import JsonObject
from punk.core.log import Log
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
    """A reasoning item. It takes its `block` with its first text, or when a later item takes one; `section` is the part
    that the last text was of, None before any."""

    id: str | None
    block: int | None = None
    section: Section | None = None


@final
@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function. `stated` is the arguments that were said to be the whole, None until then."""

    id: str | None
    block: int
    call_id: str | None
    name: str | None
    stated: str | None = None


@final
@dataclass(frozen=True, slots=True)
class EarlyArguments:
    """The arguments of a call that has not begun yet: their pieces, and what was said to be the whole."""

    id: str | None
    pieces: Log[str] = field(default_factory=Log)
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
class Thought:
    """What a whole reasoning item was: other `encrypted` content seals its `block` anew."""

    block: int
    encrypted: str | None


@final
@dataclass(frozen=True, slots=True)
class WholeCall:
    """What a whole call was: it may not be stated otherwise."""

    call_id: str | None
    name: str | None
    arguments: str


@final
@dataclass(frozen=True, slots=True)
class Closed:
    """An item that was whole. `was` holds what counts if it is stated again, None if nothing does."""

    id: str | None
    was: Message | Thought | WholeCall | None = None


Open: TypeAlias = Message | Reasoning | Call | EarlyArguments | Opaque


@final
@dataclass(frozen=True, slots=True)
class Turn:
    """An answer under way: its items, how many blocks have a number, and what its completion would mean. `said` is the
    pieces of its messages and calls, each with its block: an item's end is held against them."""

    started: TurnStarted | None = None
    items: Mapping[Key, Open | Closed] = field(default_factory=dict)
    blocks: int = 0
    reason: FinishReason = "stop"
    said: Log[tuple[int, str]] = field(default_factory=Log)

    def hears(self, block: int, piece: str) -> Turn:
        """The answer after one more piece of `block`."""
        # Once a token: `replace` takes twice as long.
        return Turn(self.started, self.items, self.blocks, self.reason, self.said.append((block, piece)))

    def said_in(self, block: int) -> str:
        """All that was said in `block`."""
        return "".join(piece for number, piece in self.said if number == block)


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


def makes_way(turn: Turn, key: Key) -> Said:
    """The answer before item `key` takes a block: items that stand before it and are open take theirs first, so that
    parts stand in the order of their items, whichever speaks first."""
    if not isinstance(key, int):
        return turn, ()
    said: list[ProviderEvent] = []
    for before in sorted(other for other in turn.items if isinstance(other, int) and other < key):
        match turn.items[before]:
            case Reasoning(block=None) as reasoning:
                said.append(ThinkingDelta(turn.blocks, ""))
                turn = with_item(turn, before, replace(reasoning, block=turn.blocks), new_blocks=1)
            case Message(parts=parts) as message if not parts:
                said.append(TextDelta(turn.blocks, ""))
                turn = with_item(turn, before, replace(message, parts={("text", 0): turn.blocks}), new_blocks=1)
            case _:
                pass
    return turn, tuple(said)
