"""What can happen to a call: it is approved, starts, says how far it is, gives its result, or ends the stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

from punk.core.parts import UserPart, of_parts, text_of


@final
@dataclass(frozen=True, slots=True)
class ToolStarted:
    """The tool of call `call_id` began to run."""

    call_id: str


@final
@dataclass(frozen=True, slots=True)
class ToolApproved:
    """Somebody allowed the call `call_id`, which needed that, to run."""

    call_id: str


@final
@dataclass(frozen=True, slots=True)
class ToolProgressed:
    """The tool of call `call_id` says how far it is: a `message` for a person, and `progress` of `total` in units of
    its own; None is what it did not say."""

    call_id: str
    message: str | None = None
    progress: float | None = None
    total: float | None = None


@final
@dataclass(frozen=True, slots=True, init=False)
class ToolReturned:
    """The tool of call `call_id` gave its result for the model. Takes a text, or parts: texts, images, documents."""

    call_id: str
    parts: tuple[UserPart, ...]
    is_error: bool

    def __init__(self, call_id: str, content: str | Sequence[UserPart | str], is_error: bool = False) -> None:
        object.__setattr__(self, "call_id", call_id)
        object.__setattr__(self, "parts", of_parts(content))
        object.__setattr__(self, "is_error", is_error)

    @property
    def content(self) -> str:
        """The text."""
        return text_of(self.parts)


@final
@dataclass(frozen=True, slots=True)
class ToolAbortRequested:
    """The tool of call `call_id` asked to end the stream."""

    call_id: str
    message: str


ToolEvent: TypeAlias = ToolApproved | ToolStarted | ToolProgressed | ToolReturned | ToolAbortRequested
