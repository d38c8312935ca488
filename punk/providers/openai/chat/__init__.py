"""The chat-completions wire: OpenAI's own, Azure's, and that of every compatible server."""
