"""Reads the structured answer that a conversation ends in (internal)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar, final

from returns.methods import unwrap_or_failure

from punk.core.log import Log
from punk.core.messages import AssistantMessage, Message
from punk.core.parts import TextPart
from punk.errors import InvalidOutputError
from punk.tools.output import OutputForm

T = TypeVar("T")


@final
@dataclass(frozen=True, slots=True)
class _Value(Generic[T]):
    """A value that was read: it may be a text, as what is wrong with one is."""

    value: T


def read_answer(messages: Log[Message], form: OutputForm[T]) -> T:
    """The answer that `messages` end in, by `form`. Raises `InvalidOutputError` if there is none of its type."""
    last = messages[len(messages) - 1] if messages else None
    if not isinstance(last, AssistantMessage):
        raise InvalidOutputError("there is no answer yet: the chat does not end in one")
    # Where words came before a tool that took the answer, the last text alone is the answer.
    texts = [last.content, *(part.text for part in reversed(last.parts) if isinstance(part, TextPart))]
    match unwrap_or_failure(form.read(texts).map(_Value)):
        case _Value(value):
            return value
        case fault:
            ended = "" if last.finish_reason in ("stop", None) else f" (it ended with {last.finish_reason})"
            raise InvalidOutputError(f"the answer{ended} is no {form.spec.name}: {fault}", content=last.content)
