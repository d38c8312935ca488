"""OpenAI's models as Azure serves them: deployments of a resource."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias, final

from punk.core.json import JsonObject
from punk.core.request import ToolChoice
from punk.core.retry import RetryPolicy
from punk.core.thinking import ThinkingConfig
from punk.core.timeouts import Timeouts
from punk.llm.models.openai_base import USES, Api, WireModel, settings_for
from punk.llm.models.settings_check import check_client
from punk.providers.openai.transport import Clients, GivenClient, OwnClients, azure_client

if TYPE_CHECKING:
    from openai import AsyncAzureOpenAI

__all__ = ["AzureOpenAiModel", "TokenProvider"]

TokenProvider: TypeAlias = Callable[[], str | Awaitable[str]]
"""Gives a token of Microsoft Entra ID; asked before every request."""


@final
@dataclass(frozen=True, slots=True, init=False)
class AzureOpenAiModel(WireModel):
    """A deployment of an OpenAI model on Azure, over chat completions or, with `api="responses"`, over Responses.

    `endpoint`, `api_key` and `api_version` default to `AZURE_OPENAI_ENDPOINT`, `AZURE_OPENAI_API_KEY` and
    `OPENAI_API_VERSION`, the version else to one that has the wire; `azure_ad_token_provider` takes the place of a
    key. The other settings are those of `OpenAiModel`. A given `client` is used as it is and never closed. `timeouts`
    and `retry` hold where neither a chat nor a call says otherwise. Raises `ConfigurationError` for settings that
    cannot be.
    """

    def __init__(
        self,
        deployment_name: str,
        *,
        endpoint: str | None = None,
        api_version: str | None = None,
        api_key: str | None = None,
        azure_ad_token_provider: TokenProvider | None = None,
        api: Api = "chat",
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
        client: AsyncAzureOpenAI | None = None,
        extra_body: JsonObject | None = None,
    ) -> None:
        beside = {
            "endpoint": endpoint,
            "api_version": api_version,
            "api_key": api_key,
            "azure_ad_token_provider": azure_ad_token_provider,
        }
        check_client(client, "AsyncAzureOpenAI", USES, beside)
        settings = settings_for(
            api,
            deployment_name,
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
        version = api_version, _VERSIONS[api]
        own = _azure(endpoint, version, api_key, azure_ad_token_provider)
        self._set(
            "azure",
            settings,
            own if client is None else GivenClient(client),
            streams=streams,
            portable=client is None,
            timeouts=timeouts,
            retry=retry,
        )


_VERSIONS: dict[Api, str] = {"chat": "2024-10-21", "responses": "2025-04-01-preview"}
"""The version of Azure's API that is asked for where none is named, by the wire that it must have."""


@lru_cache(maxsize=256)
def _azure(
    endpoint: str | None, version: tuple[str | None, str], api_key: str | None, token_provider: TokenProvider | None
) -> Clients:
    return OwnClients(
        lambda: azure_client(endpoint, version, api_key, token_provider),
        "set AZURE_OPENAI_API_KEY, or pass api_key or azure_ad_token_provider",
        ("AZURE_OPENAI_", "OPENAI_"),
    )
