"""What a tool is told of its own call, and through which it says how far it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

from punk.core.json import repair_text
from punk.core.tool_events import ToolProgressed


def _unheard(event: ToolProgressed) -> None:
    """Takes the reports of a context that no run made."""


@final
class ToolContext:
    """The call that a tool answers. A tool that has a parameter with this hint is given it; the model is not told.

    `call_id` and `tool` name the call; both are empty in a context of your own, made for a test: its reports are heard
    by nobody.
    """

    __slots__ = ("_hear", "call_id", "tool")

    def __init__(self, call_id: str = "", tool: str = "", hear: Callable[[ToolProgressed], None] = _unheard) -> None:
        self.call_id: str = call_id
        self.tool: str = tool
        self._hear = hear

    def report(self, message: str | None = None, *, progress: float | None = None, total: float | None = None) -> None:
        """Say how far the tool is: a `message` for a person, `progress` of `total` in units of its own.

        It comes as `ToolProgressed` among `stream.events`; the model never reads it. From any thread; nothing happens
        once the call is over.
        """
        said = None if message is None else repair_text(message)
        self._hear(ToolProgressed(self.call_id, said, progress, total))
