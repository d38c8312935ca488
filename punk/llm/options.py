"""What a caller may say about one run, and its bounds checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypedDict, final

from punk.core.request import MAX_ROUNDS
from punk.errors import ConfigurationError
from punk.tools.approval import Approve
from punk.tools.bounds import check_count, check_seconds


class RunOptions(TypedDict, total=False):
    """The keyword arguments of `complete_stream`, `complete_async` and `complete`.

    `execute_tools` (true): whether the calls of the model are run; else the final chat ends in them. `max_rounds` (32):
    how many requests may be made. `max_tool_calls` (None): how many calls may be run. `max_total_tokens` (None): once
    so many were reported, no more is asked. Passing one of these is a `StreamingError` with the partial.

    `max_concurrent_tools` (None): how many tools run at once, others wait. `tool_timeout` (None): seconds for each call
    of a tool that has no timeout of its own; passing it is an error result. None is no bound.

    `approve` (None): who is asked about calls of tools that require approval, see `punk.llm.tools.Approve`. Without it,
    the run ends where such a call is all that is left to do: `await stream.chat` raises `StreamIncompleteError`, and
    its `partial_chat` goes on once the calls were approved or denied.
    """

    execute_tools: bool
    max_rounds: int
    max_tool_calls: int | None
    max_total_tokens: int | None
    max_concurrent_tools: int | None
    tool_timeout: float | None
    approve: Approve | None


_COUNTS: Final = ("max_tool_calls", "max_total_tokens", "max_concurrent_tools")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`RunOptions` with what was not said. Raises `ConfigurationError` for what none of them can be."""

    execute_tools: bool = True
    max_rounds: int = MAX_ROUNDS
    max_tool_calls: int | None = None
    max_total_tokens: int | None = None
    max_concurrent_tools: int | None = None
    tool_timeout: float | None = None
    approve: Approve | None = None

    def __post_init__(self) -> None:
        check_count("max_rounds", self.max_rounds)
        for name in _COUNTS:
            if (count := getattr(self, name)) is not None:
                check_count(name, count)
        if self.tool_timeout is not None:
            check_seconds("tool_timeout", self.tool_timeout)
        if self.approve is not None and (isinstance(self.approve, type) or not callable(self.approve)):
            raise ConfigurationError(f"approve is a function of a call, not {self.approve!r:.60}")
