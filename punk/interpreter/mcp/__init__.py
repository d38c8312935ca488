"""MCP servers as a source of tools: one session a server, each in a task of its own."""
