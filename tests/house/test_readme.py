"""Executes every Python block of the README, and holds its two commands to their form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager

import pytest

from punk.llm.chat import Chat
from punk.llm.messages import UserMessage
from punk.llm.models.anthropic import AnthropicModel
from punk.llm.streaming import StreamIncompleteError
from punk.llm.thinking import ThinkingConfig
from tests.support.answering import WORDS, answer
from tests.support.examples import Example, Opened, command_in, examples_in, run_example
from tests.support.paths import README
from tests.support.server import Server, serve

TEXT = README.read_text("utf-8")
EXAMPLES = examples_in(TEXT, README.name)

# What an example with the code on the left must print, among other things.
SIGNS = {
    'print(f"\\n\\nFinal response:': f"Final response: {''.join(WORDS)}",
    'print(f"Pre-tool thinking:': "Pre-tool thinking: The user asks. So be it.\nPost-tool thinking: The tools have answered. ",
    "Stream was cancelled before completion": "Stream was cancelled before completion",
    "print(content)": "".join(WORDS),
    "get_stock_price": "ToolResultMessage: $Unknown",
    "=== Thinking ===": "=== Thinking ===\nThe user asks. ",
}


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
        "stream": Opened(open_stream),
        "display": print,
        "log": print,
        "terminal": Terminal(),
        "validate": bool,
    }


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The provider that `Chat()` and the models of the examples reach."""
    with serve(answer) as server:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "key-of-the-tests")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.base)
        yield server


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"line-{example.line}" for example in EXAMPLES])
def test_example(example: Example, server: Server) -> None:
    ran = run_example(example, namespace())
    for sign, expected in SIGNS.items():
        if sign in example.code:
            assert expected in ran.output
    streams = "stream" in example.code or "complete" in example.code
    assert bool(server.requests) == (streams and "async def" not in example.code or "asyncio.run" in example.code)


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("main-command", '.venv/bin/punk "Explain quantum entanglement briefly"'),
        ("test-command", ".venv/bin/python -m pytest --cov"),
    ],
)
def test_each_command_starts_from_nothing(name: str, end: str) -> None:
    command = command_in(TEXT, name)
    assert command.startswith("python3.11 -m venv .venv && ")
    assert command.endswith(f" && {end}")
