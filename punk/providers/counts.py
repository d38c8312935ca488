"""Reads token counts out of a provider's JSON, where anything may stand in their place."""

from __future__ import annotations

from returns.result import Failure, Result, Success

from punk.core.failures import Malformed
from punk.core.json import JsonValue
from punk.wire.json import loads_lenient


def count_of(value: JsonValue) -> int | None:
    """The number that `value` is, None if it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def count_within(document: JsonValue, *path: str) -> int | None:
    """The number at `path` inside of `document`, None if there is none."""
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return count_of(document)


def read_count(body: bytes, *path: str) -> Result[int, Malformed]:
    """The number of tokens at `path` inside of the JSON `body`, which answers the question how many there are."""
    counted = count_within(loads_lenient(body).value_or({}), *path)
    if counted is None or counted < 0:
        return Failure(Malformed(f"the provider's count of tokens has no {'.'.join(path)}"))
    return Success(counted)
