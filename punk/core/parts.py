"""What a message is made of: text, media, thinking, refusals, tool calls, and payloads of one provider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar, final

from punk.core.media import CacheMark, MediaSource
from punk.core.provider_data import ProviderData

P = TypeVar("P")

Approval: TypeAlias = Literal["needed", "given"]


@final
@dataclass(frozen=True, slots=True)
class TextPart:
    """Text that is shown. `provider_data` carries what belongs to this text on its wire (citations, signatures).

    With a `cache` mark, the provider may keep the prompt up to here.
    """

    text: str
    provider_data: ProviderData | None = None
    cache: CacheMark | None = None


@final
@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image that is shown to the model. With a `cache` mark, the provider may keep the prompt up to here."""

    source: MediaSource
    cache: CacheMark | None = None


@final
@dataclass(frozen=True, slots=True)
class DocumentPart:
    """A document that the model reads, under its `name`. With a `cache` mark, the provider may keep the prompt up to
    here."""

    source: MediaSource
    name: str | None = None
    cache: CacheMark | None = None


@final
@dataclass(frozen=True, slots=True)
class ThinkingPart:
    """A block of thinking.

    `signature` is the provider's proof of it, None where it gave none; the message's `origin.family` says who can read
    it. A redacted block has no text and its payload in `provider_data`, as has encrypted reasoning.
    """

    text: str
    signature: str | None = None
    provider_data: ProviderData | None = None


@final
@dataclass(frozen=True, slots=True)
class RefusalPart:
    """The words with which a model declined; not content."""

    text: str


@final
@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call a model asked for. `arguments` is its JSON text, as it was sent (maybe not valid). `approval` says whether
    somebody has to allow it to run, or has; None where its tool asks for no approval."""

    id: str
    name: str
    arguments: str
    provider_data: ProviderData | None = None
    approval: Approval | None = None


@final
@dataclass(frozen=True, slots=True)
class OpaquePart:
    """A block punk does not interpret: never run, never dropped, sent back where it came from.

    `kind` is the provider's name for it. `replayable` is false where parts of it came in a form punk cannot rebuild:
    then it is for reading only.
    """

    kind: str
    data: ProviderData
    replayable: bool = True


UserPart: TypeAlias = TextPart | ImagePart | DocumentPart
AssistantPart: TypeAlias = TextPart | ThinkingPart | RefusalPart | ToolCall | OpaquePart


def of_parts(content: str | Sequence[P | str]) -> tuple[P | TextPart, ...]:
    """The parts that `content` stands for: a text is one."""
    parts = (content,) if isinstance(content, str) else content
    return tuple(TextPart(part) if isinstance(part, str) else part for part in parts)


def text_of(parts: Sequence[UserPart | AssistantPart]) -> str:
    """The text of all parts that are text."""
    return "".join(part.text for part in parts if isinstance(part, TextPart))
