"""Reads the token counts of a Converse answer into punk's convention."""

from __future__ import annotations

from punk.core.json import JsonObject
from punk.core.provider_data import ProviderData
from punk.core.usage import Usage
from punk.providers.bedrock.wire import FAMILY
from punk.providers.counts import count_within


def usage_of(reported: JsonObject) -> Usage:
    """The counts in punk's convention. On this wire `inputTokens` leaves out what was read from or put in a cache, and
    some models spell the counts of the cache in another way."""
    uncached = count_within(reported, "inputTokens")
    read = _either(reported, "cacheReadInputTokens", "cacheReadInputTokenCount")
    written = _either(reported, "cacheWriteInputTokens", "cacheWriteInputTokenCount")
    return Usage(
        input_tokens=None if uncached is None else uncached + (read or 0) + (written or 0),
        output_tokens=count_within(reported, "outputTokens"),
        cache_read_tokens=read,
        cache_write_tokens=written,
        reported=ProviderData.of(FAMILY, reported),
    )


def _either(reported: JsonObject, name: str, other: str) -> int | None:
    count = count_within(reported, name)
    return count_within(reported, other) if count is None else count
