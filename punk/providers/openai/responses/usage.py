"""Reads the token counts of the Responses wire, which counts as punk does: cached and reasoning tokens included."""

from __future__ import annotations

from returns.result import Result

from punk.core.failures import Malformed
from punk.core.json import JsonObject
from punk.core.provider_data import ProviderData
from punk.core.usage import Usage
from punk.providers.counts import count_of, count_within, read_count
from punk.providers.openai.responses.settings import FAMILY


def usage_of(reported: JsonObject) -> Usage:
    """The provider's record `reported` in punk's convention."""
    return Usage(
        input_tokens=count_of(reported.get("input_tokens")),
        output_tokens=count_of(reported.get("output_tokens")),
        cache_read_tokens=count_within(reported, "input_tokens_details", "cached_tokens"),
        cache_write_tokens=count_within(reported, "input_tokens_details", "cache_write_tokens"),
        reasoning_tokens=count_within(reported, "output_tokens_details", "reasoning_tokens"),
        reported=ProviderData.of(FAMILY, reported),
    )


def count_in(body: bytes) -> Result[int, Malformed]:
    """The tokens of a request that was counted, as `body` says."""
    return read_count(body, "input_tokens")
