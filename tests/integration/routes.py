"""The ways to a model that the integration suite walks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypedDict, final

from google.oauth2.credentials import Credentials

from punk.core.json import JsonObject
from punk.core.retry import RetryPolicy
from punk.core.thinking import ThinkingConfig
from punk.llm.models.anthropic import AnthropicModel
from punk.llm.models.azure_openai import AzureOpenAiModel
from punk.llm.models.base import Model
from punk.llm.models.bedrock import BedrockModel
from punk.llm.models.google import GoogleModel
from punk.llm.models.openai import OpenAiModel
from tests.integration import sent
from tests.integration.sent import Sent

KEY: Final = "k"


class Settings(TypedDict, total=False):
    """What a test may ask of a model, on every route by the same names."""

    thinking_config: ThinkingConfig
    streams: bool
    retry: RetryPolicy


@final
@dataclass(frozen=True, slots=True)
class Route:
    """A way to a model: what a user would write to take it, with the base URL of a server.

    `sent` reads the conversation in a request of its wire. `proven` counts the blocks of thinking in aimock's answer to
    `interleaved` that come with the provider's proof, without which a wire does not take them back.
    """

    name: str
    sent: Callable[[JsonObject], list[Sent]]
    proven: int
    written: Callable[[str, Settings], Model]

    def make(self, base: str, settings: Settings) -> Model:
        """The model, reached at `base`; asked once, unless `settings` say otherwise."""
        return self.written(base, {"retry": RetryPolicy(attempts=1), **settings})


ROUTES: Final = (
    Route(
        "openai-chat",
        sent.chat,
        0,
        lambda base, more: OpenAiModel("gpt-5.5", api="chat", api_key=KEY, base_url=f"{base}/v1", **more),
    ),
    Route(
        "openai-responses",
        sent.responses,
        1,
        lambda base, more: OpenAiModel("gpt-5.5", api="responses", api_key=KEY, base_url=f"{base}/v1", **more),
    ),
    Route(
        "azure-chat",
        sent.chat,
        0,
        lambda base, more: AzureOpenAiModel("gpt-5.5", api="chat", api_key=KEY, endpoint=base, **more),
    ),
    Route(
        "azure-responses",
        sent.responses,
        1,
        lambda base, more: AzureOpenAiModel("gpt-5.5", api="responses", api_key=KEY, endpoint=base, **more),
    ),
    Route(
        "anthropic",
        sent.messages,
        2,
        lambda base, more: AnthropicModel("claude-sonnet-4-5", api_key=KEY, base_url=base, **more),
    ),
    Route(
        "bedrock",
        sent.converse,
        0,
        lambda base, more: BedrockModel(
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            endpoint_url=base,
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=KEY,
            **more,
        ),
    ),
    Route(
        "gemini",
        sent.contents,
        0,
        lambda base, more: GoogleModel("gemini-2.5-pro", api_key=KEY, base_url=base, **more),
    ),
    Route(
        "vertex",
        sent.contents,
        0,
        lambda base, more: GoogleModel(
            "gemini-2.5-pro",
            project="p",
            location="us-central1",
            credentials=Credentials(token=KEY),  # type: ignore[no-untyped-call]  # not typed by its authors
            base_url=base,
            **more,
        ),
    ),
)
