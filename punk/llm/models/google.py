"""Google's models, over the Gemini API or Vertex."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from types import TracebackType
from typing import TYPE_CHECKING, Self, final

from punk.core.failures import Unsupported
from punk.core.json import JsonObject
from punk.core.request import ToolChoice
from punk.core.retry import RetryPolicy
from punk.core.thinking import ThinkingConfig
from punk.core.timeouts import Timeouts
from punk.errors import ConfigurationError
from punk.llm.models.settings_check import check_patience, check_settings, stop_texts
from punk.providers.base import Provider, Transport
from punk.providers.google.address import is_model_name
from punk.providers.google.decode import GeminiDecoder, decode_whole
from punk.providers.google.encode import count, encode
from punk.providers.google.settings import GoogleSettings, Service
from punk.providers.google.transport.access import Access, Given, access_of
from punk.providers.google.transport.given import GivenTransport
from punk.providers.google.transport.own import Connection, GoogleTransport
from punk.providers.google.wire import FAMILY
from punk.providers.pool import HomeLoop

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.genai import Client

__all__ = ["GoogleModel"]


@final
@dataclass(frozen=True, slots=True, init=False)
class GoogleModel:
    """A Gemini model, asked through Vertex or through the Gemini API.

    Vertex is meant where a `project`, a `location` or `credentials` are given, where `GOOGLE_GENAI_USE_VERTEXAI` says
    so, or where there is a `GOOGLE_CLOUD_PROJECT` and no key. Without `credentials` those of the environment are found
    by Google's own library; the location is `global` where neither `location` nor `GOOGLE_CLOUD_LOCATION` names one.
    The Gemini API wants a key: `api_key`, `GOOGLE_API_KEY` or `GEMINI_API_KEY`. What is given wins over what is set.

    `max_tokens` bounds an answer, thinking included, and is raised where a thinking budget would leave no room. A
    given `client` of Google's SDK is used through its own stream and never closed. `extra_body` is laid over the JSON
    of every request, and over its `generationConfig` field by field. `streams=False` marks a model that cannot
    stream: `complete()` then asks for the whole answer. `timeouts` and `retry` hold where neither a chat nor a call
    says otherwise. A given client's connections are bounded by `first_event` alone. Raises `ConfigurationError` for
    settings that cannot be.

    Models that are reached in the same way share one pool of connections an event loop, closed with that loop or at the
    end of an `async with model`.
    """

    settings: GoogleSettings
    given: Given = field(repr=False)
    client: Client | None = field(repr=False)
    home: HomeLoop = field(repr=False, compare=False)
    streams: bool
    timeouts: Timeouts
    retry: RetryPolicy | None

    def __init__(
        self,
        model: str,
        *,
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
        project: str | None = None,
        location: str | None = None,
        credentials: Credentials | None = None,
        api_key: str | None = None,
        base_url: str | None = None,
        client: Client | None = None,
        extra_body: JsonObject | None = None,
    ) -> None:
        check_settings(model, max_tokens, temperature, top_p, top_k, tool_choice)
        if not is_model_name(model):
            raise ConfigurationError(f"a model's name is as Google writes it, such as gemini-3-flash, not {model!r}")
        if credentials is not None and api_key is not None:
            raise ConfigurationError("credentials and api_key exclude each other: leave one of the two out")
        if client is not None and not hasattr(client, "aio"):
            raise ConfigurationError(f"client is a google.genai.Client, not {type(client).__name__}")
        if client is not None and any((project, location, credentials, api_key, base_url)):
            raise ConfigurationError("a client knows its project, key and URL: leave them out, or leave client out")
        check_patience(timeouts, retry)
        settings = GoogleSettings(
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
        object.__setattr__(self, "given", Given(project, location, credentials, api_key, base_url))
        object.__setattr__(self, "client", client)
        object.__setattr__(self, "home", HomeLoop())
        object.__setattr__(self, "streams", streams)
        object.__setattr__(self, "timeouts", timeouts or Timeouts())
        object.__setattr__(self, "retry", retry)

    @property
    def name(self) -> str:
        """The vendor and the model."""
        return f"google:{self.settings.model}"

    def provider(self) -> Provider:
        """The way to reach it."""
        if self.client is not None:
            service: Service = "vertex" if self.client.vertexai else "gemini"
            return self._reached(service, GivenTransport(self.client, self.settings.model, self.home))
        access = access_of(self.given, os.environ)
        if isinstance(access, Unsupported):
            return self._reached("gemini", GoogleTransport(access, self.settings.model))
        return self._reached(access.address.service, GoogleTransport(_shared(access), self.settings.model))

    def _reached(self, service: Service, transport: Transport) -> Provider:
        settings = replace(self.settings, service=service)
        return Provider(
            FAMILY,
            partial(encode, settings),
            GeminiDecoder,
            decode_whole,
            transport,
            streams=self.streams,
            portable=self.client is None,
            count=count,
            timeouts=self.timeouts,
            retry=self.retry,
        )

    async def __aenter__(self) -> Self:
        if (connection := self._connection()) is not None:
            connection.enter()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if (connection := self._connection()) is not None:
            await connection.leave()

    def _connection(self) -> Connection | None:
        """What models share that are reached in the same way; None for a given client, or if something is missing."""
        access = access_of(self.given, os.environ)
        return _shared(access) if self.client is None and isinstance(access, Access) else None


@lru_cache(maxsize=256)
def _shared(access: Access) -> Connection:
    return Connection(access)
