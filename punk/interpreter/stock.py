"""The events that have arrived and that no reader has folded yet: a chunk in hand, and one read ahead of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import final

from punk.core.events import Event


@final
class Stock:
    """Filled by the pump, a chunk at a time while it is not `full`; emptied by readers, an event at a time."""

    __slots__ = ("_ahead", "full", "in_hand")

    def __init__(self) -> None:
        self.in_hand: deque[Event] = deque()
        self._ahead: Sequence[Event] = ()
        self.full: bool = False
        """Whether nothing more may be read ahead."""

    def put(self, events: Sequence[Event]) -> None:
        """Take the events of a chunk."""
        if self.in_hand:
            self._ahead = events
            self.full = bool(events)
        else:
            self.in_hand.extend(events)

    def move_up(self) -> bool:
        """Take what was read ahead in hand, once there is nothing else; whether anything was."""
        if self.in_hand or not self._ahead:
            return False
        self.in_hand.extend(self._ahead)
        self._ahead = ()
        self.full = False
        return True

    def clear(self) -> None:
        """Throw everything away."""
        self.in_hand.clear()
        self._ahead = ()
        self.full = False

    def __iter__(self) -> Iterator[Event]:
        yield from self.in_hand
        yield from self._ahead
