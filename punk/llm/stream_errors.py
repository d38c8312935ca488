"""Turns a failure, which is plain data, into the exception that tells of it."""

from __future__ import annotations

from typing import assert_never

from punk.core.failures import (
    CallLimit,
    ConnectFailed,
    ConnectionLost,
    Failure,
    HttpStatus,
    Malformed,
    ProtocolViolation,
    ProviderError,
    RoundLimit,
    StreamingUnsupported,
    TimedOut,
    TokenLimit,
    ToolAborted,
    Truncated,
    Unsupported,
)
from punk.core.state import StreamState
from punk.errors import (
    ConfigurationError,
    PunkError,
    StreamingError,
    StreamingNotSupported,
    ToolExecutionAbortError,
)


def error_for(failure: Failure, partial: StreamState, provider: str, cause: BaseException | None) -> PunkError:
    """The exception for `failure`, with the foreign exception behind it as its cause. An abort is the very exception
    that the tool raised."""
    match failure:
        case ToolAborted(message=message):
            return cause if isinstance(cause, ToolExecutionAbortError) else ToolExecutionAbortError(message)
        case StreamingUnsupported(message=message):
            error: PunkError = StreamingNotSupported(message)
        case Unsupported(message=message):
            error = ConfigurationError(message)
        case (
            ConnectFailed(message=message)
            | ConnectionLost(message=message)
            | TimedOut(message=message)
            | HttpStatus(message=message)
            | ProviderError(message=message)
            | Truncated(message=message)
            | Malformed(message=message)
            | ProtocolViolation(message=message)
        ):
            error = StreamingError(message, failure=failure, partial=partial, provider=provider)
        case RoundLimit() | CallLimit() | TokenLimit():
            error = StreamingError(failure.message, failure=failure, partial=partial, provider=provider)
        case _:
            assert_never(failure)
    error.__cause__ = cause
    return error
