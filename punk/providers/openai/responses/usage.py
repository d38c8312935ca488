"""Reads the token counts of the Responses wire, which counts as punk does: cached and reasoning tokens included."""

from __future__ import annotations

from punk.core.json import JsonObject, JsonValue
from punk.core.provider_data import ProviderData
from punk.core.usage import Usage
from punk.providers.openai.responses.settings import FAMILY


def usage_of(reported: JsonObject) -> Usage:
    """The provider's record `reported` in punk's convention."""
    return Usage(
        input_tokens=_count(reported.get("input_tokens")),
        output_tokens=_count(reported.get("output_tokens")),
        cache_read_tokens=_count(_within(reported, "input_tokens_details", "cached_tokens")),
        cache_write_tokens=_count(_within(reported, "input_tokens_details", "cache_write_tokens")),
        reasoning_tokens=_count(_within(reported, "output_tokens_details", "reasoning_tokens")),
        reported=ProviderData.of(FAMILY, reported),
    )


def _within(reported: JsonObject, key: str, inner: str) -> JsonValue:
    details = reported.get(key)
    return details.get(inner) if isinstance(details, dict) else None


def _count(value: JsonValue) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
