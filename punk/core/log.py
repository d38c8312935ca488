"""An append-only log whose every version stays readable: a length over a buffer shared with its ancestors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar, final

T = TypeVar("T")


@final
class Log(Generic[T]):
    """An immutable sequence with O(1) `append`; versions that branch from one ancestor never see each other.

    The buffer is a dict claimed slot by slot with `setdefault`, which is atomic: two threads that append to the same
    version cannot both win the slot, so the loser copies instead of corrupting the winner.
    """

    __slots__ = ("_slots", "size")

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._slots: dict[int, T] = dict(enumerate(items))
        self.size: int = len(self._slots)
        """How many items this version has: `len` without a call, for code that runs once a token."""

    def append(self, item: T) -> Log[T]:
        """A log that ends with `item`; this one stays as it was."""
        size = self.size
        slots = self._slots
        if slots.setdefault(size, item) is not item:
            slots = {i: slots[i] for i in range(size)}
            slots[size] = item
        log: Log[T] = Log.__new__(Log)
        log._slots = slots
        log.size = size + 1
        return log

    def extend(self, items: Iterable[T]) -> Log[T]:
        """A log that ends with `items`, in order."""
        log = self
        for item in items:
            log = log.append(item)
        return log

    def since(self, index: int) -> Iterator[T]:
        """The items from `index` to the end of this version."""
        slots = self._slots
        return (slots[i] for i in range(index, self.size))

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> T:
        if not 0 <= index < self.size:
            raise IndexError(f"index {index} is outside a log of {self.size}")
        return self._slots[index]

    def __iter__(self) -> Iterator[T]:
        return self.since(0)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Log):
            return NotImplemented
        return self.size == other.size and all(a == b for a, b in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Log({list(self)!r})"
