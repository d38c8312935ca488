"""Checks settings that every vendor's model has (internal), so that a mistake is told where it is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from punk.core.request import OneTool, ToolChoice
from punk.core.retry import RetryPolicy
from punk.core.timeouts import Timeouts
from punk.errors import ConfigurationError


def check_settings(
    model: str,
    max_tokens: int | None,
    temperature: float | None,
    top_p: float | None,
    top_k: int | None = None,
    tool_choice: ToolChoice | None = None,
) -> None:
    """Raise `ConfigurationError` for a setting that no provider could accept."""
    if not model:
        raise ConfigurationError("a model needs a name, as its provider writes it")
    if max_tokens is not None and max_tokens < 1:
        raise ConfigurationError(f"max_tokens is 1 or more, not {max_tokens}")
    if temperature is not None and temperature < 0:
        raise ConfigurationError(f"temperature is 0 or more, not {temperature:g}")
    if top_p is not None and not 0 <= top_p <= 1:
        raise ConfigurationError(f"top_p is between 0 and 1, not {top_p:g}")
    if top_k is not None and top_k < 1:
        raise ConfigurationError(f"top_k is 1 or more, not {top_k}")
    if tool_choice not in (None, "auto", "none", "required") and not isinstance(tool_choice, OneTool):
        raise ConfigurationError(f"tool_choice is auto, none, required or OneTool(name), not {tool_choice!r}")


def check_patience(timeouts: Timeouts | None, retry: RetryPolicy | None) -> None:
    """Raise `ConfigurationError` for what is no `Timeouts` or `RetryPolicy`."""
    if timeouts is not None and not isinstance(timeouts, Timeouts):
        raise ConfigurationError(f"timeouts are Timeouts(...), not {timeouts!r:.40}")
    if retry is not None and not isinstance(retry, RetryPolicy):
        raise ConfigurationError(f"retry is a RetryPolicy(...), not {retry!r:.40}")


def stop_texts(stop_sequences: Sequence[str]) -> tuple[str, ...]:
    """The texts at which an answer stops. Raises `ConfigurationError` for one text instead of several: it would be
    taken for its letters."""
    if isinstance(stop_sequences, str):
        raise ConfigurationError(f"stop_sequences are a list of texts: [{stop_sequences[:40]!r}], not one text")
    texts = tuple(stop_sequences)
    if not all(texts):
        raise ConfigurationError("stop_sequences are texts of one letter or more")
    return texts


def check_client(client: object, expected: str, uses: Iterable[str], beside: Mapping[str, object]) -> None:
    """Raise `ConfigurationError` for a client that is not an `expected` one, by the attributes that punk `uses`, or for
    settings `beside` it that it has itself."""
    if client is None:
        return
    if not all(hasattr(client, name) for name in ("__aenter__", "with_options", "is_closed", *uses)):
        raise ConfigurationError(f"client is an async one, such as {expected}(...), not {type(client).__name__}")
    given = [name for name, value in beside.items() if value is not None]
    if given:
        raise ConfigurationError(f"a client knows its {', '.join(given)}: leave that out, or leave client out")
