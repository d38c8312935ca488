"""Reads the token counts of a message: merged as the wire means them, then in punk's convention."""

from __future__ import annotations

from punk.core.json import JsonObject, JsonValue
from punk.core.provider_data import ProviderData
from punk.core.usage import Usage
from punk.providers.anthropic.wire import FAMILY


def merge_usage(before: JsonObject, report: JsonValue) -> JsonObject:
    """`before` with what `report` says: counts are totals, so they replace; null says nothing."""
    if not isinstance(report, dict):
        return before
    return {**before, **{name: value for name, value in report.items() if value is not None}}


def usage_of(reported: JsonObject) -> Usage:
    """The counts in punk's convention. On this wire `input_tokens` leaves out what was read from or put in a cache."""
    uncached = _count(reported.get("input_tokens"))
    written = _count(reported.get("cache_creation_input_tokens"))
    read = _count(reported.get("cache_read_input_tokens"))
    details = reported.get("output_tokens_details")
    return Usage(
        input_tokens=None if uncached is None else uncached + (written or 0) + (read or 0),
        output_tokens=_count(reported.get("output_tokens")),
        cache_read_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=_count(details.get("thinking_tokens")) if isinstance(details, dict) else None,
        reported=ProviderData.of(FAMILY, dict(reported)),
    )


def _count(value: JsonValue) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
