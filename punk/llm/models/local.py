"""The embedded model: a small instruct model that runs in this process, with no key and no network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, final

from returns.result import Failure, Result

from punk.core.effects import RequestTurn
from punk.core.failures import Unsupported
from punk.core.json import JsonObject
from punk.core.request import ToolChoice
from punk.core.retry import RetryPolicy
from punk.core.timeouts import Timeouts
from punk.errors import ConfigurationError
from punk.llm.models.settings_check import check_patience, check_settings, stop_texts
from punk.providers.base import Body, Delivery, Provider
from punk.providers.encoding import MediaRules, refused_part
from punk.providers.local.runtime import EngineSettings
from punk.providers.local.transport import LocalTransport
from punk.providers.local.weights import WeightsMissing, find_weights
from punk.providers.openai.chat.decode import PayloadDecoder, decode_whole
from punk.providers.openai.chat.encode import encode
from punk.providers.openai.chat.settings import FAMILY, ChatSettings
from punk.providers.results import told_results

__all__ = ["LocalModel"]


@final
@dataclass(frozen=True, slots=True, init=False)
class LocalModel:
    """A model that runs in this process, from a GGUF file.

    `path` names the file; None stands for `PUNK_LOCAL_MODEL`, or else the small demo model that `punk local install`
    fetches. `context_tokens` is what prompt and answer may have together. One file is loaded once a process, and
    answers one request at a time; others queue. `timeouts` and `retry` hold where neither a chat nor a call says
    otherwise. Raises `ConfigurationError` for settings that cannot be; a missing file or extra is told on entering a
    stream. Nothing is ever downloaded.
    """

    path: Path | None
    context_tokens: int
    settings: ChatSettings
    timeouts: Timeouts
    retry: RetryPolicy | None

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        context_tokens: int = 4096,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        stop_sequences: Sequence[str] = (),
        seed: int | None = None,
        tool_choice: ToolChoice | None = None,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        extra_body: JsonObject | None = None,
    ) -> None:
        check_settings("local", max_tokens, temperature, top_p, top_k, tool_choice)
        if context_tokens < 1:
            raise ConfigurationError(f"context_tokens is 1 or more, not {context_tokens}")
        object.__setattr__(self, "path", None if path is None else Path(path))
        object.__setattr__(self, "context_tokens", context_tokens)
        check_patience(timeouts, retry)
        settings = ChatSettings(
            "local",
            flavour="compatible",
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            top_k=top_k,
            stop_sequences=stop_texts(stop_sequences),
            seed=seed,
            tool_choice=tool_choice,
            extra_body=extra_body,
        )
        object.__setattr__(self, "settings", settings)
        object.__setattr__(self, "timeouts", timeouts or Timeouts())
        object.__setattr__(self, "retry", retry)

    @property
    def name(self) -> str:
        """`local`, with the file where one was given."""
        return "local" if self.path is None else f"local:{self.path}"

    def provider(self) -> Provider:
        """The way to reach it. Raises `ConfigurationError` that says what to install or to run."""
        weights = find_weights(None if self.path is None else str(self.path), os.environ)
        if isinstance(weights, WeightsMissing):
            raise ConfigurationError(weights.message)
        transport = LocalTransport(EngineSettings(weights.path, self.context_tokens))
        return Provider(
            FAMILY,
            partial(_encode, self.settings),
            PayloadDecoder,
            decode_whole,
            transport,
            timeouts=self.timeouts,
            retry=self.retry,
        )


_WORDS_ALONE: Final = MediaRules("the embedded model", frozenset(), frozenset(), cache_marks=False)


def _encode(settings: ChatSettings, turn: RequestTurn, delivery: Delivery) -> Result[Body, Unsupported]:
    refused = refused_part(turn.messages, _WORDS_ALONE)
    if refused is not None:
        return Failure(refused)
    return encode(settings, replace(turn, messages=told_results(turn.messages, _WORDS_ALONE)), delivery)
