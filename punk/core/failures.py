"""Why a stream failed: a closed union of plain data, with what a caller may ask of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never, final


@final
@dataclass(frozen=True, slots=True)
class ConnectFailed:
    """No connection came about: refused, unknown host, TLS."""

    message: str


@final
@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """The connection broke after it was made."""

    message: str


Clock: TypeAlias = Literal["connect", "first_event", "progress", "tool", "total"]


@final
@dataclass(frozen=True, slots=True)
class TimedOut:
    """A clock ran out; `clock` says which."""

    clock: Clock
    message: str


@final
@dataclass(frozen=True, slots=True)
class HttpStatus:
    """The provider answered with an HTTP error. `retry_after` is in seconds, as it asked."""

    status: int
    message: str
    error_type: str | None = None
    retry_after: float | None = None


@final
@dataclass(frozen=True, slots=True)
class ProviderError:
    """The provider reported an error inside its stream, by its own type and message."""

    message: str
    error_type: str | None = None
    retry_after: float | None = None


@final
@dataclass(frozen=True, slots=True)
class Truncated:
    """The stream ended cleanly, without the event that ends it on its wire."""

    message: str


@final
@dataclass(frozen=True, slots=True)
class Malformed:
    """The bytes are not what the wire allows: not JSON, wrong types, a frame over its limit."""

    message: str


@final
@dataclass(frozen=True, slots=True)
class ProtocolViolation:
    """Events came in an order that cannot be. `by` says who spoke wrongly, `at` after how many logged events."""

    by: Literal["provider", "punk"]
    message: str
    at: int | None = None


@final
@dataclass(frozen=True, slots=True)
class RoundLimit:
    """The run asked for more requests than `limit` allows."""

    limit: int

    @property
    def message(self) -> str:
        """What happened, for a person."""
        return f"the model has come to no end after {self.limit} rounds; raise max_rounds to allow more"


@final
@dataclass(frozen=True, slots=True)
class CallLimit:
    """The model called more tools than `limit` allows in one run."""

    limit: int

    @property
    def message(self) -> str:
        """What happened, for a person."""
        return f"the model has called more than {self.limit} tools; raise max_tool_calls to allow more"


@final
@dataclass(frozen=True, slots=True)
class TokenLimit:
    """The run has taken as many tokens as `limit` allows, and is not at its end."""

    limit: int

    @property
    def message(self) -> str:
        """What happened, for a person."""
        return f"the run has taken {self.limit} tokens or more; raise max_total_tokens to allow more"


@final
@dataclass(frozen=True, slots=True)
class ToolAborted:
    """A tool ended the run on purpose."""

    message: str
    call_id: str


@final
@dataclass(frozen=True, slots=True)
class Unsupported:
    """What was asked cannot be encoded for this provider; found before any request."""

    message: str


@final
@dataclass(frozen=True, slots=True)
class StreamingUnsupported:
    """The model cannot stream."""

    message: str


Failure: TypeAlias = (
    ConnectFailed
    | ConnectionLost
    | TimedOut
    | HttpStatus
    | ProviderError
    | Truncated
    | Malformed
    | ProtocolViolation
    | RoundLimit
    | CallLimit
    | TokenLimit
    | ToolAborted
    | Unsupported
    | StreamingUnsupported
)

_RETRYABLE_STATUS = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
# By the names that the vendors have for them, in lower case. Some gateways put the status that they got in their place,
# and OpenAI what there was too much of.
_RETRYABLE_TYPES = frozenset(
    {
        *"overloaded_error api_error rate_limit_error timeout_error".split(),
        *"rate_limit_exceeded server_error tokens requests".split(),
        *"unavailable resource_exhausted internal deadline_exceeded aborted".split(),
        *"throttlingexception serviceunavailableexception internalserverexception".split(),
        *"modelstreamerrorexception modeltimeoutexception modelnotreadyexception".split(),
        *map(str, _RETRYABLE_STATUS),
    }
)
# Time alone does not help these, whatever their status says.
_LASTING_TYPES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})


def is_retryable(failure: Failure) -> bool:
    """Whether the same request may succeed when it is made again."""
    match failure:
        case ConnectFailed() | ConnectionLost() | Truncated():
            return True
        case TimedOut(clock=clock):
            return clock != "total"
        case HttpStatus(status=status, error_type=error_type):
            return status in _RETRYABLE_STATUS and error_type not in _LASTING_TYPES
        case ProviderError(error_type=error_type):
            return error_type is not None and error_type.lower() in _RETRYABLE_TYPES
        case Malformed() | ProtocolViolation() | ToolAborted() | Unsupported() | StreamingUnsupported():
            return False
        case RoundLimit() | CallLimit() | TokenLimit():
            return False
        case _:
            assert_never(failure)


def retry_after(failure: Failure) -> float | None:
    """Seconds the provider asked to wait, None where it did not say."""
    return failure.retry_after if isinstance(failure, HttpStatus | ProviderError) else None


def http_status(failure: Failure) -> int | None:
    """The HTTP status of the answer, None where the failure is not one."""
    return failure.status if isinstance(failure, HttpStatus) else None
