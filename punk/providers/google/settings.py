"""What a caller chooses about a Gemini model, beside the conversation."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, final

from punk.core.json import JsonObject
from punk.core.request import ToolChoice
from punk.core.thinking import ThinkingConfig

Service: TypeAlias = Literal["gemini", "vertex"]
"""Who is asked: the Gemini API, which wants a key, or Vertex, where models belong to a project of Google Cloud."""

# `gemini-2.5-flash-preview-05-20` is a 2.5, `gemini-3-pro-preview` a 3.0.
_VERSION: Final = re.compile(r"gemini-(\d{1,2})(?:\.(\d{1,2}))?(?![\d.])")


@final
@dataclass(frozen=True, slots=True)
class GoogleSettings:
    """The model and how it answers; None leaves the choice to the provider.

    `max_tokens` bounds an answer, its thinking included; it is raised where a thinking budget would leave no room.
    `extra_body` is set over the fields of every request, and over those of its `generationConfig` one by one.
    It may hold keys, and is not shown.
    """

    model: str
    service: Service = "gemini"
    max_tokens: int | None = None
    thinking_config: ThinkingConfig | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: tuple[str, ...] = ()
    seed: int | None = None
    tool_choice: ToolChoice | None = None
    extra_body: JsonObject | None = field(default=None, repr=False)


def version_of(model: str) -> tuple[int, int] | None:
    """The version of a Gemini by its name, None where the name says none (aliases, tuned models)."""
    found = _VERSION.search(model.lower())
    return (int(found[1]), int(found[2] or 0)) if found else None


def since(model: str, version: tuple[int, int]) -> bool:
    """Whether `model` is of `version` or later. One whose name has no number is a recent one."""
    known = version_of(model)
    return known is None or known >= version
