"""What must hold after every world, whatever happened in it."""

from __future__ import annotations

from math import inf
from typing import Final, get_args

from punk.core.effects import Abandon, RequestTurn, RunTools, StartBackoff
from punk.core.events import (
    CallSealed,
    CancelRequested,
    ProviderEvent,
    RetryScheduled,
    TimerFired,
    TurnRequested,
)
from punk.core.failures import TimedOut, retry_after
from punk.core.messages import ToolResultMessage
from punk.core.state import AwaitingApproval, Cancelled, Completed, Failed, Waiting, history
from punk.core.tool_events import ToolStarted
from punk.interpreter.runtime import TERMINAL
from punk.testing.call_laws import check_calls_that_run, check_starts
from punk.testing.laws import check_cancel, check_history, check_nothing_is_lost
from punk.testing.retry_laws import check_retries
from tests.simulator.callers_laws import CALLERS_LAWS
from tests.simulator.life import EPSILON, Life
from tests.simulator.provider import DRAIN


def check(life: Life) -> list[str]:
    """What is wrong with `life`."""
    if life.first is None or any("nothing can happen" in fault or "spinning" in fault for fault in life.faults):
        if life.first is None and life.world.body.kind != "fold" and all(model.streams for model in life.world.models):
            life.blame("no run began")
        return life.faults
    for law in _LAWS:
        try:
            law(life)
        except AssertionError as error:
            life.faults.append(f"{law.__name__}: {error}")
    return life.faults


def _steps(life: Life) -> None:
    """Laws 3, 4 and 9: one state after the other, terminals absorb, the log grows at its end, one Abandon at most."""
    assert life.first is not None
    last, effects = life.first
    abandons = 0
    check_calls_that_run(last, effects)
    middle = life.world.seed % (len(life.steps) + 1)
    for index, (_, before, event, after, effects) in enumerate(life.steps):
        assert before is last, f"{event!r} was applied to another state than the last"
        last = after
        grown = after.log.size - before.log.size
        if isinstance(before, TERMINAL):
            same = effects == () and grown == 0 and type(after) is type(before)
            assert same, f"{event!r} changed a terminal state"
            assert after.run.messages is before.run.messages, f"{event!r} changed the messages of a terminal state"
            ringing = isinstance(event, TimerFired) and event.timer in ("total", "backoff")
            late = ringing or isinstance(event, CancelRequested)
            assert not late, f"{event!r} came when all was over"
        if after.run.late is before.run.late:
            applied = grown > 0 and after.log[before.log.size] is event
            assert applied, f"{event!r} was neither applied nor put aside"
        for effect in effects:
            if isinstance(effect, Abandon):
                abandons += 1
            elif isinstance(effect, RunTools):
                check_calls_that_run(after, effects)
        if index == middle:
            check_cancel(after)
    assert life.state is last
    assert isinstance(last, TERMINAL), f"the run was left in {type(last).__name__}"
    assert abandons <= 1, f"{abandons} times Abandon"
    assert abandons == 1 or not isinstance(last, Cancelled)
    assert abandons == 0 or not isinstance(last, Completed | AwaitingApproval)


def _laws(life: Life) -> None:
    """Laws 6, 11, 14, 19, those of starts and of retries."""
    state = life.state
    check_nothing_is_lost(state)
    check_history(state)
    check_starts(state)
    check_retries(state)


def _effects(life: Life) -> None:
    """Law 17: every effect was performed and answered, as long as the run wanted it."""
    assert life.first is not None
    asked = [effect for _, _, _, _, effects in life.steps for effect in effects]
    turns = [effect for effect in (*life.first[1], *asked) if isinstance(effect, RequestTurn)]
    noted = [entry for entry in life.state.log if isinstance(entry, TurnRequested)]
    assert len(turns) == len(noted), f"{len(turns)} turns requested, {len(noted)} noted"
    again = life.world.body.kind == "fold"
    opened = [asked for asked in life.asked if not (again and asked.refused_stream)]
    # The last of them may have been left before it was made.
    assert len(opened) in (len(turns), len(turns) - 1), f"{len(turns)} turns requested, {len(opened)} made"
    for turn, made in zip(turns, opened, strict=False):
        assert (made.turn.round, made.turn.model) == (turn.round, turn.model), f"{made} for {turn}"
        assert made.turn.messages == turn.messages, f"{made} for {turn}"
    if isinstance(life.state, Completed | AwaitingApproval):
        assert len(opened) == len(turns), "the run completed, and one of its turns was not requested"
    for made in life.asked:
        assert made.closes == (1 if made.opened else 0), f"an answer was closed {made.closes} times"
        # Who leaves does not wait for a slow close that was under way.
        broken_off = made.answer.close > 0 and isinstance(life.state, Cancelled | Failed)
        assert not made.opened or made.closed_at is not None or broken_off, "an answer was not closed to the end"


def _tools(life: Life) -> None:
    """No tool ran twice or unsealed, and none ran of those that the model is told were not run."""
    log = life.state.log
    started = [entry.call_id for entry in log if isinstance(entry, ToolStarted)]
    rounds: dict[str, int] = {}
    for entry in log:
        if isinstance(entry, CallSealed):
            rounds[entry.call.id] = rounds.get(entry.call.id, 0) + 1
    for id_, count in life.runs.items():
        sealed = rounds.get(id_, 0)
        assert count <= min(sealed, started.count(id_)), f"{id_} ran {count} times, sealed {sealed} times"
    results = [message for message in history(life.state) if isinstance(message, ToolResultMessage)]
    unrun = [result.call_id for result in results if result.content.startswith("Not run")]
    for id_ in unrun:
        assert id_ == "same" or id_ not in life.runs, f"{id_} ran, and the model is told that it did not"


def _clocks(life: Life) -> None:
    """A clock rings when its time has come, and neither before nor after."""
    end = life.began_at + life.total
    over = inf
    noted: tuple[float, float] | None = None
    rang = [asked.rang for asked in life.asked if asked.rang is not None]
    folded: list[str] = []
    for now, before, event, after, effects in life.steps:
        if isinstance(before, TERMINAL):
            continue
        assert now <= end + EPSILON, f"the run went on at {now:g}, and its clock ran out at {end:g}"
        if isinstance(event, TimerFired):
            match event.timer:
                case "total":
                    assert abs(now - end) < EPSILON, f"the total clock rang at {now:g} instead of {end:g}"
                case "backoff":
                    assert noted is not None
                    when, seconds = noted
                    closed = max(
                        (at for asked in life.asked if (at := asked.closed_at) is not None and at <= now), default=0.0
                    )
                    # The wait begins once what was left of the answer was read and its connection closed.
                    due = max(when, closed) + seconds
                    assert when + seconds - EPSILON <= now <= due + DRAIN + EPSILON, f"waited till {now:g}, not {due:g}"
                case clock:
                    folded.append(clock)
        for effect in effects:
            if isinstance(effect, StartBackoff):
                assert isinstance(after, Waiting)
                scheduled = after.log[after.log.size - 1]
                assert isinstance(scheduled, RetryScheduled)
                assert scheduled.seconds == effect.seconds
                wanted = retry_after(scheduled.failure)
                assert wanted is None or effect.seconds >= wanted, "came back before the provider asked for that"
                noted = (now, effect.seconds)
        if isinstance(after, TERMINAL):
            over = now
    assert folded == rang[: len(folded)], f"{folded} were folded, and {rang} rang"
    if life.first is not None and isinstance(life.first[0], TERMINAL):
        over = life.began_at
    assert over <= end + EPSILON
    state = life.state
    failure = state.failure if isinstance(state, Failed) else None
    if isinstance(failure, TimedOut) and failure.clock == "total":
        assert abs(over - end) < EPSILON, f"out of time at {over:g} instead of {end:g}"
        came = sum(count for at, count in life.came if at < over - EPSILON)
        taken = sum(isinstance(event, PROVIDER) for _, before, event, _, _ in life.steps if before.log is not state.log)
        assert taken >= came, f"{came} events had come before the run was out of time, and {taken} were taken"


PROVIDER: Final = get_args(ProviderEvent)
_LAWS: Final = (_steps, _laws, _effects, _tools, _clocks, *CALLERS_LAWS)
