"""Executes every Python block of the README, and holds its two commands to their form."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.answering import WORDS
from tests.support.documentation import namespace
from tests.support.examples import Example, command_in, examples_in, programs_in, run_example
from tests.support.paths import README
from tests.support.server import Server

TEXT = README.read_text("utf-8")
BLOCKS = examples_in(TEXT, README.name)
PROGRAMS = programs_in(BLOCKS)
EXAMPLES = [block for block in BLOCKS if block.code not in PROGRAMS.values()]

# What an example with the code on the left must print, among other things.
SIGNS = {
    'print(f"\\n\\nFinal response:': f"Final response: {''.join(WORDS)}",
    'print(f"Pre-tool thinking:': "Pre-tool thinking: The user asks. So be it.\nPost-tool thinking: The tools have",
    "Stream was cancelled before completion": "Stream was cancelled before completion",
    "print(content)": "".join(WORDS),
    "get_stock_price": "ToolResultMessage: $Unknown",
    "stream.partial_output": "Paris: 21.5",
    "MCPServerConfig": "It is noon in 25 * 4.",
    "=== Thinking ===": "=== Thinking ===\nThe user asks. ",
}

TALKS = ("stream.content", "stream.thinking", "stream.partial", ".complete(", ".complete_async(", ".count_tokens()")


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"line-{example.line}" for example in EXAMPLES])
def test_example(example: Example, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("builtins.input", lambda question: "y")
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.7")
    for name, code in PROGRAMS.items():
        (tmp_path / name).write_text(code, "utf-8")
    ran = run_example(example, namespace())
    for sign, expected in SIGNS.items():
        if sign in example.code:
            assert expected in ran.output
    talks = any(sign in example.code for sign in TALKS)
    assert bool(server.requests) == talks


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("main-command", '.venv/bin/punk "Explain quantum entanglement briefly"'),
        ("test-command", ".venv/bin/python -m pytest -n auto --cov"),
    ],
)
def test_each_command_starts_from_nothing(name: str, end: str) -> None:
    command = command_in(TEXT, name)
    assert command.startswith("python3.11 -m venv .venv && ")
    assert command.endswith(f" && {end}")
