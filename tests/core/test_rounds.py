"""What follows a turn: a pause is gone on from, tools are waited for, and the number of rounds is bounded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from punk.core.effects import Effect, RequestTurn, RunTools
from punk.core.events import (
    CallDelta,
    CallEnded,
    CallStarted,
    Event,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TurnEnded,
    TurnStarted,
    UsageReported,
)
from punk.core.failures import CallLimit, RoundLimit, TokenLimit
from punk.core.messages import (
    AssistantMessage,
    Finish,
    Origin,
    ToolCallMessage,
    ToolResultMessage,
    UserMessage,
)
from punk.core.parts import TextPart, ThinkingPart, ToolCall
from punk.core.request import MAX_ROUNDS, Request
from punk.core.state import Completed, Failed, RunningTools, Streaming, StreamState, history
from punk.core.step import begin, fold
from punk.core.tool_events import ToolReturned
from punk.core.usage import Usage
from tests.core.talk import WITH_TOOLS, WITHOUT_TOOLS

HI = UserMessage("hi")
STOP = TurnEnded(Finish("stop"))
PAUSE = TurnEnded(Finish("pause", "pause_turn"))
CALL: tuple[Event, ...] = (CallStarted(0, "a", "f"), CallEnded(0), TurnEnded(Finish("tool_use")))


def run(*events: Event, request: Request = WITH_TOOLS) -> tuple[StreamState, tuple[Effect, ...]]:
    return fold(begin(request)[0], events)


def answer(*events: Event, request: Request = WITH_TOOLS) -> AssistantMessage:
    """The last message of a run that completes."""
    state, _ = run(*events, request=request)
    assert isinstance(state, Completed)
    last = history(state)[-1]
    assert isinstance(last, AssistantMessage)
    return last


# A pause.


def test_a_pause_goes_on_and_becomes_one_message() -> None:
    before: list[Event] = [TurnStarted("anthropic", "m", "r1"), ThinkingDelta(0, "t"), ThinkingSealed(0, "sig")]
    before += [UsageReported(Usage(10, 1)), PAUSE]
    state, effects = run(*before)
    [requested] = effects
    assert isinstance(requested, RequestTurn)
    assert requested.round == 2
    paused = requested.messages[-1]
    assert isinstance(paused, AssistantMessage)
    assert (requested.messages[0], paused.parts) == (HI, (ThinkingPart("t", "sig"),))
    assert paused.finish == Finish("pause", "pause_turn")
    after: list[Event] = [TurnStarted("anthropic", "m", "r2"), TextDelta(0, "x"), UsageReported(Usage(20, 2)), STOP]
    state, effects = fold(state, after)
    assert (isinstance(state, Completed), effects) == (True, ())
    merged = AssistantMessage(
        [ThinkingPart("t", "sig"), TextPart("x")],
        finish=Finish("stop"),
        usage=Usage(30, 3),
        origin=Origin("anthropic", "m", "r2"),
    )
    assert history(state) == (HI, merged)


def test_a_pause_before_calls_becomes_their_message() -> None:
    state, _ = run(TextDelta(0, "x"), PAUSE, *CALL, ToolReturned("a", "r"))
    assert [type(m) for m in history(state)] == [UserMessage, ToolCallMessage, ToolResultMessage]
    called = history(state)[1]
    assert isinstance(called, ToolCallMessage)
    assert called.parts == (TextPart("x"), ToolCall("a", "f", "{}"))
    # What was said before the calls is not said again after them.
    state, _ = fold(state, [TextDelta(0, "y"), STOP])
    assert history(state)[-1].content == "y"


def test_two_pauses_are_one_message_too() -> None:
    said = answer(TextDelta(0, "a"), PAUSE, TextDelta(0, "b"), PAUSE, TextDelta(0, "c"), STOP)
    assert said.parts == (TextPart("a"), TextPart("b"), TextPart("c"))


def test_where_one_half_of_a_pause_reported_no_usage_the_other_counts() -> None:
    assert answer(UsageReported(Usage(1, 2)), PAUSE, STOP).usage == Usage(1, 2)
    assert answer(PAUSE, UsageReported(Usage(1, 2)), STOP).usage == Usage(1, 2)


def test_a_continuation_that_names_no_origin_has_that_of_the_pause() -> None:
    assert answer(TurnStarted("anthropic", "m"), TextDelta(0, "a"), PAUSE, STOP).origin == Origin("anthropic", "m")


def test_a_pause_without_a_word_sends_no_empty_message() -> None:
    _, [requested] = run(PAUSE)
    assert isinstance(requested, RequestTurn)
    assert requested.messages == (HI,)


def test_what_was_said_before_a_pause_is_part_of_the_partial() -> None:
    state, _ = run(TextDelta(0, "a"), UsageReported(Usage(1)), PAUSE, TextDelta(0, "b"))
    partial = history(state)[-1]
    assert isinstance(partial, AssistantMessage)
    assert (partial.content, partial.usage) == ("ab", Usage(1, lower_bound=True))


# The bound of the rounds.


def test_the_last_round_may_answer() -> None:
    state, _ = run(TextDelta(0, "x"), STOP, request=replace(WITH_TOOLS, max_rounds=1))
    assert isinstance(state, Completed)


def test_calls_in_the_last_round_are_not_run_and_say_so() -> None:
    state, effects = run(*CALL, request=replace(WITH_TOOLS, max_rounds=1))
    assert effects == ()
    assert isinstance(state, Failed)
    assert state.failure == RoundLimit(1)
    result = history(state)[-1]
    assert isinstance(result, ToolResultMessage)
    assert (result.call_id, result.is_error) == ("a", True)
    assert result.content == f"Not run: {RoundLimit(1).message}"
    assert "after 1 rounds" in RoundLimit(1).message


def test_rounds_are_counted() -> None:
    state, effects = run(*CALL, ToolReturned("a", "r"), request=replace(WITH_TOOLS, max_rounds=2))
    assert isinstance(state, Streaming)
    assert [effect.round for effect in effects if isinstance(effect, RequestTurn)] == [2]
    state, effects = fold(state, CALL)
    assert isinstance(state, Failed)
    assert WITH_TOOLS.max_rounds == MAX_ROUNDS == 32


def test_more_calls_than_allowed_run_none_of_the_turn() -> None:
    bounded = replace(WITH_TOOLS, max_tool_calls=1)
    state, effects = run(*CALL, ToolReturned("a", "r"), request=bounded)
    assert isinstance(state, Streaming)
    state, effects = fold(state, CALL)
    assert isinstance(state, Failed)
    assert state.failure == CallLimit(1)
    assert not [effect for effect in effects if isinstance(effect, RunTools)]
    result = history(state)[-1]
    assert isinstance(result, ToolResultMessage)
    assert result.content == f"Not run: {CallLimit(1).message}"


def test_calls_that_may_not_run_anyway_do_not_count() -> None:
    unknown = (CallStarted(0, "a", "f"), CallDelta(0, "{"), CallEnded(0), CALL[-1])
    state, _ = run(*unknown, request=replace(WITH_TOOLS, max_tool_calls=1))
    assert isinstance(state, Streaming)
    assert state.run.calls == 0


@pytest.mark.parametrize(("most", "failed"), [(15, True), (16, False)])
def test_no_more_is_asked_or_run_once_the_tokens_are_taken(most: int, failed: bool) -> None:
    usage = UsageReported(Usage(10, 5))
    state, effects = run(*CALL[:-1], usage, CALL[-1], request=replace(WITH_TOOLS, max_total_tokens=most))
    assert isinstance(state, Failed) == failed
    if isinstance(state, Failed):
        assert (state.failure, effects) == (TokenLimit(15), ())
    else:
        assert state.run.tokens == 15


def test_the_tokens_of_all_turns_count_together() -> None:
    turn = (*CALL[:-1], UsageReported(Usage(10, 5)), CALL[-1])
    state, _ = run(*turn, ToolReturned("a", "r"), request=replace(WITH_TOOLS, max_total_tokens=20))
    assert isinstance(state, Streaming)
    state, _ = fold(state, turn)
    assert isinstance(state, Failed)
    assert state.failure == TokenLimit(20)


def test_an_answer_that_takes_the_last_tokens_is_an_answer() -> None:
    usage = UsageReported(Usage(10, 5))
    state, _ = run(TextDelta(0, "x"), usage, TurnEnded(Finish("stop")), request=replace(WITH_TOOLS, max_total_tokens=1))
    assert isinstance(state, Completed)
    assert "15 tokens" in TokenLimit(15).message


def test_the_tokens_before_a_pause_count() -> None:
    usage = UsageReported(Usage(10, 5))
    state, _ = run(TextDelta(0, "x"), usage, PAUSE, request=replace(WITH_TOOLS, max_total_tokens=15))
    assert isinstance(state, Failed)
    assert state.failure == TokenLimit(15)
    assert [m.content for m in history(state)] == ["hi", "x"]


def test_a_pause_in_the_last_round_loses_nothing() -> None:
    state, effects = run(TextDelta(0, "x"), PAUSE, request=replace(WITH_TOOLS, max_rounds=1))
    assert effects == ()
    assert isinstance(state, Failed)
    assert state.failure == RoundLimit(1)
    assert [m.content for m in history(state)] == ["hi", "x"]


def test_a_request_that_may_not_ask_fails_at_once() -> None:
    state, effects = begin(replace(WITHOUT_TOOLS, max_rounds=0))
    assert effects == ()
    assert isinstance(state, Failed)


def test_no_call_is_run_where_its_result_could_not_be_sent() -> None:
    said = WITHOUT_TOOLS.messages.append(ToolCallMessage([ToolCall("1", "f", "{}")]))
    state, effects = begin(replace(WITH_TOOLS, messages=said, max_rounds=0))
    assert effects == ()
    assert isinstance(state, Failed)


def test_each_round_of_tools_adds_its_messages() -> None:
    turns: list[Event] = []
    for number in range(2):
        turns += [TextDelta(0, f"text {number}"), CallStarted(1, f"id{number}", "f"), CallEnded(1)]
        turns += [TurnEnded(Finish("tool_use")), ToolReturned(f"id{number}", f"result {number}")]
    state, _ = run(*turns, TextDelta(0, "done"), STOP)
    assert [(type(m), m.content) for m in history(state)] == [
        (UserMessage, "hi"),
        (ToolCallMessage, "text 0"),
        (ToolResultMessage, "result 0"),
        (ToolCallMessage, "text 1"),
        (ToolResultMessage, "result 1"),
        (AssistantMessage, "done"),
    ]


def test_tools_wait_for_all_their_results() -> None:
    two: list[Event] = [CallStarted(0, "a", "f"), CallEnded(0), CallStarted(1, "b", "f"), CallEnded(1)]
    state, _ = run(*two, TurnEnded(Finish("tool_use")), ToolReturned("b", "second"))
    assert isinstance(state, RunningTools)
    assert state.answers == ("start", ToolResultMessage("b", "f", "second"))
