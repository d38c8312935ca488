"""Streams LLM answers through a typed functional core: the names most users need."""

from punk.core.request import OneTool
from punk.errors import (
    ConfigurationError,
    InvalidOutputError,
    PunkError,
    StreamIncompleteError,
    StreamingError,
    StreamingNotSupported,
    ToolExecutionAbortError,
)
from punk.llm.chat import Chat
from punk.llm.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCallMessage,
    ToolResultMessage,
    UserMessage,
)
from punk.llm.streaming import ChatStream
from punk.llm.thinking import ThinkingConfig

__all__ = [
    "AssistantMessage",
    "Chat",
    "ChatStream",
    "ConfigurationError",
    "InvalidOutputError",
    "Message",
    "OneTool",
    "PunkError",
    "StreamIncompleteError",
    "StreamingError",
    "StreamingNotSupported",
    "SystemMessage",
    "ThinkingConfig",
    "ToolCallMessage",
    "ToolExecutionAbortError",
    "ToolResultMessage",
    "UserMessage",
]
