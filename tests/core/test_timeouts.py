"""The clocks of a run: what is said of them where, and how the one around reads goes."""

from __future__ import annotations

from math import inf
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from punk.core.events import (
    CallDelta,
    CallEnded,
    Event,
    Heartbeat,
    RefusalDelta,
    TextDelta,
    ThinkingDelta,
    TimerFired,
    TurnStarted,
    UsageReported,
)
from punk.core.failures import Clock
from punk.core.timeouts import Clocks, Timeouts, Watch, is_progress, timed_out
from punk.core.usage import Usage
from punk.errors import ConfigurationError

CLOCKS = Clocks(first_event=10, progress=4)
SILENCE: tuple[Event, ...] = (
    *(Heartbeat(), UsageReported(Usage(1)), TextDelta(0, ""), ThinkingDelta(0, "")),
    *(RefusalDelta(0, ""), CallDelta(0, "")),
)
SPEECH: tuple[Event, ...] = (
    *(TurnStarted("x"), TextDelta(0, "x"), ThinkingDelta(0, "x"), RefusalDelta(0, "x")),
    *(CallDelta(0, "{"), CallEnded(0)),
)


def test_a_call_goes_before_its_chat_and_that_before_the_model() -> None:
    model = Timeouts(connect=1, first_event=2, total=3)
    chat = Timeouts(first_event=20, tool=30)
    call = Timeouts(total=300)
    said = call.over(chat.over(model))
    assert said == Timeouts(connect=1, first_event=20, tool=30, total=300)
    assert Clocks.of(said) == Clocks(connect=1, first_event=20, progress=600, tool=30, total=300)
    assert Timeouts(total=inf).over(model).total == inf


def test_the_usual_clocks() -> None:
    assert Clocks.of(Timeouts()) == Clocks(connect=10, first_event=600, progress=600, tool=inf, total=inf)


@pytest.mark.parametrize("clock", get_args(Clock))
def test_what_is_no_time(clock: Clock) -> None:
    for wrong in (0, -1, float("nan"), "5", True):
        with pytest.raises(ConfigurationError, match=f"the {clock} timeout is a number of seconds above 0"):
            Timeouts(**{clock: wrong})  # type: ignore[arg-type]  # what the checker forbids
    assert timed_out(clock, Clocks(connect=7, first_event=7, progress=7, tool=7, total=7)).message.endswith("7 s")


def test_only_what_brings_the_answer_further_is_progress() -> None:
    assert [is_progress(event) for event in SILENCE] == [False] * len(SILENCE)
    assert [is_progress(event) for event in SPEECH] == [True] * len(SPEECH)


@given(st.lists(st.tuples(st.floats(0, 3), st.lists(st.sampled_from((*SILENCE, *SPEECH)), max_size=2)), max_size=12))
def test_the_watch_adds_up_reads_since_the_last_progress(reads: list[tuple[float, list[Event]]]) -> None:
    watch = Watch.of(CLOCKS)
    spent, clock = 0.0, "first_event"
    for seconds, events in reads:
        watch = watch.after(seconds, events)
        progress = any(event in SPEECH for event in events)
        spent = 0.0 if progress else spent + seconds
        clock = "progress" if progress else clock
        assert watch.left == pytest.approx((4 if clock == "progress" else 10) - spent)
        assert watch.fired == TimerFired(watch.clock)
        assert watch.clock == clock
