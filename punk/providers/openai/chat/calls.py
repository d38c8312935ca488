"""The calls of an answer on the chat-completions wire: which one a piece belongs to, and what its head still lacks.

A call is told by its index, or where none is sent by its id, or by coming last. Its name and its id may come in pieces
of their own: a call waits for its name, and until its first arguments for an id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import final

from punk.core.log import Log


@final
@dataclass(frozen=True, slots=True)
class Head:
    """A call that was not told of yet: what is known of it, and the arguments that wait with it."""

    id: str | None = None
    name: str | None = None
    pieces: Log[str] = field(default_factory=Log)

    def add(self, id_: str | None, name: str | None, arguments: str | None) -> Head:
        """The head with one more piece; of two names or ids the first counts."""
        pieces = self.pieces.append(arguments) if arguments else self.pieces
        return Head(self.id or id_ or None, self.name or name or None, pieces)

    @property
    def is_whole(self) -> bool:
        """Whether all is there that will come, as far as can be seen."""
        return self.name is not None and (self.id is not None or bool(self.pieces))


@final
@dataclass(frozen=True, slots=True)
class Begun:
    """A call that was told of, and its block."""

    id: str | None
    block: int


@final
@dataclass(frozen=True, slots=True)
class Calls:
    """The calls so far, numbered as they came, and by the index and the id that the wire gave them."""

    all: Mapping[int, Head | Begun] = field(default_factory=dict)
    by_index: Mapping[int, int] = field(default_factory=dict)
    by_id: Mapping[str, int] = field(default_factory=dict)

    def find(self, index: int | None, id_: str | None, name: str | None) -> int | None:
        """The number of the call that a piece belongs to, None if it begins a new one."""
        if index is not None:
            # Whatever its id: some servers give each piece of a call a new one, and whole calls that come after each
            # other under one index are told apart by nobody. Their arguments together are no JSON, and nothing runs.
            return self.by_index.get(index)
        last = len(self.all) - 1
        if not (id_ or name):
            return last if self.all else None
        head = self.all.get(last)
        if isinstance(head, Head) and not (id_ and head.id) and not (name and head.name):
            return last
        return self.by_id.get(id_ or "")

    def begin(self, index: int | None) -> tuple[Calls, int]:
        """The calls with one more, and its number."""
        number = len(self.all)
        by_index = self.by_index if index is None else {**self.by_index, index: number}
        return Calls({**self.all, number: Head()}, by_index, self.by_id), number

    def put(self, number: int, call: Head | Begun) -> Calls:
        """The calls with what is now known of number `number`."""
        # The first call of an id keeps it.
        by_id = {call.id: number, **self.by_id} if call.id and call.id not in self.by_id else self.by_id
        return replace(self, all={**self.all, number: call}, by_id=by_id)
