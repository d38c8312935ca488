"""What a caller may say about one run, and its bounds checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypedDict, final

from punk.core.bounds import check_count
from punk.core.request import MAX_ROUNDS
from punk.core.retry import RetryPolicy
from punk.core.timeouts import Timeouts
from punk.errors import ConfigurationError
from punk.llm.models.base import Model, check_model
from punk.llm.models.settings_check import check_patience
from punk.tools.approval import Approve


class RunOptions(TypedDict, total=False):
    """The keyword arguments of `complete_stream`, `complete_async` and `complete`.

    `execute_tools` (true): whether the calls of the model are run; else the final chat ends in them. `max_rounds` (32):
    how many requests may be made. `max_tool_calls` (None): how many calls may be run. `max_total_tokens` (None): once
    so many were reported, no more is asked. Passing one of these is a `StreamingError` with the partial.

    `max_concurrent_tools` (None): how many tools run at once, others wait. None is no bound.

    `timeouts`: how long is waited for what, see `punk.llm.timeouts.Timeouts`; what is not said here is as the chat or
    the model says. `retry`: how often a turn is asked for again that failed before anything of it was seen, see
    `punk.llm.retry.RetryPolicy`; None is as the model says, or else three attempts. `fallback` (none): the models that
    are asked next, one after the other, where all attempts of the one before failed so; the one that answers goes on
    to the end of the run.

    `approve` (None): who is asked about calls of tools that require approval, see `punk.llm.tools.Approve`. Without it,
    the run ends where such a call is all that is left to do: `await stream.chat` raises `StreamIncompleteError`, and
    its `partial_chat` goes on once the calls were approved or denied.
    """

    execute_tools: bool
    max_rounds: int
    max_tool_calls: int | None
    max_total_tokens: int | None
    max_concurrent_tools: int | None
    timeouts: Timeouts
    retry: RetryPolicy | None
    fallback: Sequence[Model]
    approve: Approve | None


def over(options: RunOptions, others: RunOptions) -> RunOptions:
    """`options`, and those of `others` that are not said there; of the timeouts, clock by clock."""
    merged = RunOptions(**{**others, **options})
    if "timeouts" in options and "timeouts" in others and isinstance(options["timeouts"], Timeouts):
        merged["timeouts"] = options["timeouts"].over(others["timeouts"])
    if "fallback" in merged:
        merged["fallback"] = _models(merged["fallback"])
    return merged


def _models(fallback: object) -> tuple[Model, ...]:
    """The models, kept: an iterator gives them once."""
    if not isinstance(fallback, Iterable) or isinstance(fallback, str):
        raise ConfigurationError(f"fallback is a list of models, not {fallback!r:.40}")
    return tuple(map(check_model, fallback))


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
    timeouts: Timeouts = Timeouts()
    retry: RetryPolicy | None = None
    fallback: Sequence[Model] = ()
    approve: Approve | None = None

    def __post_init__(self) -> None:
        check_count("max_rounds", self.max_rounds)
        for name in _COUNTS:
            if (count := getattr(self, name)) is not None:
                check_count(name, count)
        if not isinstance(self.timeouts, Timeouts):
            raise ConfigurationError(f"timeouts are Timeouts(...), not {self.timeouts!r:.40}")
        check_patience(None, self.retry)
        if self.approve is not None and (isinstance(self.approve, type) or not callable(self.approve)):
            raise ConfigurationError(f"approve is a function of a call, not {self.approve!r:.60}")
