"""MCP servers whose tools a chat offers: how each is reached, and several that chats share."""

from punk.interpreter.mcp.config import MCPServerConfig
from punk.interpreter.mcp.servers import MCPServers

__all__ = ["MCPServerConfig", "MCPServers"]
