"""What users hold in their hands: chats, streams, messages and models."""
