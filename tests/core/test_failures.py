"""What a caller may ask of a failure: whether to try again, when, and what the status was."""

from __future__ import annotations

import pytest

from punk.core.failures import (
    CallLimit,
    ConnectFailed,
    ConnectionLost,
    Failure,
    HttpStatus,
    Malformed,
    ProviderError,
    RoundLimit,
    StreamingUnsupported,
    TimedOut,
    TokenLimit,
    ToolAborted,
    Truncated,
    Unsupported,
    http_status,
    is_retryable,
    retry_after,
)

LOST = ConnectionLost("the line went dead")


@pytest.mark.parametrize(
    ("failure", "retryable"),
    [
        (ConnectFailed("m"), True),
        (ConnectionLost("m"), True),
        (Truncated("m"), True),
        (TimedOut("connect", "m"), True),
        (TimedOut("first_event", "m"), True),
        (TimedOut("progress", "m"), True),
        (TimedOut("total", "m"), False),
        (HttpStatus(429, "m"), True),
        (HttpStatus(429, "m", "insufficient_quota"), False),
        (HttpStatus(529, "m"), True),
        (HttpStatus(400, "m"), False),
        (HttpStatus(401, "m"), False),
        (ProviderError("m", "overloaded_error"), True),
        (ProviderError("m", "throttlingException"), True),
        (ProviderError("m", "UNAVAILABLE"), True),
        (ProviderError("m", "tokens"), True),
        (ProviderError("m", "invalid_request_error"), False),
        (ProviderError("m"), False),
        (Malformed("m"), False),
        (RoundLimit(3), False),
        (CallLimit(3), False),
        (TokenLimit(3), False),
        (ToolAborted("m", "a"), False),
        (Unsupported("m"), False),
        (StreamingUnsupported("m"), False),
    ],
)
def test_what_may_succeed_when_it_is_made_again(failure: Failure, retryable: bool) -> None:
    assert is_retryable(failure) is retryable
    assert failure.message


def test_status_and_delay_are_there_where_the_provider_gave_them() -> None:
    told = HttpStatus(429, "slow down", retry_after=2.5)
    assert (http_status(told), retry_after(told)) == (429, 2.5)
    assert retry_after(ProviderError("m", retry_after=1.0)) == 1.0
    assert (http_status(LOST), retry_after(LOST)) == (None, None)
