"""What a chat needs of a model."""

from __future__ import annotations

from typing import Protocol

from punk.providers.base import Provider


class Model(Protocol):
    """A model of some vendor with its settings: an immutable value that opens nothing until it is asked."""

    @property
    def name(self) -> str:
        """The vendor and the model, as in `anthropic:claude-sonnet-4-5`."""

    def provider(self) -> Provider:
        """The way to reach it. Raises `ConfigurationError` if something is missing."""
