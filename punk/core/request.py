"""What a chat asks of a model: the conversation, the tools, and the bounds of the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from punk.core.log import Log
from punk.core.messages import Message

MAX_ROUNDS = 32


@final
@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model sees it. `parameters` is the JSON text of a JSON schema of type object."""

    name: str
    description: str
    parameters: str


@final
@dataclass(frozen=True, slots=True)
class Request:
    """A run: `messages` so far, the `tools` on offer, how many requests it may make (`max_rounds`, at least 1), and
    whether calls are run (`execute_tools`) or handed over unanswered."""

    messages: Log[Message]
    tools: tuple[ToolSpec, ...] = ()
    max_rounds: int = MAX_ROUNDS
    execute_tools: bool = True
