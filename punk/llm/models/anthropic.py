"""Anthropic's models, over its Messages API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Self, final

from punk.core.json import JsonObject
from punk.core.request import ToolChoice
from punk.core.retry import RetryPolicy
from punk.core.thinking import ThinkingConfig
from punk.core.timeouts import Timeouts
from punk.llm.models.settings_check import check_client, check_patience, check_settings, stop_texts
from punk.providers.anthropic.provider import anthropic_provider
from punk.providers.anthropic.settings import DEFAULT_MAX_TOKENS, AnthropicSettings
from punk.providers.anthropic.transport import AnthropicTransport
from punk.providers.base import Provider

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

__all__ = ["AnthropicModel"]


@final
@dataclass(frozen=True, slots=True, init=False)
class AnthropicModel:
    """A Claude model.

    `max_tokens` bounds an answer, thinking included, and is raised where a thinking budget would leave no room. There
    is no `seed`, and newer models take no sampling parameters: what cannot be said is refused on entering a stream.
    `api_key` and `base_url` default to `ANTHROPIC_API_KEY` and `ANTHROPIC_BASE_URL`. A given `client` is used as it
    is and never closed. `extra_body` is laid over the JSON of every request. `streams=False` marks a model that
    cannot stream: `complete()` then asks for the whole answer. `timeouts` and `retry` hold where neither a chat nor a
    call says otherwise. Raises `ConfigurationError` for settings that cannot be.

    Models with the same key and URL share one pool of connections an event loop, closed with that loop or at the end of
    an `async with model`.
    """

    settings: AnthropicSettings
    transport: AnthropicTransport = field(repr=False)
    streams: bool
    timeouts: Timeouts
    retry: RetryPolicy | None
    portable: bool = field(repr=False)

    def __init__(
        self,
        model: str,
        *,
        thinking_config: ThinkingConfig | None = None,
        max_tokens: int = DEFAULT_MAX_TOKENS,
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        stop_sequences: Sequence[str] = (),
        seed: int | None = None,
        tool_choice: ToolChoice | None = None,
        streams: bool = True,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        api_key: str | None = None,
        base_url: str | None = None,
        client: AsyncAnthropic | None = None,
        extra_body: JsonObject | None = None,
    ) -> None:
        check_client(client, "AsyncAnthropic", ("messages",), {"api_key": api_key, "base_url": base_url})
        check_settings(model, max_tokens, temperature, top_p, top_k, tool_choice)
        check_patience(timeouts, retry)
        settings = AnthropicSettings(
            model,
            max_tokens=max_tokens,
            thinking_config=thinking_config,
            temperature=temperature,
            top_p=top_p,
            top_k=top_k,
            stop_sequences=stop_texts(stop_sequences),
            seed=seed,
            tool_choice=tool_choice,
            extra_body=extra_body,
        )
        object.__setattr__(self, "settings", settings)
        transport = _shared(api_key, base_url) if client is None else AnthropicTransport(client=client)
        object.__setattr__(self, "transport", transport)
        object.__setattr__(self, "streams", streams)
        object.__setattr__(self, "timeouts", timeouts or Timeouts())
        object.__setattr__(self, "retry", retry)
        object.__setattr__(self, "portable", client is None)

    @property
    def name(self) -> str:
        """The vendor and the model."""
        return f"anthropic:{self.settings.model}"

    def provider(self) -> Provider:
        """The way to reach it."""
        provider = anthropic_provider(self.settings, self.transport, streams=self.streams, portable=self.portable)
        return replace(provider, timeouts=self.timeouts, retry=self.retry)

    async def __aenter__(self) -> Self:
        self.transport.enter()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.transport.leave()


@lru_cache(maxsize=256)
def _shared(api_key: str | None, base_url: str | None) -> AnthropicTransport:
    return AnthropicTransport(api_key=api_key, base_url=base_url)
