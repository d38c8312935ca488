"""Reads token counts out of a provider's JSON, where anything may stand in their place."""

from __future__ import annotations

from punk.core.json import JsonValue


def count_of(value: JsonValue) -> int | None:
    """The number that `value` is, None if it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def count_within(document: JsonValue, *path: str) -> int | None:
    """The number at `path` inside of `document`, None if there is none."""
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return count_of(document)
