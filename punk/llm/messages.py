"""The messages of a chat and the parts they are made of."""

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
