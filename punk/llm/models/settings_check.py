"""Checks settings that every vendor's model has (internal), so that a mistake is told where it is made."""

from __future__ import annotations

from punk.errors import ConfigurationError


def check_settings(model: str, max_tokens: int | None, temperature: float | None, top_p: float | None) -> None:
    """Raise `ConfigurationError` for a setting that no provider could accept."""
    if not model:
        raise ConfigurationError("a model needs a name, as its provider writes it")
    if max_tokens is not None and max_tokens < 1:
        raise ConfigurationError(f"max_tokens is 1 or more, not {max_tokens}")
    if temperature is not None and temperature < 0:
        raise ConfigurationError(f"temperature is 0 or more, not {temperature:g}")
    if top_p is not None and not 0 <= top_p <= 1:
        raise ConfigurationError(f"top_p is between 0 and 1, not {top_p:g}")
