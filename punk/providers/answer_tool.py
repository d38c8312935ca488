"""Reads a structured answer that comes as the arguments of a tool: the call becomes text, for whoever reads on.

The first call of the answer tool in a turn is the answer, and others of it are dropped. A turn that called nothing else
has stopped; one that did goes on with its calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self, final

from punk.core.events import (
    CallDelta,
    CallEnded,
    CallStarted,
    Heartbeat,
    ProviderEvent,
    TextDelta,
    TurnEnded,
    TurnFailed,
    TurnStarted,
    UsageReported,
)
from punk.core.messages import Finish
from punk.providers.base import Decoder


def answering(decoder: Decoder, tool: str | None) -> Decoder:
    """`decoder`, or where the answer comes through `tool`, one that reads it so."""
    return decoder if tool is None else AnswerToolDecoder(decoder, _Answer(tool))


def answer_events(events: Iterable[ProviderEvent], tool: str | None) -> tuple[ProviderEvent, ...]:
    """The `events` of a whole turn, in which the answer comes through `tool`, if that is not None."""
    return tuple(events) if tool is None else _Answer(tool).take(events)[1]


@final
@dataclass(frozen=True, slots=True)
class AnswerToolDecoder:
    """Decodes as `inner` does, and turns the answer tool's call into text."""

    inner: Decoder
    answer: _Answer

    def feed(self, data: bytes) -> tuple[Self, tuple[ProviderEvent, ...]]:
        """The decoder after `data`, and the events in it."""
        inner, events = self.inner.feed(data)
        answer, said = self.answer.take(events)
        return type(self)(inner, answer), said

    def end(self) -> tuple[ProviderEvent, ...]:
        """What the clean end of the bytes means."""
        return self.answer.take(self.inner.end())[1]


@final
@dataclass(frozen=True, slots=True)
class _Answer:
    """What is known of a turn: `numbers` gives the blocks the numbers they have without dropped ones, `block` is the
    answer's own (None before it), `spoken` whether it has text, `calls` whether other tools were called."""

    tool: str
    numbers: Mapping[int, int] = field(default_factory=dict)
    block: int | None = None
    dropped: frozenset[int] = frozenset()
    spoken: bool = False
    calls: bool = False

    def take(self, events: Iterable[ProviderEvent]) -> tuple[_Answer, tuple[ProviderEvent, ...]]:
        """The answer after `events`, and what they say to a reader who knows of no answer tool."""
        answer = self
        said: list[ProviderEvent] = []
        for event in events:
            answer = answer._one(event, said)
        return answer, tuple(said)

    def _one(self, event: ProviderEvent, said: list[ProviderEvent]) -> _Answer:
        match event:
            case CallStarted(block=block, name=name) if name == self.tool:
                if self.block is None:
                    return replace(self, block=block)
                return replace(self, dropped=self.dropped | {block})
            case CallDelta(block=block, arguments=arguments) if block == self.block:
                return self._speak(arguments, said) if arguments else self
            case CallEnded(block=block, arguments=arguments) if block == self.block:
                # A call that was sent without arguments has none: an empty object.
                return self if self.spoken else self._speak(arguments or "{}", said)
            case CallDelta(block=block) | CallEnded(block=block) if block in self.dropped:
                return self
            case TurnEnded(finish=Finish(reason="tool_use", raw=raw, detail=detail)) if self._is_last_word:
                said.append(TurnEnded(Finish("stop", raw, detail)))
                return self
            case TurnStarted() | Heartbeat() | UsageReported() | TurnEnded() | TurnFailed():
                said.append(event)
                return self
            case _:
                answer = self._numbered(event.block)
                said.append(replace(event, block=answer.numbers[event.block]))
                return replace(answer, calls=True) if isinstance(event, CallStarted) else answer

    @property
    def _is_last_word(self) -> bool:
        return self.block is not None and not self.calls

    def _speak(self, text: str, said: list[ProviderEvent]) -> _Answer:
        assert self.block is not None, "it was started"
        answer = self._numbered(self.block)
        said.append(TextDelta(answer.numbers[self.block], text))
        return answer if answer.spoken else replace(answer, spoken=True)

    def _numbered(self, block: int) -> _Answer:
        if block in self.numbers:
            return self
        return replace(self, numbers={**self.numbers, block: len(self.numbers)})
