"""What a caller may say about one run, and its bounds checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict, final

from punk.core.request import MAX_ROUNDS
from punk.errors import ConfigurationError


class RunOptions(TypedDict, total=False):
    """The keyword arguments of `complete_stream`, `complete_async` and `complete`.

    `execute_tools` (true): whether the calls of the model are run; else the final chat ends in them. `max_rounds` (32):
    how many requests may be made. `max_concurrent_tools` (None): how many tools run at once. `tool_timeout` (None):
    seconds for each call. None is no bound.
    """

    execute_tools: bool
    max_rounds: int
    max_concurrent_tools: int | None
    tool_timeout: float | None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`RunOptions` with what was not said. Raises `ConfigurationError` for a bound that is not positive."""

    execute_tools: bool = True
    max_rounds: int = MAX_ROUNDS
    max_concurrent_tools: int | None = None
    tool_timeout: float | None = None

    def __post_init__(self) -> None:
        for name in ("max_rounds", "max_concurrent_tools", "tool_timeout"):
            bound = getattr(self, name)
            if bound is not None and bound <= 0:
                raise ConfigurationError(f"{name} is above 0, not {bound}")
