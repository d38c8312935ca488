"""Where on the chat-completions wire a block of thinking came from, so that it can go back there.

The wire has no one place for thinking. Servers send it in `reasoning_content` (DeepSeek, Kimi, vLLM, llama.cpp), in
`reasoning` (OpenRouter, Groq, Ollama), in pieces of `content` (Mistral), and OpenRouter repeats it, with signatures and
encrypted payloads, in `reasoning_details`. A server takes back what it sends and may refuse the others' fields.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, Literal, TypeAlias, final

from punk.core.json import JsonObject, JsonValue
from punk.core.log import Log
from punk.core.parts import ThinkingPart
from punk.core.provider_data import ProviderData
from punk.providers.openai.chat.settings import FAMILY

Channel: TypeAlias = Literal["reasoning_content", "reasoning", "content", "reasoning_details"]
"""What thinking came in."""

IN_FIELDS: Final[tuple[Channel, ...]] = ("reasoning_content", "reasoning")
"""The channels that are a text field of the message."""

IN_CONTENT: Final[Channel] = "content"
"""The channel that is a piece of the message's content."""

_USUAL: Final[Channel] = "reasoning_content"
"""The channel of thinking that keeps no note of one."""


@final
@dataclass(frozen=True, slots=True)
class Reasoning:
    """The `channel` a block of thinking came in, and the details that came with it."""

    channel: Channel = _USUAL
    details: Log[JsonObject] = field(default_factory=Log)

    def detailed(self, details: Iterable[JsonObject]) -> Reasoning:
        """The same with more details."""
        return Reasoning(self.channel, self.details.extend(details))

    def provider_data(self) -> ProviderData | None:
        """What has to be kept beside the text; None for thinking in its usual place.

        Raises ValueError for numbers that JSON has not.
        """
        if self.details:
            return ProviderData.of(FAMILY, {"reasoning_details": list(_joined(self.details))})
        return None if self.channel == _USUAL else ProviderData.of(FAMILY, {"channel": self.channel})


def channel_of(part: ThinkingPart) -> Channel:
    """What `part` goes back in."""
    match _kept(part):
        case {"channel": "reasoning" | "content" as channel}:
            return channel
        case {"reasoning_details": list()}:
            return "reasoning_details"
        case _:
            return _USUAL


def details_of(part: ThinkingPart) -> list[JsonValue]:
    """The reasoning details that `part` keeps."""
    match _kept(part):
        case {"reasoning_details": [*details]}:
            return details
        case _:
            return []


def _kept(part: ThinkingPart) -> JsonValue:
    return part.provider_data.value if part.provider_data is not None else None


_GROWING: Final = {"reasoning.text": "text", "reasoning.summary": "summary"}
"""Kinds of detail that are streamed in pieces, and the field that grows."""


def _joined(details: Iterable[JsonObject]) -> list[JsonValue]:
    """The details as a whole message has them: the pieces of one put together, as the server wants them back."""
    whole: list[JsonValue] = []
    for (kind, _), group in groupby(details, key=lambda detail: (detail.get("type"), detail.get("index"))):
        pieces = list(group)
        grows = _GROWING.get(str(kind))
        if grows is None:
            whole.extend(pieces)
            continue
        joined = dict(pieces[0])
        for piece in pieces:
            joined.update((key, value) for key, value in piece.items() if value is not None)
        words = [word for piece in pieces if isinstance(word := piece.get(grows), str)]
        whole.append({**joined, grows: "".join(words)} if words else joined)
    return whole
