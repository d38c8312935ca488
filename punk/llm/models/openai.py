"""OpenAI's models, and those of every server that speaks its chat-completions wire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, TypeAlias, assert_never, final, get_args

from punk.core.json import JsonObject
from punk.core.thinking import ThinkingConfig
from punk.errors import ConfigurationError
from punk.llm.models.settings_check import check_settings
from punk.providers.base import Provider
from punk.providers.openai.chat import decode as chat_decode
from punk.providers.openai.chat import encode as chat_encode
from punk.providers.openai.chat import settings as chat_settings
from punk.providers.openai.chat.settings import ChatSettings
from punk.providers.openai.chat.transport import ChatTransport
from punk.providers.openai.responses import decode as responses_decode
from punk.providers.openai.responses import encode as responses_encode
from punk.providers.openai.responses import settings as responses_settings
from punk.providers.openai.responses.settings import ResponsesSettings
from punk.providers.openai.responses.transport import ResponsesTransport
from punk.providers.openai.transport import Clients, GivenClient, OwnClients, compatible_client, openai_client

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["OpenAiCompatibleModel", "OpenAiModel"]


Api: TypeAlias = Literal["chat", "responses"]
"""Which of OpenAI's two wires is spoken: chat completions, or Responses."""


@dataclass(frozen=True, slots=True, init=False)
class _Model:
    """What every model of this file has: its settings, which are those of its wire, and where its client comes from."""

    settings: ChatSettings | ResponsesSettings
    clients: Clients = field(repr=False)
    streams: bool
    portable: bool = field(repr=False)

    def _set(
        self, settings: ChatSettings | ResponsesSettings, clients: Clients, *, streams: bool, portable: bool
    ) -> None:
        check_settings(settings.model, settings.max_tokens, settings.temperature, settings.top_p)
        object.__setattr__(self, "settings", settings)
        object.__setattr__(self, "clients", clients)
        object.__setattr__(self, "streams", streams)
        object.__setattr__(self, "portable", portable)

    @property
    def name(self) -> str:
        """The wire and the model."""
        return f"openai:{self.settings.model}"

    def provider(self) -> Provider:
        """The way to reach it."""
        settings = self.settings
        match settings:
            case ChatSettings():
                return Provider(
                    chat_settings.FAMILY,
                    partial(chat_encode.encode, settings),
                    chat_decode.ChatDecoder,
                    chat_decode.decode_whole,
                    ChatTransport(self.clients),
                    streams=self.streams,
                    portable=self.portable,
                )
            case ResponsesSettings():
                return Provider(
                    responses_settings.FAMILY,
                    partial(responses_encode.encode, settings),
                    responses_decode.ResponsesDecoder,
                    responses_decode.decode_whole,
                    ResponsesTransport(self.clients),
                    streams=self.streams,
                    portable=self.portable,
                )
            case _:
                assert_never(settings)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.clients.close()


@final
@dataclass(frozen=True, slots=True, init=False)
class OpenAiModel(_Model):
    """A model of OpenAI's own, over chat completions or, with `api="responses"`, over Responses.

    `max_tokens` bounds an answer, reasoning included. `api_key` and `base_url` default to `OPENAI_API_KEY` and
    `OPENAI_BASE_URL`. A given `client` is used as it is and never closed. `extra_body` is laid over the JSON of every
    request. `streams=False` marks a model that cannot stream: `complete()` then asks for the whole answer. Raises
    `ConfigurationError` for settings that cannot be.

    Models with the same key and URL share one pool of connections an event loop, closed with that loop or at the end of
    an `async with model`.
    """

    def __init__(
        self,
        model: str,
        *,
        api: Api = "chat",
        thinking_config: ThinkingConfig | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        stop_sequences: Sequence[str] = (),
        streams: bool = True,
        api_key: str | None = None,
        base_url: str | None = None,
        client: AsyncOpenAI | None = None,
        extra_body: JsonObject | None = None,
    ) -> None:
        if api not in get_args(Api):
            raise ConfigurationError(f"api is one of {', '.join(get_args(Api))}, not {api!r}")
        make = ChatSettings if api == "chat" else ResponsesSettings
        settings = make(
            model,
            max_tokens=max_tokens,
            thinking_config=thinking_config,
            temperature=temperature,
            top_p=top_p,
            stop_sequences=tuple(stop_sequences),
            extra_body=extra_body,
        )
        clients = _openai(api_key, base_url) if client is None else GivenClient(client)
        self._set(settings, clients, streams=streams, portable=client is None)


@final
@dataclass(frozen=True, slots=True, init=False)
class OpenAiCompatibleModel(_Model):
    """A model of another server that speaks chat completions: Ollama, vLLM, llama.cpp, Groq, OpenRouter and the like.

    `base_url` is the server's, with its version (`http://localhost:11434/v1`); `api_key` its key, if it wants one: the
    environment's key of OpenAI is never sent there. The other settings are those of `OpenAiModel`, and `top_k`.
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
        streams: bool = True,
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
            stop_sequences=tuple(stop_sequences),
            extra_body=extra_body,
        )
        clients = _compatible(api_key, base_url) if client is None else GivenClient(client)
        self._set(settings, clients, streams=streams, portable=client is None)


@lru_cache(maxsize=256)
def _openai(api_key: str | None, base_url: str | None) -> Clients:
    return OwnClients(lambda: openai_client(api_key, base_url))


@lru_cache(maxsize=256)
def _compatible(api_key: str | None, base_url: str) -> Clients:
    return OwnClients(lambda: compatible_client(api_key, base_url))
