"""Says what load may cost: the bounds that figures are held to, and how large a run is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

TASKS_LEFT: Final = 0
THREADS_LEFT: Final = 0
SOCKETS_LEFT: Final = 0
"""Once the pool is closed. Before, there is at most one a stream that was open at the same time, and, where streams are
left, one that is being closed: that takes a turn of the loop."""

CHUNKS_AHEAD: Final = 2
"""Of a reader that pauses: one in hand, and one read ahead."""
KIB_A_STREAM: Final = 512.0
"""Held by a paused stream whose server goes on: most of it is what the loop takes from a socket in one go, 256 KiB."""

CLOSE_MEDIAN_MS: Final = 10.0
CLOSE_WORST_MS: Final = 100.0
"""From leaving a stream until its server sees that."""
SLOWED: Final = 1.25
"""Times as long that others may take beside a reader that pauses."""


@final
@dataclass(frozen=True, slots=True)
class Size:
    """How much is done: open/abort cycles and how many of them at a time; streams that are paced, deltas a second and
    seconds; readers beside a slow one; closes that are timed a way of leaving; and readers that pause."""

    cycles: int
    abreast: int
    streams: int
    rate: int
    seconds: float
    readers: int
    closes: int
    paused: int


WHOLE: Final = Size(cycles=1000, abreast=20, streams=500, rate=20, seconds=3.0, readers=100, closes=200, paused=200)
SHORT: Final = Size(cycles=50, abreast=10, streams=40, rate=20, seconds=0.5, readers=20, closes=5, paused=20)


@final
@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, in which unit (none for a count), and the most that it may be, if that is bounded."""

    what: str
    value: float
    unit: str = ""
    bound: float | None = None

    @property
    def holds(self) -> bool:
        """Whether it is within its bound."""
        return self.bound is None or self.value <= self.bound

    @property
    def is_count(self) -> bool:
        """Whether it is the same on any machine, however busy."""
        return not self.unit

    def __str__(self) -> str:
        bound = "" if self.bound is None else f"  (at most {self.bound:g})"
        return f"{self.what:<46} {self.value:>10.1f} {self.unit:<4}{bound}{'' if self.holds else '  TOO MUCH'}"
