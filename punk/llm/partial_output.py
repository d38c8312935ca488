"""The structured answer as it grows (internal): JSON values read from the text of the round under way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from typing import Generic, TypeVar, final

from punk.core.events import TextDelta, TurnRequested
from punk.core.json import JsonValue
from punk.core.readers import Piece, read_events
from punk.errors import ConfigurationError
from punk.interpreter.cursor import Cursor
from punk.llm.cursors import ByTask, Source
from punk.tools.output import OutputForm

T = TypeVar("T")

SECONDS = 0.05
"""A text is read again at most this often, ..."""

GROWTH = 1.25
"""... or when it has grown by this factor: so all that is read together is linear in its length."""


@final
@dataclass(slots=True)
class _Progress:
    """How far one task has read: the pieces of the round's text and of its last block, and when it was last parsed."""

    at: Cursor[int] = field(default_factory=lambda: Cursor(0))
    pieces: list[str] = field(default_factory=list)
    size: int = 0
    block: int | None = None
    block_start: int = 0
    parsed_size: int = 0
    parsed_at: float = 0.0
    last: JsonValue = None

    def take(self, event: object) -> None:
        """Go on behind `event`."""
        match event:
            case TextDelta(block=block, text=text):
                if block != self.block:
                    self.block, self.block_start = block, len(self.pieces)
                self.pieces.append(text)
                self.size += len(text)
            case TurnRequested():
                self.pieces.clear()
                self.size = self.parsed_size = self.block_start = 0
                self.block = None
            case _:
                pass

    @property
    def is_new(self) -> bool:
        """Whether there is text that was not parsed."""
        return self.size > self.parsed_size

    @property
    def is_due(self) -> bool:
        """Whether there is, and enough of it or long enough."""
        if not self.is_new:
            return False
        return self.size >= self.parsed_size * GROWTH or asyncio.get_running_loop().time() - self.parsed_at >= SECONDS

    def read(self, form: OutputForm[T]) -> JsonValue:
        """What the text says so far."""
        self.parsed_size, self.parsed_at = self.size, asyncio.get_running_loop().time()
        whole = "".join(self.pieces)
        texts = [whole] if self.block_start == 0 else [whole, "".join(self.pieces[self.block_start :])]
        return form.partial(texts)


@final
class PartialOutputs(AsyncIterator[JsonValue], Generic[T]):
    """Values of the answer, each with more of it than the last; a task goes on where it stopped."""

    __slots__ = ("_by_task", "_form", "_progress", "_source")

    def __init__(self, source: Source, form: OutputForm[T] | None, by_task: ByTask[_Progress] | None = None) -> None:
        self._source = source
        self._form = form
        self._by_task: ByTask[_Progress] = by_task or ByTask(_Progress)
        self._progress: _Progress | None = None

    def __aiter__(self) -> PartialOutputs[T]:
        mine = PartialOutputs(self._source, self._form, self._by_task)
        mine._progress = self._by_task.mine()
        return mine

    def __anext__(self) -> Coroutine[object, object, JsonValue]:
        if self._form is None:
            raise ConfigurationError("this chat asks for no structured answer: use chat.with_output(Type)")
        if self._progress is None:
            self._progress = self._by_task.mine()
        return self._next(self._progress, self._form)

    async def _next(self, progress: _Progress, form: OutputForm[T]) -> JsonValue:
        while True:
            found = await self._source.reading().next(read_events, progress.at)
            if isinstance(found, Piece):
                progress.take(found.value.event)
                if not progress.is_due:
                    continue
            if progress.is_new:
                value = progress.read(form)
                if value is not None and value != progress.last:
                    progress.last = value
                    return value
            if not isinstance(found, Piece):
                self._source.ended(found)
                raise StopAsyncIteration
