"""What somebody who is asked about a call answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias, final

from punk.core.parts import ToolCall


@final
@dataclass(frozen=True, slots=True)
class Denied:
    """The call is not to run; the model is told the `reason`."""

    reason: str = ""


Verdict: TypeAlias = bool | Denied
"""Whether a call may run; false is `Denied()`."""

Approve: TypeAlias = Callable[[ToolCall], Verdict | Awaitable[Verdict]]
"""Asks somebody about a call. A plain function is asked in a thread, one call at a time; an async one about all calls
of a turn at once."""
