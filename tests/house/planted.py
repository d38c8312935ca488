"""Lists every way in which punk is given a secret that goes to a model's provider, each with a secret of its own."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Final, final

import anthropic
import boto3  # type: ignore[import-untyped]  # it has no types
import openai
from google import genai
from google.auth.exceptions import RefreshError
from google.genai.types import HttpOptions
from google.oauth2.credentials import Credentials

from punk.llm.models.anthropic import AnthropicModel
from punk.llm.models.azure_openai import AzureOpenAiModel
from punk.llm.models.base import Model
from punk.llm.models.bedrock import BedrockModel
from punk.llm.models.google import GoogleModel
from punk.llm.models.openai import OpenAiCompatibleModel, OpenAiModel
from tests.providers.wires import WIRES, Wire

Make = Callable[[str, str], Model]
Give = Callable[[str, str, AsyncExitStack], Model]

_aws = partial(BedrockModel, "anthropic.claude-sonnet-4-5-20250929-v1:0", region_name="us-east-1")
_aws_keyed = partial(_aws, aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="s")
_vertex = partial(GoogleModel, "gemini-3.5-flash", project="p", location="us-central1")
_azure = partial(AzureOpenAiModel, "gpt-5.5")
_claude = partial(AnthropicModel, "claude-sonnet-5-5")
_gpt = partial(OpenAiModel, "gpt-5.5")
_other = partial(OpenAiCompatibleModel, "qwen3")
_gemini = partial(GoogleModel, "gemini-3.5-flash")


@final
@dataclass(frozen=True, slots=True)
class Way:
    """One way to give a secret to a model: what a user would write, with a server's base URL and the secret, and the
    variables of the environment, in which `{base}` and `{secret}` stand for these."""

    name: str
    wire: Wire
    make: Give
    variables: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    @property
    def secret(self) -> str:
        """What must stand nowhere."""
        return "planted-" + "".join(letter for letter in self.name if letter.isalnum()) + "-0123456789"

    @property
    def forms(self) -> tuple[str, ...]:
        """The secret, and how it is written in a header of a URL's user and password."""
        return self.secret, b64encode(f"user:{self.secret}".encode()).decode()


def _way(wire: str, name: str, make: Make, **variables: str) -> Way:
    (found,) = (known for known in WIRES if known.name == wire)
    return Way(name, found, lambda base, secret, _: make(base, secret), variables)


def _given(wire: str, name: str, make: Give) -> Way:
    (found,) = (known for known in WIRES if known.name == wire)
    return Way(name, found, make)


def with_user(base: str, secret: str) -> str:
    """The URL with a password in it."""
    return base.replace("//", f"//user:{secret}@")


def with_query(base: str, secret: str) -> str:
    """The URL with a key in its query."""
    return f"{base}?key={secret}"


def _by_anthropic(client: anthropic.AsyncAnthropic, stack: AsyncExitStack) -> Model:
    stack.push_async_callback(client.close)
    return _claude(client=client)


def _by_openai(base: str, key: str, stack: AsyncExitStack) -> Model:
    client = openai.AsyncOpenAI(base_url=f"{base}/v1", api_key=key)
    stack.push_async_callback(client.close)
    return _gpt(client=client)


def _by_azure(base: str, key: str, stack: AsyncExitStack) -> Model:
    client = openai.AsyncAzureOpenAI(azure_endpoint=base, api_key=key, api_version="2024-10-21")
    stack.push_async_callback(client.close)
    return _azure(client=client)


def _by_google(client: genai.Client, stack: AsyncExitStack) -> Model:
    stack.callback(client.close)
    stack.push_async_callback(client.aio.aclose)
    return _gemini(client=client)


def _by_vertex(base: str, token: str, stack: AsyncExitStack) -> Model:
    known = {"vertexai": True, "project": "p", "location": "us-central1"}
    options = HttpOptions(base_url=base)
    return _by_google(genai.Client(**known, credentials=_token(token), http_options=options), stack)  # type: ignore[arg-type]


def _session(base: str, secret: str, _: AsyncExitStack) -> Model:
    session = boto3.Session("AKIDEXAMPLE", secret, secret)
    return _aws(session=session, endpoint_url=base)


class Revoked(Credentials):
    """Credentials that their server refuses to renew: it repeats them, and Google's library repeats that."""

    def refresh(self, request: object) -> None:
        """Raise as Google's library does."""
        raise RefreshError("invalid_grant", {"error": "invalid_grant", "token": self.refresh_token})  # type: ignore[no-untyped-call]


def _revoked(token: str) -> Credentials:
    return Revoked(None, refresh_token=token)  # type: ignore[no-untyped-call]  # not typed by its authors


def _token(token: str) -> Credentials:
    return Credentials(token=token)  # type: ignore[no-untyped-call]  # not typed by its authors


async def _soon(token: str) -> str:
    return token


WAYS: Final = (
    _way("anthropic", "anthropic api_key", lambda base, key: _claude(api_key=key, base_url=base)),
    _way("anthropic", "ANTHROPIC_API_KEY", lambda base, _: _claude(base_url=base), ANTHROPIC_API_KEY="{secret}"),
    _way("anthropic", "ANTHROPIC_AUTH_TOKEN", lambda base, _: _claude(base_url=base), ANTHROPIC_AUTH_TOKEN="{secret}"),
    _way(
        "anthropic",
        "ANTHROPIC_CUSTOM_HEADERS",
        lambda base, _: _claude(base_url=base, api_key="k"),
        ANTHROPIC_CUSTOM_HEADERS="x-gateway-key: {secret}",
    ),
    _way("anthropic", "anthropic user", lambda base, key: _claude(api_key="k", base_url=with_user(base, key))),
    _way("anthropic", "anthropic query", lambda base, key: _claude(api_key="k", base_url=with_query(base, key))),
    _given(
        "anthropic",
        "anthropic client",
        lambda base, key, stack: _by_anthropic(anthropic.AsyncAnthropic(base_url=base, api_key=key), stack),
    ),
    _given(
        "anthropic",
        "anthropic client token",
        lambda base, token, stack: _by_anthropic(anthropic.AsyncAnthropic(base_url=base, auth_token=token), stack),
    ),
    _given(
        "anthropic",
        "anthropic client header",
        lambda base, value, stack: _by_anthropic(
            anthropic.AsyncAnthropic(base_url=base, api_key="k", default_headers={"x-gateway-key": value}), stack
        ),
    ),
    _way("openai-responses", "openai api_key", lambda base, key: _gpt(api_key=key, base_url=f"{base}/v1")),
    _way("openai-responses", "OPENAI_API_KEY", lambda base, _: _gpt(base_url=f"{base}/v1"), OPENAI_API_KEY="{secret}"),
    _way("openai-responses", "openai user", lambda base, key: _gpt(api_key="k", base_url=with_user(f"{base}/v1", key))),
    _way(
        "openai-responses",
        "openai tool",
        lambda base, key: _gpt(
            api_key="k",
            base_url=f"{base}/v1",
            extra_body={"tools": [{"type": "mcp", "server_url": "https://x.example", "authorization": key}]},
        ),
    ),
    _given("openai-responses", "openai client", _by_openai),
    _way("compatible-chat", "compatible api_key", lambda base, key: _other(api_key=key, base_url=f"{base}/v1")),
    _way("compatible-chat", "compatible query", lambda base, key: _other(base_url=with_query(f"{base}/v1", key))),
    _way("openai-chat", "azure api_key", lambda base, key: _azure(api_key=key, endpoint=base)),
    _way("openai-chat", "azure query", lambda base, key: _azure(api_key="k", endpoint=with_query(base, key))),
    _way("openai-chat", "AZURE_OPENAI_API_KEY", lambda base, _: _azure(endpoint=base), AZURE_OPENAI_API_KEY="{secret}"),
    _way(
        "openai-chat", "AZURE_OPENAI_AD_TOKEN", lambda base, _: _azure(endpoint=base), AZURE_OPENAI_AD_TOKEN="{secret}"
    ),
    _way("openai-chat", "azure token", lambda base, key: _azure(endpoint=base, azure_ad_token_provider=lambda: key)),
    _way(
        "openai-chat",
        "azure awaited token",
        lambda base, key: _azure(endpoint=base, azure_ad_token_provider=lambda: _soon(key)),
    ),
    _given("openai-chat", "azure client", _by_azure),
    _way(
        "bedrock-converse",
        "aws secret",
        lambda base, key: _aws_keyed(aws_secret_access_key=key, endpoint_url=base),
    ),
    _way(
        "bedrock-converse",
        "aws session token",
        lambda base, key: _aws_keyed(aws_session_token=key, endpoint_url=base),
    ),
    _way(
        "bedrock-converse",
        "AWS_SECRET_ACCESS_KEY",
        lambda base, _: _aws(endpoint_url=base),
        AWS_ACCESS_KEY_ID="AKIDEXAMPLE",
        AWS_SECRET_ACCESS_KEY="{secret}",
    ),
    _way(
        "bedrock-converse",
        "AWS_SESSION_TOKEN",
        lambda base, _: _aws(endpoint_url=base),
        AWS_ACCESS_KEY_ID="AKIDEXAMPLE",
        AWS_SECRET_ACCESS_KEY="s",
        AWS_SESSION_TOKEN="{secret}",
    ),
    _way(
        "bedrock-converse",
        "AWS_BEARER_TOKEN_BEDROCK",
        lambda base, _: _aws(endpoint_url=base),
        AWS_BEARER_TOKEN_BEDROCK="{secret}",
    ),
    _way(
        "bedrock-converse",
        "aws user",
        lambda base, key: _aws_keyed(endpoint_url=with_user(base, key)),
    ),
    _given("bedrock-converse", "boto3 session", _session),
    _way("gemini", "google api_key", lambda base, key: _gemini(api_key=key, base_url=base)),
    _way("gemini", "GEMINI_API_KEY", lambda base, _: _gemini(base_url=base), GEMINI_API_KEY="{secret}"),
    _way("gemini", "GOOGLE_API_KEY", lambda base, _: _gemini(base_url=base), GOOGLE_API_KEY="{secret}"),
    _way("gemini", "google user", lambda base, key: _gemini(api_key="k", base_url=with_user(base, key))),
    _way("gemini", "google query", lambda base, key: _gemini(api_key="k", base_url=with_query(base, key))),
    _way("gemini", "vertex token", lambda base, key: _vertex(credentials=_token(key), base_url=base)),
    _way("gemini", "vertex refresh token", lambda base, key: _vertex(credentials=_revoked(key), base_url=base)),
    _given(
        "gemini",
        "gemini client",
        lambda base, key, stack: _by_google(genai.Client(api_key=key, http_options=HttpOptions(base_url=base)), stack),
    ),
    _given("gemini", "vertex client", _by_vertex),
)
