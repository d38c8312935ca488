"""What a caller chooses about a Messages model, beside the conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, final

from punk.core.json import JsonObject
from punk.core.request import ToolChoice
from punk.core.thinking import ThinkingConfig

DEFAULT_MAX_TOKENS: Final = 16_384
"""The wire wants a bound. All models in service can write this much."""


@final
@dataclass(frozen=True, slots=True)
class AnthropicSettings:
    """The model and how it answers; None leaves the choice to the provider.

    `max_tokens` bounds an answer, its thinking included; it is raised where a thinking budget would leave no room.
    `seed` is there to be refused: the wire has no word for it. `extra_body` is set over the fields of every request, so
    it can add what punk does not know; its `output_config` field by field.
    It may hold keys, and is not shown.
    """

    model: str
    max_tokens: int = DEFAULT_MAX_TOKENS
    thinking_config: ThinkingConfig | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: tuple[str, ...] = ()
    seed: int | None = None
    tool_choice: ToolChoice | None = None
    extra_body: JsonObject | None = field(default=None, repr=False)
