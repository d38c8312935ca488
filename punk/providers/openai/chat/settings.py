"""What one model on the chat-completions wire is asked with, beside the conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, final

from punk.core.json import JsonObject
from punk.core.request import ToolChoice
from punk.core.thinking import ThinkingConfig

FAMILY: Final = "openai-chat"
"""The wire's name: what its `ProviderData` and the origin of its answers carry."""

Flavour: TypeAlias = Literal["openai", "compatible"]
"""How the server is spoken to: as OpenAI (and Azure) wants it, or as the other servers of this wire do."""


@final
@dataclass(frozen=True, slots=True)
class ChatSettings:
    """One model and how it is asked. None leaves a setting to the server.

    `max_tokens` bounds the answer, thinking included; it is raised where a thinking budget would leave no room. `top_k`
    is known to compatible servers alone. `extra_body` lies over the body's top level: its keys win.
    It may hold keys, and is not shown.
    """

    model: str
    flavour: Flavour = "openai"
    max_tokens: int | None = None
    thinking_config: ThinkingConfig | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: tuple[str, ...] = ()
    seed: int | None = None
    tool_choice: ToolChoice | None = None
    extra_body: JsonObject | None = field(default=None, repr=False)
