"""The messages of a chat and the parts they are made of."""

from __future__ import annotations

from typing import Final, get_args

from punk.core.media import CacheMark, CacheTtl, InlineMedia, MediaSource, MediaUrl
from punk.core.messages import (
    AssistantMessage,
    Finish,
    FinishReason,
    Message,
    Origin,
    SystemMessage,
    ToolCallMessage,
    ToolResultMessage,
    UserMessage,
)
from punk.core.parts import (
    AssistantPart,
    DocumentPart,
    ImagePart,
    OpaquePart,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCall,
    UserPart,
)
from punk.core.provider_data import ProviderData
from punk.core.usage import Usage
from punk.errors import ConfigurationError

__all__ = [
    "AssistantMessage",
    "AssistantPart",
    "CacheMark",
    "CacheTtl",
    "DocumentPart",
    "Finish",
    "FinishReason",
    "ImagePart",
    "InlineMedia",
    "MediaSource",
    "MediaUrl",
    "Message",
    "OpaquePart",
    "Origin",
    "ProviderData",
    "RefusalPart",
    "SystemMessage",
    "TextPart",
    "ThinkingPart",
    "ToolCall",
    "ToolCallMessage",
    "ToolResultMessage",
    "Usage",
    "UserMessage",
    "UserPart",
]

_MESSAGES: Final[tuple[type, ...]] = get_args(Message)


def checked_message(message: Message) -> Message:
    """`message`, if it is one: a text in its place would be found out much later, far from here (internal)."""
    if not isinstance(message, _MESSAGES):
        raise ConfigurationError(f"a chat is made of messages such as UserMessage(...), not of {message!r:.40}")
    return message
