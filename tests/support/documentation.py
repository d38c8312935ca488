"""What the examples of the documents leave open, and the provider that they reach."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

from punk.llm.chat import Chat
from punk.llm.messages import UserMessage
from punk.llm.models.anthropic import AnthropicModel
from punk.llm.streaming import StreamIncompleteError
from punk.llm.thinking import ThinkingConfig
from punk.llm.tools import Tool
from tests.support.examples import Opened


def look_up(word: str) -> str:
    """Look a word up."""
    return f"{word} is a word."


class Terminal:
    """The terminal that a fragment writes to."""

    def clear_line(self) -> None:
        """Forget what was written."""

    def write(self, text: str) -> None:
        """Show a text."""
        print(text)


def open_stream(names: Mapping[str, object]) -> AbstractAsyncContextManager[object]:
    """The stream that a fragment reads without having opened it."""
    chat = names["chat"]
    assert isinstance(chat, Chat)
    return chat.complete_stream()


def namespace() -> Mapping[str, object]:
    """The names that the README's fragments leave open; `Opened` values are entered inside the fragment's loop."""
    model = AnthropicModel("claude-sonnet-4-5", thinking_config=ThinkingConfig(token_budget=2000))
    return {
        "Chat": Chat,
        "UserMessage": UserMessage,
        "StreamIncompleteError": StreamIncompleteError,
        "chat": Chat([UserMessage("What is entanglement?")], model, [look_up]),
        "payment": Chat([UserMessage("What is entanglement?")], model, [Tool(look_up, requires_approval=True)]),
        "stream": Opened(open_stream),
        "display": print,
        "log": print,
        "terminal": Terminal(),
        "validate": bool,
    }
