"""What a chat needs of a model."""

from __future__ import annotations

from typing import Protocol

from punk.errors import ConfigurationError
from punk.providers.base import Provider


class Model(Protocol):
    """A model of some vendor with its settings: an immutable value that opens nothing until it is asked."""

    @property
    def name(self) -> str:
        """The vendor and the model, as in `anthropic:claude-sonnet-4-5`."""

    def provider(self) -> Provider:
        """The way to reach it. Raises `ConfigurationError` if something is missing."""


def check_model(model: Model) -> Model:
    """`model`, if it is one. Raises `ConfigurationError`."""
    if isinstance(model, type) or not hasattr(model, "provider"):
        raise ConfigurationError(f"a model is an object such as AnthropicModel(...), not {model!r:.40}")
    return model
