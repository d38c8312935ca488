"""How a stream ends before its time: cancelled, aborted, failed or spoken to wrongly, in each state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from punk.core.effects import Abandon, Effect
from punk.core.events import (
    CallDelta,
    CallEnded,
    CallStarted,
    CancelRequested,
    Event,
    Heartbeat,
    TextDelta,
    ThinkingDelta,
    TurnEnded,
    TurnFailed,
    TurnStarted,
    UsageReported,
)
from punk.core.failures import (
    ConnectionLost,
    ToolAborted,
)
from punk.core.history import INTERRUPTED, UNSTARTED
from punk.core.messages import (
    AssistantMessage,
    Finish,
    Message,
    Origin,
    ToolCallMessage,
    ToolResultMessage,
    UserMessage,
)
from punk.core.parts import TextPart, ThinkingPart, ToolCall
from punk.core.provider_data import ProviderData
from punk.core.state import Cancelled, Failed, RunningTools, StreamState, history
from punk.core.step import begin, fold
from punk.core.tool_events import ToolAbortRequested, ToolReturned, ToolStarted
from punk.core.usage import Usage
from tests.core.talk import WITH_TOOLS

DATA = ProviderData.of("anthropic", {})
HI = UserMessage("hi")
TWO_CALLS: tuple[Event, ...] = (
    UsageReported(Usage(5, 5)),
    CallStarted(0, "a", "f"),
    CallEnded(0),
    CallStarted(1, "b", "g"),
    CallEnded(1),
    TurnEnded(Finish("tool_use")),
)
CALLED = ToolCallMessage(
    [ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}")], finish=Finish("tool_use"), usage=Usage(5, 5)
)
LOST = ConnectionLost("the line went dead")


def run(*events: Event) -> tuple[StreamState, tuple[Effect, ...]]:
    return fold(begin(WITH_TOOLS)[0], events)


# While a turn is under way.

HALF: tuple[Event, ...] = (
    TurnStarted("anthropic", "m", "r"),
    UsageReported(Usage(7, 1)),
    ThinkingDelta(0, "why"),
    TextDelta(1, "Hel"),
    CallStarted(2, "a", "f"),
    CallDelta(2, '{"amount": 1'),
)
HALF_SAID = AssistantMessage(
    [ThinkingPart("why"), TextPart("Hel")],
    usage=Usage(7, 1, lower_bound=True),
    origin=Origin("anthropic", "m", "r"),
    unrun_calls=[ToolCall("a", "f", '{"amount": 1')],
)


def test_cancelling_a_turn_keeps_what_has_arrived() -> None:
    state, effects = run(*HALF, CancelRequested())
    assert isinstance(state, Cancelled)
    assert effects == (Abandon(),)
    assert history(state) == (HI, HALF_SAID)
    assert state.log[len(state.log) - 1] == CancelRequested()


def test_the_partial_of_a_live_turn_is_the_same() -> None:
    assert history(run(*HALF)[0]) == (HI, HALF_SAID)


def test_a_turn_that_fails_keeps_what_has_arrived_and_has_nothing_to_let_go() -> None:
    state, effects = run(*HALF, TurnFailed(LOST))
    assert isinstance(state, Failed)
    assert (state.failure, effects) == (LOST, ())
    assert history(state) == (HI, HALF_SAID)
    assert state.log[len(state.log) - 1] == TurnFailed(LOST)


@pytest.mark.parametrize("end", [CancelRequested(), TurnFailed(LOST)])
def test_a_turn_without_a_word_leaves_no_message(end: Event) -> None:
    assert history(run(TurnStarted("x"), end)[0]) == (HI,)


def test_a_turn_that_reported_no_usage_says_that_it_may_have_used_some() -> None:
    partial = history(run(TextDelta(0, "x"), CancelRequested())[0])[-1]
    assert isinstance(partial, AssistantMessage)
    assert partial.usage == Usage(lower_bound=True)


# While tools run.


def test_cancelling_tools_answers_every_call() -> None:
    state, effects = run(*TWO_CALLS, ToolStarted("a"), ToolReturned("b", "done"), CancelRequested())
    assert isinstance(state, Cancelled)
    assert effects[-1:] == (Abandon(),)
    results = (ToolResultMessage("a", "f", INTERRUPTED, is_error=True), ToolResultMessage("b", "g", "done"))
    assert history(state) == (HI, CALLED, *results)


def test_the_partial_of_running_tools_is_valid_too() -> None:
    results = (
        ToolResultMessage("a", "f", UNSTARTED, is_error=True),
        ToolResultMessage("b", "g", INTERRUPTED, is_error=True),
    )
    assert history(run(*TWO_CALLS, ToolStarted("b"))[0]) == (HI, CALLED, *results)


def test_usage_of_finished_turns_is_exact_after_a_cancel() -> None:
    state, _ = run(*TWO_CALLS, CancelRequested())
    assert [m.usage for m in history(state) if isinstance(m, ToolCallMessage)] == [Usage(5, 5)]


def test_an_abort_ends_the_stream_and_lets_its_siblings_go() -> None:
    state, effects = run(*TWO_CALLS, ToolStarted("b"), ToolAbortRequested("b", "Dangerous action blocked"))
    assert isinstance(state, Failed)
    assert state.failure == ToolAborted("Dangerous action blocked", "b")
    assert effects[-1:] == (Abandon(),)
    assert [m.content for m in history(state)[2:]] == [UNSTARTED, INTERRUPTED]
    assert state.log[len(state.log) - 1] == ToolAbortRequested("b", "Dangerous action blocked")


def test_cancelling_after_rounds_keeps_all_of_them() -> None:
    happened = [*TWO_CALLS, ToolReturned("a", "1"), ToolReturned("b", "2"), TextDelta(0, "so"), CancelRequested()]
    state, _ = run(*happened)
    said: list[Message] = [HI, CALLED, ToolResultMessage("a", "f", "1"), ToolResultMessage("b", "g", "2")]
    assert history(state) == (*said, AssistantMessage("so", usage=Usage(lower_bound=True)))


@pytest.mark.parametrize("late", [TextDelta(0, "LATE"), TurnEnded(Finish("stop")), TurnFailed(LOST), Heartbeat()])
def test_a_provider_that_speaks_after_its_turn_is_not_heard(late: Event) -> None:
    before, _ = run(*TWO_CALLS)
    state, effects = fold(before, [late])
    assert (isinstance(state, RunningTools), effects) == (True, ())
    assert tuple(state.run.late) == (late,)
    assert (state.log, history(state)) == (before.log, history(before))
    state, _ = fold(state, [ToolReturned("a", "1"), ToolReturned("b", "2")])
    assert tuple(state.run.late) == (late,)


# After the end.

ENDS: dict[str, tuple[Event, ...]] = {
    "Completed": (TextDelta(0, "x"), TurnEnded(Finish("stop"))),
    "Cancelled": (TextDelta(0, "x"), CancelRequested()),
    "Failed": (TextDelta(0, "x"), TurnFailed(LOST)),
}


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize(
    "late",
    [TextDelta(0, "LATE"), TurnEnded(Finish("stop")), TurnFailed(LOST), CancelRequested(), ToolReturned("a", "r")],
    ids=lambda event: type(event).__name__,
)
def test_what_comes_after_an_end_is_recorded_and_never_applied(name: str, late: Event) -> None:
    end, _ = run(*ENDS[name])
    state, effects = fold(end, [late, late])
    assert (type(state).__name__, effects) == (name, ())
    assert tuple(state.run.late) == (late, late)
    assert replace(state, run=end.run) == end
