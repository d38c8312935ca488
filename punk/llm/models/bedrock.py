"""Models on Amazon Bedrock, over its Converse API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import TracebackType
from typing import Self, final

from punk.core.json import JsonObject
from punk.core.request import ToolChoice
from punk.core.retry import RetryPolicy
from punk.core.thinking import ThinkingConfig
from punk.core.timeouts import Timeouts
from punk.errors import ConfigurationError
from punk.llm.models.settings_check import check_patience, check_settings, stop_texts
from punk.providers.base import Provider
from punk.providers.bedrock.access import AwsAccess, AwsSession
from punk.providers.bedrock.provider import bedrock_provider
from punk.providers.bedrock.settings import BedrockSettings
from punk.providers.bedrock.transport import BedrockClients, BedrockTransport

__all__ = ["BedrockModel"]


@final
@dataclass(frozen=True, slots=True, init=False)
class BedrockModel:
    """A model on Amazon Bedrock, by its id, or by the ARN of a profile or a model of one's own.

    Keys, a `profile_name` or a `session` (a `boto3.Session`) that are given are used, whatever the environment says;
    without them it is `AWS_BEARER_TOKEN_BEDROCK`, or else what botocore finds. `region_name` and `endpoint_url`
    default to what Amazon's variables and files say. `max_tokens` bounds an answer, thinking included, and is raised
    where a thinking budget would leave no room. `extra_body` is laid over the JSON of every request. `streams=False`
    marks a model that cannot stream: `complete()` then asks for the whole answer. `timeouts` and `retry` hold where
    neither a chat nor a call says otherwise. Raises `ConfigurationError` for settings that cannot be.

    Models with the same access share one pool of connections an event loop, closed with that loop or at the end of an
    `async with model`.
    """

    settings: BedrockSettings
    clients: BedrockClients = field(repr=False)
    streams: bool
    timeouts: Timeouts
    retry: RetryPolicy | None

    def __init__(
        self,
        model_id: str,
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
        region_name: str | None = None,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        aws_session_token: str | None = None,
        profile_name: str | None = None,
        session: AwsSession | None = None,
        endpoint_url: str | None = None,
        extra_body: JsonObject | None = None,
    ) -> None:
        check_settings(model_id, max_tokens, temperature, top_p, top_k, tool_choice)
        check_patience(timeouts, retry)
        settings = BedrockSettings(
            model_id,
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
        access = AwsAccess(
            region_name, aws_access_key_id, aws_secret_access_key, aws_session_token, profile_name, endpoint_url
        )
        fault = access.fault
        if fault is not None:
            raise ConfigurationError(fault)
        if session is not None and not hasattr(session, "get_credentials"):
            raise ConfigurationError(f"session is a boto3.Session, not {type(session).__name__}")
        if session is not None and (aws_access_key_id or profile_name):
            raise ConfigurationError("a session has credentials of its own: pass it, or keys, or a profile_name")
        object.__setattr__(self, "settings", settings)
        object.__setattr__(self, "clients", _shared(access) if session is None else BedrockClients(access, session))
        object.__setattr__(self, "streams", streams)
        object.__setattr__(self, "timeouts", timeouts or Timeouts())
        object.__setattr__(self, "retry", retry)

    @property
    def name(self) -> str:
        """The vendor and the model."""
        return f"bedrock:{self.settings.model}"

    def provider(self) -> Provider:
        """The way to reach it."""
        transport = BedrockTransport(self.clients, self.settings.model)
        provider = bedrock_provider(self.settings, transport, streams=self.streams)
        return replace(provider, timeouts=self.timeouts, retry=self.retry)

    async def __aenter__(self) -> Self:
        self.clients.enter()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.clients.leave()


@lru_cache(maxsize=256)
def _shared(access: AwsAccess) -> BedrockClients:
    return BedrockClients(access)
