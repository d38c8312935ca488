"""OpenAI's models, and those of every server that speaks its chat-completions wire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, final

from punk.core.json import JsonObject
from punk.core.request import ToolChoice
from punk.core.retry import RetryPolicy
from punk.core.thinking import ThinkingConfig
from punk.core.timeouts import Timeouts
from punk.llm.models.openai_base import USES, Api, WireModel, settings_for
from punk.llm.models.settings_check import check_client, stop_texts
from punk.providers.openai.chat.settings import ChatSettings
from punk.providers.openai.transport import Clients, GivenClient, OwnClients, compatible_client, openai_client

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["OpenAiCompatibleModel", "OpenAiModel"]


@final
@dataclass(frozen=True, slots=True, init=False)
class OpenAiModel(WireModel):
    """A model of OpenAI's own, over the Responses API or, with `api="chat"`, over chat completions.

    Chat completions show no thinking of OpenAI's models, Responses take no `seed` and no `stop_sequences`, neither
    takes `top_k`: what a wire cannot say is refused on entering a stream. `max_tokens` bounds an answer, reasoning
    included. `api_key` and `base_url` default to `OPENAI_API_KEY` and `OPENAI_BASE_URL`. A given `client` is used as
    it is, in one event loop, and never closed. `extra_body` is laid over the JSON of every request. `streams=False`
    marks a model that cannot stream: `complete()` then asks for the whole answer. `timeouts` and `retry` hold where
    neither a chat nor a call says otherwise. Raises `ConfigurationError` for settings that cannot be.

    Models with the same key and URL share one pool of connections an event loop, closed with that loop or at the end of
    an `async with model`.
    """

    def __init__(
        self,
        model: str,
        *,
        api: Api = "responses",
        thinking_config: ThinkingConfig | None = None,
        max_tokens: int | None = None,
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
        client: AsyncOpenAI | None = None,
        extra_body: JsonObject | None = None,
    ) -> None:
        check_client(client, "AsyncOpenAI", USES, {"api_key": api_key, "base_url": base_url})
        settings = settings_for(
            api,
            model,
            thinking_config=thinking_config,
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            top_k=top_k,
            stop_sequences=stop_sequences,
            seed=seed,
            tool_choice=tool_choice,
            extra_body=extra_body,
        )
        clients = _openai(api_key, base_url) if client is None else GivenClient(client)
        self._set("openai", settings, clients, streams=streams, portable=client is None, timeouts=timeouts, retry=retry)


@final
@dataclass(frozen=True, slots=True, init=False)
class OpenAiCompatibleModel(WireModel):
    """A model of another server that speaks chat completions: Ollama, vLLM, llama.cpp, Groq, OpenRouter and the like.

    `base_url` is the server's, with its version (`http://localhost:11434/v1`); `api_key` its key, if it wants one: the
    environment's key of OpenAI is never sent there. A given `client` is asked at this `base_url`. The other settings
    are those of `OpenAiModel`, and `top_k`.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str,
        api_key: str | None = None,
        client: AsyncOpenAI | None = None,
        thinking_config: ThinkingConfig | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        stop_sequences: Sequence[str] = (),
        seed: int | None = None,
        tool_choice: ToolChoice | None = None,
        streams: bool = True,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        extra_body: JsonObject | None = None,
    ) -> None:
        settings = ChatSettings(
            model,
            flavour="compatible",
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
        check_client(client, "AsyncOpenAI", USES, {"api_key": api_key})
        given = None if client is None else client.with_options(base_url=base_url)
        clients = _compatible(api_key, base_url) if given is None else GivenClient(given)
        self._set(
            "compatible", settings, clients, streams=streams, portable=client is None, timeouts=timeouts, retry=retry
        )


@lru_cache(maxsize=256)
def _openai(api_key: str | None, base_url: str | None) -> Clients:
    return OwnClients(lambda: openai_client(api_key, base_url))


@lru_cache(maxsize=256)
def _compatible(api_key: str | None, base_url: str) -> Clients:
    return OwnClients(lambda: compatible_client(api_key, base_url))
