"""The messages of a chat: immutable values made of ordered parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

from punk.core.parts import (
    AssistantPart,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCall,
    UserPart,
    of_parts,
    text_of,
)
from punk.core.usage import Usage

FinishReason: TypeAlias = Literal["stop", "max_tokens", "tool_use", "refusal", "content_filter", "pause", "other"]


@final
@dataclass(frozen=True, slots=True)
class Finish:
    """How a turn ended: the normalised `reason`, the provider's own word, and its `detail` (a stop sequence, why it
    refused). None is what the provider did not say."""

    reason: FinishReason | None = None
    raw: str | None = None
    detail: str | None = None


@final
@dataclass(frozen=True, slots=True)
class Origin:
    """Where an answer came from: the wire family, the model's and the response's names as the provider gave them."""

    family: str | None = None
    model: str | None = None
    response_id: str | None = None


@final
@dataclass(frozen=True, slots=True, init=False)
class SystemMessage:
    """Instructions for the model. Takes a text, or several."""

    parts: tuple[TextPart, ...]

    def __init__(self, content: str | Sequence[TextPart | str]) -> None:
        object.__setattr__(self, "parts", of_parts(content))

    @property
    def content(self) -> str:
        """The text."""
        return text_of(self.parts)

    @property
    def thinking_blocks(self) -> tuple[ThinkingPart, ...]:
        """Always empty."""
        return ()


@final
@dataclass(frozen=True, slots=True, init=False)
class UserMessage:
    """What the user says. Takes a text, or parts: texts, images, documents."""

    parts: tuple[UserPart, ...]

    def __init__(self, content: str | Sequence[UserPart | str]) -> None:
        object.__setattr__(self, "parts", of_parts(content))

    @property
    def content(self) -> str:
        """The text."""
        return text_of(self.parts)

    @property
    def thinking_blocks(self) -> tuple[ThinkingPart, ...]:
        """Always empty."""
        return ()


@final
@dataclass(frozen=True, slots=True, init=False)
class AssistantMessage:
    """An answer, or the last round of one. Takes a text or parts.

    `unrun_calls` are calls of a turn that ended in a way that lets none run (max_tokens, a refusal, a filter): they are
    for reading, and never sent back.
    """

    parts: tuple[AssistantPart, ...]
    finish: Finish
    usage: Usage | None
    origin: Origin
    unrun_calls: tuple[ToolCall, ...]

    def __init__(
        self,
        content: str | Sequence[AssistantPart],
        *,
        finish: Finish = Finish(),
        usage: Usage | None = None,
        origin: Origin = Origin(),
        unrun_calls: Sequence[ToolCall] = (),
    ) -> None:
        object.__setattr__(self, "parts", _assistant_parts(content))
        object.__setattr__(self, "finish", finish)
        object.__setattr__(self, "usage", usage)
        object.__setattr__(self, "origin", origin)
        object.__setattr__(self, "unrun_calls", tuple(unrun_calls))

    @property
    def content(self) -> str:
        """The text of this round."""
        return text_of(self.parts)

    @property
    def thinking_blocks(self) -> tuple[ThinkingPart, ...]:
        """The thinking, in order."""
        return _thinking(self.parts)

    @property
    def refusal(self) -> str | None:
        """The words of a refusal, None where there is none."""
        return "".join(part.text for part in self.parts if isinstance(part, RefusalPart)) or None

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the turn ended, normalised; None if the provider did not say."""
        return self.finish.reason

    @property
    def raw_finish_reason(self) -> str | None:
        """Why the turn ended, in the provider's word."""
        return self.finish.raw


@final
@dataclass(frozen=True, slots=True, init=False)
class ToolCallMessage:
    """A turn in which the model asked for tools: its text, thinking and calls in their order."""

    parts: tuple[AssistantPart, ...]
    finish: Finish
    usage: Usage | None
    origin: Origin

    def __init__(
        self,
        content: Sequence[AssistantPart],
        *,
        finish: Finish = Finish(),
        usage: Usage | None = None,
        origin: Origin = Origin(),
    ) -> None:
        object.__setattr__(self, "parts", _assistant_parts(content))
        object.__setattr__(self, "finish", finish)
        object.__setattr__(self, "usage", usage)
        object.__setattr__(self, "origin", origin)

    @property
    def content(self) -> str:
        """The text beside the calls."""
        return text_of(self.parts)

    @property
    def thinking_blocks(self) -> tuple[ThinkingPart, ...]:
        """The thinking, in order."""
        return _thinking(self.parts)

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The calls, in order."""
        return tuple(part for part in self.parts if isinstance(part, ToolCall))

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the turn ended, normalised; None if the provider did not say."""
        return self.finish.reason

    @property
    def raw_finish_reason(self) -> str | None:
        """Why the turn ended, in the provider's word."""
        return self.finish.raw


@final
@dataclass(frozen=True, slots=True, init=False)
class ToolResultMessage:
    """The result of one call. Takes a text, or parts: texts, images, documents. `is_error` tells the model that the
    tool failed or never ran."""

    call_id: str
    name: str
    parts: tuple[UserPart, ...]
    is_error: bool

    def __init__(
        self, call_id: str, name: str, content: str | Sequence[UserPart | str], is_error: bool = False
    ) -> None:
        object.__setattr__(self, "call_id", call_id)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "parts", of_parts(content))
        object.__setattr__(self, "is_error", is_error)

    @property
    def content(self) -> str:
        """The text."""
        return text_of(self.parts)

    @property
    def thinking_blocks(self) -> tuple[ThinkingPart, ...]:
        """Always empty."""
        return ()


Message: TypeAlias = SystemMessage | UserMessage | AssistantMessage | ToolCallMessage | ToolResultMessage


def _assistant_parts(content: str | Sequence[AssistantPart]) -> tuple[AssistantPart, ...]:
    if isinstance(content, str):
        return (TextPart(content),) if content else ()
    return tuple(content)


def _thinking(parts: Sequence[AssistantPart]) -> tuple[ThinkingPart, ...]:
    return tuple(part for part in parts if isinstance(part, ThinkingPart))
