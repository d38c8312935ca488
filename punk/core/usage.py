"""Token counts of an answer, in one convention for every vendor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from punk.core.provider_data import ProviderData


@final
@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the provider reported them; what it did not say is None.

    `input_tokens` includes cached tokens, `output_tokens` includes reasoning tokens. `lower_bound` marks a
    sum that misses a turn whose provider never got to report (a cancelled or failed one). `reported` is the provider's
    own record.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    lower_bound: bool = False
    reported: ProviderData | None = None

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            _sum(self.input_tokens, other.input_tokens),
            _sum(self.output_tokens, other.output_tokens),
            _sum(self.cache_read_tokens, other.cache_read_tokens),
            _sum(self.cache_write_tokens, other.cache_write_tokens),
            _sum(self.reasoning_tokens, other.reasoning_tokens),
            self.lower_bound or other.lower_bound,
        )


def _sum(a: int | None, b: int | None) -> int | None:
    if a is None:
        return b
    return a if b is None else a + b
