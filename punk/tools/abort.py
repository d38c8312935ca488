"""Finds a tool's wish to end the stream in what it raised."""

from __future__ import annotations

from punk.errors import ToolExecutionAbortError


def abort_in(error: BaseException) -> ToolExecutionAbortError | None:
    """The abort that `error` is, or that is in the group; None beside an interrupt, which comes first."""
    match error:
        case ToolExecutionAbortError():
            return error
        case BaseExceptionGroup() if error.subgroup((KeyboardInterrupt, SystemExit)) is None:
            return next((abort for inner in error.exceptions if (abort := abort_in(inner)) is not None), None)
        case _:
            return None
