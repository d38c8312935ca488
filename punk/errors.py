"""The exceptions of punk.

    PunkError
      ConfigurationError        found before any request: no model, a missing extra, what a model cannot do
      StreamingError            the stream failed: connection, timeout, provider, protocol, a stream cut short
      StreamIncompleteError     the final chat was asked for, but our side left early (in punk.llm, for it holds a chat)
      ToolExecutionAbortError   raised by a tool to end the stream at once
      StreamingNotSupported     the model cannot stream; use `complete()`
      InvalidOutputError        a structured answer was asked for, and the answer is none

None derives from another but `PunkError`. Every one has a `message` that is never empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from punk.core.failures import Failure, http_status, is_retryable, retry_after

if TYPE_CHECKING:  # states hold requests, whose parts raise errors of this file
    from punk.core.state import StreamState


class PunkError(Exception):
    """The base of all errors of punk. `message` says what happened and, where it can, what to do."""

    message: str

    def __new__(cls, *args: object, **kwargs: object) -> Self:
        # Here, for a subclass of a user's may forget to call `__init__`.
        error = super().__new__(cls, *args)
        error.message = str(args[0]) if args and str(args[0]) else cls.__name__
        return error

    def __init__(self, message: str) -> None:
        self.message = message or type(self).__name__
        super().__init__(self.message)


class ConfigurationError(PunkError):
    """Something is missing or cannot be done; found before any request was made."""


class StreamingError(PunkError):
    """The stream failed, or was used in a state that does not allow it.

    `failure` is the cause as one of a closed union, None where no request was the cause (a stream used before it was
    entered); `partial` the state with all that had arrived; `provider` the wire family. A vendor's exception is the
    `__cause__`.
    """

    failure: Failure | None
    partial: StreamState | None
    provider: str | None

    def __init__(
        self,
        message: str,
        *,
        failure: Failure | None = None,
        partial: StreamState | None = None,
        provider: str | None = None,
    ) -> None:
        super().__init__(message)
        self.failure = failure
        self.partial = partial
        self.provider = provider

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed when it is made again."""
        return self.failure is not None and is_retryable(self.failure)

    @property
    def retry_after(self) -> float | None:
        """Seconds the provider asked to wait, None where it did not say."""
        return None if self.failure is None else retry_after(self.failure)

    @property
    def status(self) -> int | None:
        """The HTTP status of the provider's answer, None where the failure is not one."""
        return None if self.failure is None else http_status(self.failure)


class ToolExecutionAbortError(PunkError):
    """Raise it in a tool, or in `approve`, to end the stream at once; it leaves the `async with` block as itself. An
    `approve` that fails is one, too: what nobody decided must not run."""


class StreamingNotSupported(PunkError):  # the documented name
    """The model cannot stream. `chat.complete()` makes one request for the whole answer instead."""


class InvalidOutputError(PunkError):
    """The answer is not of the type that was asked for. `content` is its text."""

    content: str

    def __init__(self, message: str, *, content: str = "") -> None:
        super().__init__(message)
        self.content = content
