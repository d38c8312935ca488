"""Reads what Google reports beside the answer: token counts, and errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, cast

from punk.core.failures import ProviderError
from punk.core.json import JsonObject, JsonValue
from punk.core.provider_data import ProviderData
from punk.core.usage import Usage
from punk.providers.counts import count_of
from punk.providers.google.wire import FAMILY
from punk.wire.body import error_of

_SECONDS: Final = re.compile(r"(\d{1,9}(?:\.\d+)?)s")


def usage_of(reported: Mapping[str, object]) -> Usage:
    """The counts in punk's convention. On this wire the prompt's count includes what was read from a cache, and leaves
    out what tools of the provider added; the candidates' count leaves out thoughts. Raises ValueError for NaN."""
    counts = cast("JsonObject", reported)
    return Usage(
        input_tokens=_sum(counts, "promptTokenCount", "toolUsePromptTokenCount"),
        output_tokens=_sum(counts, "candidatesTokenCount", "thoughtsTokenCount"),
        cache_read_tokens=count_of(counts.get("cachedContentTokenCount")),
        reasoning_tokens=count_of(counts.get("thoughtsTokenCount")),
        reported=ProviderData.of(FAMILY, counts),
    )


def reported_error(error: object) -> ProviderError:
    """The failure that the value of `error` in a payload says."""
    message, error_type = error_of({"error": cast("JsonValue", error)})
    return ProviderError(message or "the provider reports an error", error_type, retry_delay(error))


def retry_delay(error: object) -> float | None:
    """The seconds that Google asks to wait among the details of an error, None where it does not."""
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else ():
        delay = detail.get("retryDelay") if isinstance(detail, dict) else None
        if isinstance(delay, str) and (found := _SECONDS.fullmatch(delay)):
            return float(found[1])
    return None


def _sum(counts: JsonObject, *names: str) -> int | None:
    known = [count for name in names if (count := count_of(counts.get(name))) is not None]
    return sum(known) if known else None
