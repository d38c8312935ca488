"""What a caller chooses about a Converse model, beside the conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

from punk.core.json import JsonObject
from punk.core.request import ToolChoice
from punk.core.thinking import ThinkingConfig


@final
@dataclass(frozen=True, slots=True)
class BedrockSettings:
    """The model and how it answers; None leaves the choice to the provider.

    `max_tokens` bounds an answer, its thinking included; it is raised where a thinking budget would leave no room.
    `extra_body` is laid over the fields of every request; what is an object in both is laid over member by member, and
    tools (Nova's system tools, say) are added to the others.
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
