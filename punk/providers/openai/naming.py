"""The names that OpenAI's wires have for tools and forms of answers, and what is sent for others."""

from __future__ import annotations

from typing import Final

from punk.providers.encoding import Alphabet

NAMES: Final = Alphabet("a-zA-Z0-9_-", 64)


def call_name(name: str, offered: frozenset[str]) -> str:
    """`name` if it is a tool `offered` or a valid name; a model may have called what can not be a tool's name."""
    return name if name in offered else NAMES.spelled(name)
