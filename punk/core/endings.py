"""How a run ends before its time, and what becomes of an event that nothing awaits."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeAlias

from punk.core.effects import Abandon, Effect
from punk.core.events import CancelRequested, Event, TimerFired
from punk.core.failures import Failure, ProtocolViolation
from punk.core.log import Log
from punk.core.state import Cancelled, Failed, LiveState, Run, StreamState, history
from punk.core.timeouts import timed_out

Step: TypeAlias = tuple[StreamState, tuple[Effect, ...]]

NOTHING: tuple[Effect, ...] = ()


def cancel(state: LiveState, event: CancelRequested) -> Step:
    """The caller leaves."""
    return Cancelled(_settle(state), state.log.append(event)), (Abandon(),)


def fail(state: LiveState, failure: Failure, effects: tuple[Effect, ...]) -> Step:
    """Something went wrong."""
    return Failed(_settle(state), state.log, failure), effects


def violated(state: LiveState, event: Event, by: Literal["provider", "punk"], message: str) -> Step:
    """`event` cannot come here: it is recorded, not applied."""
    run = _settle(state)
    failure = ProtocolViolation(by, message, len(state.log))
    return Failed(replace(run, late=run.late.append(event)), state.log, failure), (Abandon(),)


def _settle(state: LiveState) -> Run:
    """The run with what has arrived of its turn among the messages."""
    return replace(state.run, messages=Log(history(state)), paused=None)


def out_of_time(state: LiveState, event: TimerFired) -> Step:
    """The clock of the whole run ran out, whatever is under way."""
    failure = timed_out("total", state.run.request.routes[0].clocks)
    return fail(replace(state, log=state.log.append(event)), failure, (Abandon(),))


def late(state: StreamState, event: Event) -> Step:
    """`event` is recorded, not applied."""
    return replace(state, run=replace(state.run, late=state.run.late.append(event))), NOTHING
