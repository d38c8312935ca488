"""Streams LLM answers through a typed functional core: the names most users need."""

from punk.core.request import OneTool
from punk.errors import (
    ConfigurationError,
    InvalidOutputError,
    PunkError,
    StreamingError,
    StreamingNotSupported,
    ToolExecutionAbortError,
)
from punk.llm.chat import Chat
from punk.llm.incomplete import StreamIncompleteError
from punk.llm.mcp import MCPServerConfig, MCPServers
from punk.llm.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCallMessage,
    ToolResultMessage,
    UserMessage,
)
from punk.llm.retry import RetryPolicy
from punk.llm.streaming import ChatStream
from punk.llm.thinking import ThinkingConfig
from punk.llm.timeouts import Timeouts
from punk.llm.tools import Tool, ToolContext

__all__ = [
    "AssistantMessage",
    "Chat",
    "ChatStream",
    "ConfigurationError",
    "InvalidOutputError",
    "MCPServerConfig",
    "MCPServers",
    "Message",
    "OneTool",
    "PunkError",
    "RetryPolicy",
    "StreamIncompleteError",
    "StreamingError",
    "StreamingNotSupported",
    "SystemMessage",
    "ThinkingConfig",
    "Timeouts",
    "Tool",
    "ToolCallMessage",
    "ToolContext",
    "ToolExecutionAbortError",
    "ToolResultMessage",
    "UserMessage",
]
