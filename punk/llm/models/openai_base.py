"""What all models on OpenAI's two wires have in common (internal): their settings, and how they are reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias, assert_never, get_args

from punk.core.json import JsonObject
from punk.core.request import ToolChoice
from punk.core.retry import RetryPolicy
from punk.core.thinking import ThinkingConfig
from punk.core.timeouts import Timeouts
from punk.errors import ConfigurationError
from punk.llm.models.settings_check import check_patience, check_settings, stop_texts
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
from punk.providers.openai.responses.usage import count_in
from punk.providers.openai.transport import Clients

Api: TypeAlias = Literal["responses", "chat"]
"""Which of OpenAI's two wires is spoken: Responses, or chat completions."""

USES: Final = ("chat", "responses")
"""What is asked of a client that is given."""


def settings_for(
    api: Api,
    model: str,
    *,
    thinking_config: ThinkingConfig | None,
    max_tokens: int | None,
    temperature: float | None,
    top_p: float | None,
    top_k: int | None,
    stop_sequences: Sequence[str],
    seed: int | None,
    tool_choice: ToolChoice | None,
    extra_body: JsonObject | None,
) -> ChatSettings | ResponsesSettings:
    """The settings of a model on the wire of `api`. Raises `ConfigurationError` for another word."""
    if api not in get_args(Api):
        raise ConfigurationError(f"api is one of {', '.join(get_args(Api))}, not {api!r}")
    make = ChatSettings if api == "chat" else ResponsesSettings
    return make(
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


@dataclass(frozen=True, slots=True, init=False)
class WireModel:
    """A model: its settings, which are those of its wire, and where its client comes from."""

    vendor: str
    settings: ChatSettings | ResponsesSettings
    clients: Clients = field(repr=False)
    streams: bool
    timeouts: Timeouts
    retry: RetryPolicy | None
    portable: bool = field(repr=False)

    def _set(
        self,
        vendor: str,
        settings: ChatSettings | ResponsesSettings,
        clients: Clients,
        *,
        streams: bool,
        portable: bool,
        timeouts: Timeouts | None,
        retry: RetryPolicy | None,
    ) -> None:
        check_patience(timeouts, retry)
        check_settings(
            settings.model,
            settings.max_tokens,
            settings.temperature,
            settings.top_p,
            settings.top_k,
            settings.tool_choice,
        )
        object.__setattr__(self, "vendor", vendor)
        object.__setattr__(self, "settings", settings)
        object.__setattr__(self, "clients", clients)
        object.__setattr__(self, "streams", streams)
        object.__setattr__(self, "portable", portable)
        object.__setattr__(self, "timeouts", timeouts or Timeouts())
        object.__setattr__(self, "retry", retry)

    @property
    def name(self) -> str:
        """The vendor and the model."""
        return f"{self.vendor}:{self.settings.model}"

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
                    timeouts=self.timeouts,
                    retry=self.retry,
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
                    timeouts=self.timeouts,
                    retry=self.retry,
                    count=count_in,
                )
            case _:
                assert_never(settings)

    async def __aenter__(self) -> Self:
        self.clients.enter()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.clients.leave()
