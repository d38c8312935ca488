"""Anthropic's models, over its Messages API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    pass

__all__ = ["AnthropicModel"]

MAX_TOKENS: Final = 8192
"""Tokens of an answer, where nothing else is said: the wire wants a bound."""


@final
@dataclass(frozen=True, slots=True, init=False)
class AnthropicModel:
    """A Claude model.

    `max_tokens` bounds the answer, in tokens; it is raised above a thinking budget. `api_key` and `base_url` default to
    `ANTHROPIC_API_KEY` and `ANTHROPIC_BASE_URL`. A given `client` is used as it is and never closed. `extra_body` is
    laid over the request's JSON body. Raises `ConfigurationError` for settings that cannot be.
    """
