"""Which model a chat without one uses: the one place that knows every vendor's prefix, key and usual model."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

from punk.errors import ConfigurationError
from punk.llm.models.base import Model


@final
@dataclass(frozen=True, slots=True)
class Vendor:
    """One line of the table: `PUNK_MODEL`'s prefix, the variables of which any means that a key is set, the model
    that is used without being named, and how to make one."""

    prefix: str
    keys: tuple[str, ...]
    model: str
    make: Callable[[str], Model]


def _anthropic(model: str) -> Model:
    from punk.llm.models.anthropic import AnthropicModel

    return AnthropicModel(model)


def _openai(model: str) -> Model:
    from punk.llm.models.openai import OpenAiModel

    return OpenAiModel(model)


def _azure(deployment: str) -> Model:
    from punk.llm.models.azure_openai import AzureOpenAiModel

    return AzureOpenAiModel(deployment)


def _bedrock(model: str) -> Model:
    from punk.llm.models.bedrock import BedrockModel

    return BedrockModel(model)


def _google(model: str) -> Model:
    from punk.llm.models.google import GoogleModel

    return GoogleModel(model)


def _local(path: str) -> Model:
    from punk.llm.models.local import LocalModel

    return LocalModel(path=path or None)


# Keys are looked for in this order.
VENDORS: Final = (
    Vendor("anthropic", ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"), "claude-sonnet-5-5", _anthropic),
    Vendor("openai", ("OPENAI_API_KEY",), "gpt-5.5", _openai),
    Vendor("azure", ("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN"), "gpt-5.5", _azure),
    Vendor("google", ("GOOGLE_API_KEY", "GEMINI_API_KEY"), "gemini-3.5-flash", _google),
    Vendor(
        "bedrock",
        ("AWS_BEARER_TOKEN_BEDROCK", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"),
        "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
        _bedrock,
    ),
)
LOCAL: Final = Vendor("local", (), "", _local)


def resolve(model: Model | None) -> Model:
    """`model`, or the one that the environment decides on: `PUNK_MODEL`, a vendor's key, the embedded model.

    Raises `ConfigurationError` that names these ways if none of them leads anywhere.
    """
    if model is not None:
        return model
    named = os.environ.get("PUNK_MODEL", "").strip()
    if named:
        return named_model(named)
    for vendor in VENDORS:
        if any(os.environ.get(key) for key in vendor.keys):
            return vendor.make(vendor.model)
    return LOCAL.make(LOCAL.model)


def named_model(name: str) -> Model:
    """The model that `name` stands for: `local`, `vendor:model`, or `vendor` alone for its usual model.

    Raises `ConfigurationError` for a vendor that punk does not know.
    """
    prefix, _, rest = name.partition(":")
    for vendor in (*VENDORS, LOCAL):
        if vendor.prefix == prefix:
            return vendor.make(rest or vendor.model)
    known = ", ".join(f"{vendor.prefix}:MODEL" for vendor in VENDORS)
    raise ConfigurationError(f"{name!r} names no model; use {known}, or {LOCAL.prefix}")
