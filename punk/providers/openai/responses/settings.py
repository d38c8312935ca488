"""What one model on the Responses wire is asked with, beside the conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, final

from punk.core.json import JsonObject
from punk.core.request import ToolChoice
from punk.core.thinking import ThinkingConfig

FAMILY: Final = "openai-responses"
"""The wire's name: what its `ProviderData` and the origin of its answers carry."""


@final
@dataclass(frozen=True, slots=True)
class ResponsesSettings:
    """One model and how it is asked. None leaves a setting to the server.

    `max_tokens` bounds the answer, reasoning included; it is raised where a thinking budget would leave no room.
    `top_k`, `seed` and `stop_sequences` are there to be refused: the wire has no word for them. `extra_body` lies over
    the body's top level: its keys win.
    It may hold keys, and is not shown.
    """

    model: str
    max_tokens: int | None = None
    thinking_config: ThinkingConfig | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: tuple[str, ...] = ()
    seed: int | None = None
    tool_choice: ToolChoice | None = None
    extra_body: JsonObject | None = field(default=None, repr=False)
