"""Reads the token counts of a message: merged as the wire means them, then in punk's convention."""

from __future__ import annotations

from returns.result import Result

from punk.core.failures import Malformed
from punk.core.json import JsonObject, JsonValue
from punk.core.provider_data import ProviderData
from punk.core.usage import Usage
from punk.providers.anthropic.wire import FAMILY
from punk.providers.counts import count_of, count_within, read_count


def merge_usage(before: JsonObject, report: JsonValue) -> JsonObject:
    """`before` with what `report` says: counts are totals, so they replace; null says nothing."""
    if not isinstance(report, dict):
        return before
    return {**before, **{name: value for name, value in report.items() if value is not None}}


def usage_of(reported: JsonObject) -> Usage:
    """The counts in punk's convention. On this wire `input_tokens` leaves out what was read from or put in a cache."""
    uncached = count_of(reported.get("input_tokens"))
    written = count_of(reported.get("cache_creation_input_tokens"))
    read = count_of(reported.get("cache_read_input_tokens"))
    return Usage(
        input_tokens=None if uncached is None else uncached + (written or 0) + (read or 0),
        output_tokens=count_of(reported.get("output_tokens")),
        cache_read_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=count_within(reported, "output_tokens_details", "thinking_tokens"),
        reported=ProviderData.of(FAMILY, dict(reported)),
    )


def count_in(body: bytes) -> Result[int, Malformed]:
    """The tokens of a request that was counted, as `body` says."""
    return read_count(body, "input_tokens")
