"""The async iterators of a stream: cursors over its state, one an attribute and a task. Internal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar, final
from weakref import WeakKeyDictionary

from punk.core.readers import Broken, End, Piece, Sequenced, Wait, read_content, read_events
from punk.core.state import StreamState
from punk.core.thinking_reader import Fresh, InPhase, ThinkingCursor, read_thinking
from punk.interpreter.runtime import Cursor

V = TypeVar("V")
C = TypeVar("C")


class Source(Protocol):
    """A stream that cursors read."""

    async def advance(
        self, read: Callable[[StreamState, C], Piece[V, C] | Wait[C] | End[C] | Broken], at: Cursor[C]
    ) -> Piece[V, C] | None:
        """The next piece, None at the end. Raises the error of a failed stream."""


@final
@dataclass(slots=True)
class ContentProgress:
    """How far one task has read the content, and the text it has read."""

    at: Cursor[int] = field(default_factory=lambda: Cursor(0))
    text: str = ""


@final
@dataclass(slots=True)
class ThinkingProgress:
    """How far one task has read the thinking, and the text it has read of the phase that began at `start`."""

    at: Cursor[ThinkingCursor] = field(default_factory=lambda: Cursor(Fresh()))
    text: str = ""
    start: int = -1


@final
@dataclass(slots=True)
class Progress:
    """How far one task has read each attribute."""

    content: ContentProgress = field(default_factory=ContentProgress)
    content_delta: ContentProgress = field(default_factory=ContentProgress)
    thinking: ThinkingProgress = field(default_factory=ThinkingProgress)
    thinking_delta: ThinkingProgress = field(default_factory=ThinkingProgress)


@final
class Progresses:
    """The progress of every task that has taken an iterator."""

    __slots__ = ("_by_task", "_outside")

    def __init__(self) -> None:
        self._by_task: WeakKeyDictionary[asyncio.Task[object], Progress] = WeakKeyDictionary()
        self._outside = Progress()

    def mine(self) -> Progress:
        """The progress of the task that asks."""
        try:
            task = asyncio.current_task()
        except RuntimeError:
            task = None
        if task is None:
            return self._outside
        progress = self._by_task.get(task)
        if progress is None:
            progress = self._by_task[task] = Progress()
        return progress


@final
class ContentDeltas(AsyncIterator[str]):
    """The deltas of the content, through all rounds."""

    __slots__ = ("_progress", "_source")

    def __init__(self, source: Source, progress: ContentProgress) -> None:
        self._source = source
        self._progress = progress

    async def __anext__(self) -> str:
        piece = await self._source.advance(read_content, self._progress.at)
        if piece is None:
            raise StopAsyncIteration
        return piece.value


@final
class Contents(AsyncIterator[str]):
    """The content so far, once a delta."""

    __slots__ = ("_progress", "_source")

    def __init__(self, source: Source, progress: ContentProgress) -> None:
        self._source = source
        self._progress = progress

    async def __anext__(self) -> str:
        piece = await self._source.advance(read_content, self._progress.at)
        if piece is None:
            raise StopAsyncIteration
        self._progress.text += piece.value
        return self._progress.text


class _ThinkingLoop(AsyncIterator[str]):
    """A loop over one phase of thinking: taking it again, or a new `async for`, goes on to the next one."""

    __slots__ = ("_over", "_progress", "_source")

    def __init__(self, source: Source, progress: ThinkingProgress) -> None:
        self._source = source
        self._progress = progress
        self._over = False

    def __aiter__(self) -> AsyncIterator[str]:
        self._over = False
        return self

    async def _delta(self) -> str:
        piece = None if self._over else await self._source.advance(read_thinking, self._progress.at)
        if piece is None:
            self._over = True
            raise StopAsyncIteration
        return piece.value


@final
class ThinkingDeltas(_ThinkingLoop):
    """The deltas of one phase of thinking."""

    __slots__ = ()

    async def __anext__(self) -> str:
        return await self._delta()


@final
class Thinkings(_ThinkingLoop):
    """The text so far of one phase of thinking, once a delta."""

    __slots__ = ()

    async def __anext__(self) -> str:
        delta = await self._delta()
        progress = self._progress
        cursor = progress.at.position
        if isinstance(cursor, InPhase) and cursor.start != progress.start:
            progress.text, progress.start = "", cursor.start
        progress.text += delta
        return progress.text


@final
class Events(AsyncIterator[Sequenced]):
    """Every entry of the stream's log in order, from the beginning."""

    __slots__ = ("_at", "_source")

    def __init__(self, source: Source) -> None:
        self._source = source
        self._at = Cursor(0)

    async def __anext__(self) -> Sequenced:
        piece = await self._source.advance(read_events, self._at)
        if piece is None:
            raise StopAsyncIteration
        return piece.value
