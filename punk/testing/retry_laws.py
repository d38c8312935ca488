"""The laws of retries: when a turn may be asked for again, of whom, and after how long."""

from __future__ import annotations

from punk.core.events import (
    CallStarted,
    FallbackTaken,
    LogEntry,
    OpaqueStarted,
    RefusalDelta,
    RetryScheduled,
    TextAnnotated,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TimerFired,
    TurnFailed,
    TurnRequested,
)
from punk.core.failures import Failure, is_retryable, retry_after
from punk.core.state import StreamState
from punk.core.timeouts import timed_out


def check_retries(state: StreamState) -> None:
    """A turn is asked for again only after a failure that says it is retryable, while nothing of it was seen; as often
    as the policy of its model allows, and no sooner than the provider asked for; then of the next model."""
    routes = state.run.request.routes
    entries = list(state.log)
    asked: TurnRequested | None = None
    visible = False
    for index, entry in enumerate(entries):
        before = entries[index - 1] if index else None
        match entry:
            case TurnRequested(round=round, attempt=attempt, model=model):
                match before:
                    case FallbackTaken(model=given):
                        expected = (asked.round if asked else 0, 1, given)
                    case TimerFired(timer="backoff"):
                        expected = (asked.round, asked.attempt + 1, asked.model) if asked else (0, 0, 0)
                    case _:
                        expected = (asked.round + 1 if asked else 1, 1, asked.model if asked else 0)
                _expect((round, attempt, model) == expected, f"{entry!r} was asked for where {expected} is next")
                asked, visible = entry, False
            case RetryScheduled(failure=failure, seconds=seconds):
                policy = routes[_of(asked).model].retry
                _expect(_of(asked).attempt < policy.attempts, f"{entry!r} comes after the last attempt")
                wanted = retry_after(failure) or 0.0
                _expect(
                    wanted <= seconds <= max(wanted, policy.cap) + policy.cap,
                    f"{entry!r} waits too long, or not long enough",
                )
                _expect(wanted <= policy.patience, f"{entry!r} waits longer than patience allows")
                _expect(_may(state, before, failure, visible, _of(asked).model), f"{entry!r} comes after {before!r}")
            case FallbackTaken(failure=failure, model=model):
                _expect(model == _of(asked).model + 1 and model < len(routes), f"{entry!r} is not the next model")
                _expect(_may(state, before, failure, visible, _of(asked).model), f"{entry!r} comes after {before!r}")
            case _:
                visible = visible or _is_visible(entry)


def _may(state: StreamState, before: LogEntry | None, failure: Failure, visible: bool, model: int) -> bool:
    """Whether `failure` is the one that `before` tells of, and lets nobody notice that the turn is asked for again."""
    match before:
        case TurnFailed(failure=told):
            pass
        case TimerFired(timer="connect" | "first_event" | "progress" as clock):
            told = timed_out(clock, state.run.request.routes[model].clocks)
        case _:
            return False
    return told == failure and is_retryable(failure) and not visible


def _is_visible(entry: LogEntry) -> bool:
    match entry:
        case TextDelta(text=text):
            return text != ""
        case ThinkingDelta() | ThinkingSealed() | TextAnnotated() | RefusalDelta() | CallStarted() | OpaqueStarted():
            return True
        case _:
            return False


def _of(asked: TurnRequested | None) -> TurnRequested:
    if asked is None:
        raise AssertionError("a turn is asked for again that never was")
    return asked


def _expect(true: bool, otherwise: str) -> None:
    if not true:
        raise AssertionError(otherwise)
