"""A function as a tool, with what the function itself cannot say."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, final

from punk.core.bounds import check_count, check_seconds
from punk.errors import ConfigurationError

TOOL_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@final
@dataclass(frozen=True, slots=True)
class Tool:
    """A `function`, sync or async, and how it is offered and run.

    `name` and `description` stand in for those of the function and its docstring. A call may take `timeout` seconds;
    with None, what the run says. `concurrency` is how many calls of it run at once in one run; None is no bound of its
    own. Calls of a tool that `requires_approval` run only once somebody approves them. `idempotent` tells a model whose
    call was interrupted that it may call again. `strict` asks the provider to hold the model to the schema word by
    word, where it can; the arguments are checked in any case. Raises `ConfigurationError` for what is none of these.
    """

    function: Callable[..., object]
    name: str | None = None
    description: str | None = None
    timeout: float | None = None
    concurrency: int | None = None
    requires_approval: bool = False
    idempotent: bool = False
    strict: bool = False

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise ConfigurationError(f"a tool must be callable, and {self.function!r:.60} is not")
        if not (self.name is None or _is_name(self.name)):
            raise ConfigurationError(
                f"{self.name!r:.80} can't be the name of a tool: it is 1 to 64 ASCII letters, digits, _ and -"
            )
        if self.timeout is not None:
            check_seconds("a tool's timeout", self.timeout)
        if self.concurrency is not None:
            check_count("a tool's concurrency", self.concurrency)


def _is_name(name: object) -> bool:
    return isinstance(name, str) and TOOL_NAME.fullmatch(name) is not None


AsTool: TypeAlias = Callable[..., object] | Tool
"""What a tool is given as."""
