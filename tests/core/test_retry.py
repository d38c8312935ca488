"""Turns that are asked for again: when, how often, after how long, and of whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from punk.core.effects import RequestTurn, StartBackoff
from punk.core.events import (
    CallStarted,
    Event,
    FallbackTaken,
    Heartbeat,
    OpaqueStarted,
    RetryScheduled,
    TextDelta,
    ThinkingDelta,
    TimerFired,
    TurnEnded,
    TurnFailed,
    TurnRequested,
    TurnStarted,
    UsageReported,
)
from punk.core.failures import ConnectFailed, ConnectionLost, Failure, HttpStatus, Malformed, TimedOut, Truncated
from punk.core.messages import Finish
from punk.core.request import Request, Route
from punk.core.retry import RetryPolicy, chance
from punk.core.state import Cancelled, Completed, Failed, Streaming, StreamState, Waiting, history
from punk.core.step import begin, fold
from punk.core.timeouts import Clocks
from punk.core.usage import Usage
from punk.errors import ConfigurationError
from punk.testing.laws import check_stream
from tests.core.talk import WITH_TOOLS, WITHOUT_TOOLS, say

GONE = ConnectionLost("gone")
LOST = TurnFailed(GONE)
AGAIN = TimerFired("backoff")
STEADY = RetryPolicy(jitter=0)


def request(*routes: Route) -> Request:
    return replace(WITHOUT_TOOLS, routes=routes or (Route(retry=STEADY),))


def play(asked: Request, *events: Event) -> StreamState:
    return check_stream(asked, events)


def test_a_turn_that_failed_unseen_is_asked_for_again_until_it_answers() -> None:
    state, effects = fold(begin(request())[0], [LOST])
    assert isinstance(state, Waiting)
    assert effects == (StartBackoff(0.5),)
    state, effects = fold(state, [AGAIN])
    assert isinstance(state, Streaming)
    assert [type(effect) for effect in effects] == [RequestTurn]
    state = play(request(), LOST, AGAIN, LOST, AGAIN, TextDelta(0, "Hi"), TurnEnded(Finish("stop")))
    assert isinstance(state, Completed)
    assert state.run.rounds == 1
    notes = [entry for entry in state.log if isinstance(entry, TurnRequested | RetryScheduled)]
    lost = ConnectionLost("gone")
    assert notes == [
        *(TurnRequested(1, 1), RetryScheduled(lost, 0.5), TurnRequested(1, 2)),
        *(RetryScheduled(lost, 1.0), TurnRequested(1, 3)),
    ]


def test_after_the_last_attempt_the_failure_is_that_of_the_run() -> None:
    state = play(request(), LOST, AGAIN, TurnFailed(ConnectFailed("refused")), AGAIN, TurnFailed(Truncated("cut")))
    assert isinstance(state, Failed)
    assert state.failure == Truncated("cut")


@pytest.mark.parametrize(
    "seen",
    [
        TextDelta(0, "x"),
        ThinkingDelta(0, "x"),
        ThinkingDelta(0, ""),
        CallStarted(0, None, "f"),
        OpaqueStarted(0, "k"),
    ],
)
def test_what_was_seen_is_never_asked_for_again(seen: Event) -> None:
    state = play(request(), TurnStarted("x"), seen, LOST)
    assert isinstance(state, Failed)


@pytest.mark.parametrize("unseen", [TurnStarted("x"), Heartbeat(), UsageReported(Usage(1)), TextDelta(0, "")])
def test_what_nobody_can_see_does_not_count(unseen: Event) -> None:
    assert isinstance(play(request(), unseen, LOST), Waiting)


@pytest.mark.parametrize("failure", [HttpStatus(400, "no"), HttpStatus(401, "no"), Malformed("what")])
def test_what_is_not_retryable_ends_the_run(failure: Failure) -> None:
    assert isinstance(play(request(Route(retry=STEADY), Route()), TurnFailed(failure)), Failed)


def test_each_round_has_its_attempts() -> None:
    asked = replace(WITH_TOOLS, routes=(Route(retry=RetryPolicy(attempts=2, jitter=0)),))
    state: StreamState = begin(asked)[0]
    events: list[Event] = []
    for letter in "!bc.sr!b!":
        said = say(state, letter)
        events.extend(said)
        state = fold(state, said)[0]
    state = check_stream(asked, events)
    assert isinstance(state, Failed)
    assert [(e.round, e.attempt) for e in state.log if isinstance(e, TurnRequested)] == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_a_fallback_takes_over_for_the_rest_of_the_run() -> None:
    clocks = [Clocks(first_event=seconds) for seconds in (1.0, 2.0, 3.0)]
    policies = [RetryPolicy(attempts=attempts, jitter=0) for attempts in (1, 2, 1)]
    asked = replace(WITH_TOOLS, routes=tuple(map(Route, clocks, policies)))
    state, effects = fold(begin(asked)[0], [LOST])
    assert effects == (RequestTurn(1, tuple(WITH_TOOLS.messages), WITH_TOOLS.tools, None, 1, clocks[1]),)
    events: list[Event] = [LOST, LOST, AGAIN, *say(state, "c"), *say(state, ".")]
    state = fold(begin(asked)[0], events)[0]
    events += [*say(state, "s"), *say(state, "r"), LOST, AGAIN, LOST, *say(state, "!")]
    state = check_stream(asked, events)
    assert isinstance(state, Failed)
    requested = [(e.round, e.attempt, e.model) for e in state.log if isinstance(e, TurnRequested)]
    assert requested == [(1, 1, 0), (1, 1, 1), (1, 2, 1), (2, 1, 1), (2, 2, 1), (2, 1, 2)]
    assert [e.model for e in state.log if isinstance(e, FallbackTaken)] == [1, 2]


def test_clocks_that_run_out_are_failures_of_the_turn() -> None:
    for clock in ("connect", "first_event", "progress"):
        assert isinstance(play(request(), TimerFired(clock)), Waiting)
        state = play(request(Route()), TimerFired(clock))
        assert isinstance(state, Failed)
        assert isinstance(state.failure, TimedOut)
        assert state.failure.clock == clock


@pytest.mark.parametrize("letters", ["", "x", "c.", "c.s", "!"])
def test_the_clock_of_the_run_ends_it_wherever_it_is(letters: str) -> None:
    asked = replace(WITH_TOOLS, routes=(Route(Clocks(total=7.0), STEADY),))
    state: StreamState = begin(asked)[0]
    events: list[Event] = []
    for letter in letters:
        said = say(state, letter)
        events.extend(said)
        state = fold(state, said)[0]
    state = check_stream(asked, [*events, TimerFired("total")])
    assert isinstance(state, Failed)
    assert state.failure == TimedOut("total", "the run was not over after 7 s")


def test_a_run_can_be_left_while_it_waits() -> None:
    state, _ = fold(begin(request())[0], [LOST])
    after, _ = fold(state, say(state, "k"))
    assert isinstance(after, Cancelled)
    assert history(after) == history(state)


def test_what_stood_before_a_pause_is_kept_through_retries() -> None:
    paused: Sequence[Event] = [TextDelta(0, "so far"), TurnEnded(Finish("pause"))]
    state = play(request(), *paused, LOST)
    assert isinstance(state, Waiting)
    assert history(state)[-1].content == "so far"
    state = play(request(), *paused, LOST, AGAIN, TextDelta(0, ", so good"), TurnEnded(Finish("stop")))
    assert history(state)[-1].content == "so far, so good"


def waits(policy: RetryPolicy, attempts: int, failure: Failure = GONE, odds: float = 0) -> list[float | None]:
    return [policy.wait(attempt, failure, odds) for attempt in range(1, attempts + 1)]


def test_waits_double_up_to_their_cap() -> None:
    assert waits(RetryPolicy(attempts=6), 6) == [0.5, 1, 2, 4, 8, None]
    assert waits(RetryPolicy(attempts=9999, cap=3), 3) == [0.5, 1, 2]
    assert RetryPolicy(attempts=9999, cap=3).wait(5000, ConnectionLost("x"), 0) == 3
    assert waits(RetryPolicy(attempts=1), 1) == [None]


def test_jitter_leaves_out_a_part() -> None:
    assert waits(RetryPolicy(jitter=0.5), 2, odds=1) == [0.25, 0.5]
    assert waits(RetryPolicy(jitter=1), 2, odds=1) == [0, 0]


def test_the_provider_says_when_to_come_back() -> None:
    busy = HttpStatus(429, "busy", None, 5.0)
    assert waits(RetryPolicy(attempts=6, cap=8), 6, busy) == [5, 5, 5, 5, 8, None]
    assert waits(RetryPolicy(attempts=3, patience=4), 1, busy) == [None]
    assert waits(RetryPolicy(attempts=3, patience=5), 1, busy) == [5]


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(0, 3), st.integers(1, 9))
def test_chance_is_between_0_and_1(seed: int, round: int, model: int, attempt: int) -> None:
    assert 0 <= chance(seed, round, model, attempt) <= 1


def test_chance_differs_between_runs_and_attempts() -> None:
    assert len({chance(seed, 1, 0, attempt) for seed in range(20) for attempt in (1, 2)}) == 40


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"attempts": 0}, "attempts of a RetryPolicy is a whole number above 0, not 0"),
        ({"attempts": 2.5}, "attempts of a RetryPolicy is a whole number above 0"),
        ({"base": -1}, "base of a RetryPolicy is a number of 0 or more, not -1"),
        ({"cap": float("nan")}, "cap of a RetryPolicy"),
        ({"patience": float("inf")}, "patience of a RetryPolicy"),
        ({"base": True}, "base of a RetryPolicy"),
        ({"jitter": 1.5}, "jitter of a RetryPolicy is between 0 and 1, not 1.5"),
    ],
)
def test_numbers_that_cannot_be(wrong: dict[str, float], why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        RetryPolicy(**wrong)  # type: ignore[arg-type]  # numbers by name
