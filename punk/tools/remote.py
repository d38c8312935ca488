"""A tool that runs elsewhere: what the model is told of it, and an async function that asks for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias, final

from punk.core.json import JsonObject
from punk.core.parts import UserPart
from punk.core.request import ToolSpec
from punk.tools.context import ToolContext


@final
@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a tool gave for the model to read; `is_error` says that it failed."""

    parts: tuple[UserPart, ...]
    is_error: bool = False


AskTool: TypeAlias = Callable[[JsonObject, ToolContext], Awaitable[ToolAnswer]]
"""Asks for one call, with its arguments; what it raises is an error result."""


@final
@dataclass(frozen=True, slots=True)
class RemoteTool:
    """A tool that is not in this process. `timeout` is the seconds that one call may take, None for no bound of its
    own."""

    spec: ToolSpec
    ask: AskTool = field(compare=False)
    timeout: float | None = None
