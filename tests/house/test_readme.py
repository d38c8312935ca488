"""Executes every Python block of the README, and holds its two commands to their form."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.support.examples import Example, command_in, examples_in, run_example
from tests.support.paths import README

TEXT = README.read_text("utf-8")
EXAMPLES = examples_in(TEXT, README.name)


def namespace() -> Mapping[str, object]:
    """The names that the README's fragments leave open; `Opened` values are entered inside the fragment's loop."""
    return {}


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"line-{example.line}" for example in EXAMPLES])
def test_example(example: Example) -> None:
    run_example(example, namespace())


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
