"""The async iterators of a stream (internal): cursors over its state, one an attribute and a task."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar, final
from weakref import WeakKeyDictionary

from punk.core.readers import Broken, End, Piece, Sequenced, Wait, read_content, read_events
from punk.core.state import StreamState
from punk.core.thinking_reader import Fresh, InPhase, ThinkingCursor, read_thinking
from punk.interpreter.cursor import Cursor
from punk.interpreter.runtime import Runtime

V = TypeVar("V")
C = TypeVar("C")

Read: TypeAlias = Callable[[StreamState, C], Piece[V, C] | Wait[C] | End[C] | Broken]


class Source(Protocol):
    """A stream that cursors read."""

    def reading(self) -> Runtime:
        """The run to read from. Raises `StreamingError` if this is not the time or the place to read it."""

    def ended(self, found: End[C] | Broken) -> None:
        """A loop came to this end. Raises the error of a failed stream."""


@final
@dataclass(slots=True)
class Progress(Generic[C]):
    """How far one task has read an attribute: where it stands, and the text of the phase it is in."""

    at: Cursor[C]
    text: str = ""
    phase: int = 0


@final
class ByTask(Generic[V]):
    """A value for each task that asks for its own, made by `make`."""

    __slots__ = ("_by_task", "_make", "_outside")

    def __init__(self, make: Callable[[], V]) -> None:
        self._make: Callable[[], V] = make
        self._by_task: WeakKeyDictionary[asyncio.Task[object], V] = WeakKeyDictionary()
        self._outside = make()

    def mine(self) -> V:
        """The value of the task that asks."""
        try:
            task = asyncio.current_task()
        except RuntimeError:
            task = None
        if task is None:
            return self._outside
        if task not in self._by_task:
            self._by_task[task] = self._make()
        return self._by_task[task]


@final
class Attribute(Generic[C]):
    """A text of the stream that any number of tasks may read, each with a progress of its own.

    `phase` tells from a cursor which phase it is in: the text so far begins anew with each.
    """

    __slots__ = ("_progress", "phase", "read", "source")

    def __init__(self, source: Source, read: Read[C, str], start: C, phase: Callable[[C], int]) -> None:
        self.source: Source = source
        self.read: Read[C, str] = read
        self.phase: Callable[[C], int] = phase
        self._progress: ByTask[Progress[C]] = ByTask(lambda: Progress(Cursor(start)))

    def progress(self) -> Progress[C]:
        """How far the task that asks has read."""
        return self._progress.mine()


class _Loop(AsyncIterator[str], Generic[C]):
    """One loop over an attribute. It belongs to the task that first asks it for something, and `async for` asks for a
    loop of its own: the same iterator given to several tasks shows everything to each."""

    __slots__ = ("_attribute", "_over", "_progress")

    def __init__(self, attribute: Attribute[C], progress: Progress[C] | None = None) -> None:
        self._attribute = attribute
        self._progress = progress
        self._over = False

    # Not a coroutine function: the task that asks is the one that calls, not the one that `wait_for` makes.
    def __anext__(self) -> Coroutine[object, object, str]:
        if self._progress is None:
            self._progress = self._attribute.progress()
        return self._next(self._progress)

    def _next(self, progress: Progress[C]) -> Coroutine[object, object, str]:
        raise NotImplementedError

    async def _delta(self, progress: Progress[C]) -> str:
        attribute = self._attribute
        if self._over:
            raise StopAsyncIteration
        found = await attribute.source.reading().next(attribute.read, progress.at)
        if isinstance(found, Piece):
            return found.value
        self._over = True
        attribute.source.ended(found)
        raise StopAsyncIteration


@final
class Deltas(_Loop[C]):
    """The text as it comes."""

    __slots__ = ()

    def __aiter__(self) -> Deltas[C]:
        return Deltas(self._attribute, self._attribute.progress())

    def _next(self, progress: Progress[C]) -> Coroutine[object, object, str]:
        return self._delta(progress)


@final
class Accumulated(_Loop[C]):
    """The text so far, once a delta."""

    __slots__ = ()

    def __aiter__(self) -> Accumulated[C]:
        return Accumulated(self._attribute, self._attribute.progress())

    async def _next(self, progress: Progress[C]) -> str:
        delta = await self._delta(progress)
        phase = self._attribute.phase(progress.at.position)
        if phase != progress.phase:
            progress.text, progress.phase = "", phase
        progress.text += delta
        return progress.text


@final
class Events(AsyncIterator[Sequenced]):
    """Every entry of the stream's log in order, from the beginning for each task that asks."""

    __slots__ = ("_at", "_by_task", "_source")

    def __init__(self, source: Source, by_task: ByTask[Cursor[int]], at: Cursor[int] | None = None) -> None:
        self._source = source
        self._by_task = by_task
        self._at = at

    def __aiter__(self) -> Events:
        return Events(self._source, self._by_task, self._by_task.mine())

    def __anext__(self) -> Coroutine[object, object, Sequenced]:
        if self._at is None:
            self._at = self._by_task.mine()
        return self._next(self._at)

    async def _next(self, at: Cursor[int]) -> Sequenced:
        found = await self._source.reading().next(read_events, at)
        if isinstance(found, Piece):
            return found.value
        self._source.ended(found)
        raise StopAsyncIteration


def events_of(source: Source) -> Events:
    """The events, read from the beginning."""
    return Events(source, ByTask(lambda: Cursor(0)))


def content_of(source: Source) -> Attribute[int]:
    """The content: one phase, through all rounds."""
    return Attribute(source, read_content, 0, lambda _: 0)


def thinking_of(source: Source) -> Attribute[ThinkingCursor]:
    """The thinking: its phases begin where their first delta stands."""
    return Attribute(source, read_thinking, Fresh(), lambda at: at.start if isinstance(at, InPhase) else 0)
