"""Calls that are handed over unanswered, and runs that begin with such calls."""

from __future__ import annotations

from dataclasses import replace

from punk.core.effects import Effect, RequestTurn, RunTools
from punk.core.events import CallDelta, CallEnded, CallSealed, CallStarted, Event, TextDelta, TurnEnded
from punk.core.log import Log
from punk.core.messages import (
    Finish,
    Message,
    ToolCallMessage,
    ToolResultMessage,
    UserMessage,
)
from punk.core.parts import ToolCall
from punk.core.state import Completed, RunningTools, StreamState, history
from punk.core.step import begin, fold
from punk.core.tool_events import ToolReturned
from tests.core.talk import WITH_TOOLS

HANDED_OVER = replace(WITH_TOOLS, execute_tools=False)
TOOL_USE = TurnEnded(Finish("tool_use"))


def call(block: int, id_: str | None, *deltas: str, name: str = "f", ended: str | None = None) -> list[Event]:
    """A call that is started, spoken and closed."""
    return [CallStarted(block, id_, name), *(CallDelta(block, delta) for delta in deltas), CallEnded(block, ended)]


def test_handed_over_calls_keep_their_place_and_have_no_result() -> None:
    state, effects = fold(begin(HANDED_OVER)[0], [*call(0, "a", "{}"), TOOL_USE])
    assert (isinstance(state, Completed), effects) == (True, ())
    said = history(state)
    assert said == (UserMessage("hi"), ToolCallMessage([ToolCall("a", "f", "{}")], finish=Finish("tool_use")))
    assert CallSealed(ToolCall("a", "f", "{}")) in tuple(state.log)


def test_of_handed_over_calls_those_that_must_not_run_are_answered_at_once() -> None:
    """Their JSON may be whole, so that whoever resumes could not tell that they were never closed."""
    unclosed: list[Event] = [CallStarted(0, "a", "f"), CallDelta(0, '{"amount":1}')]
    differing = call(1, "b", '{"amount":1}', ended='{"amount":1000}')
    happened = [*unclosed, *differing, *call(2, "c", "{}"), TOOL_USE]
    handed_over, _ = fold(begin(HANDED_OVER)[0], happened)
    said = history(handed_over)
    assert [m.call_id for m in said if isinstance(m, ToolResultMessage)] == ["a", "b"]
    resumed, effects = begin(replace(WITH_TOOLS, messages=Log(said)))
    assert effects == (RunTools((ToolCall("c", "f", "{}"),)),)
    state, _ = fold(resumed, [ToolReturned("c", "three")])
    results = [m.content for m in history(state) if isinstance(m, ToolResultMessage)]
    assert results == [
        "The tool was not run: the call was not finished.",
        "The tool was not run: the streamed arguments and the final ones differ.",
        "three",
    ]


def resumed(*messages: Message) -> tuple[StreamState, tuple[Effect, ...]]:
    return begin(replace(WITH_TOOLS, messages=Log([UserMessage("hi"), *messages])))


ONE, TWO = ToolCall("1", "f", "{}"), ToolCall("2", "g", "{}")


def test_a_run_over_unanswered_calls_runs_them_first() -> None:
    state, effects = resumed(ToolCallMessage([ONE, TWO]), ToolResultMessage("2", "g", "known"))
    assert effects == (RunTools((ONE,)),)
    assert state.run.rounds == 0
    state, effects = fold(state, [ToolReturned("1", "new")])
    results = (ToolResultMessage("1", "f", "new"), ToolResultMessage("2", "g", "known"))
    said = (UserMessage("hi"), ToolCallMessage([ONE, TWO]), *results)
    assert effects == (RequestTurn(1, said, WITH_TOOLS.tools),)
    assert history(state) == said


def test_a_run_over_answered_calls_goes_on_at_once() -> None:
    said = (ToolCallMessage([ONE, TWO]), ToolResultMessage("2", "g", "b"), ToolResultMessage("1", "f", "a"))
    _, effects = resumed(*said)
    [requested] = effects
    assert isinstance(requested, RequestTurn)
    assert [m.content for m in requested.messages[2:]] == ["a", "b"]


def test_calls_that_stand_before_another_message_are_not_run() -> None:
    _, effects = resumed(ToolCallMessage([ONE]), UserMessage("never mind"))
    [requested] = effects
    assert isinstance(requested, RequestTurn)
    result = requested.messages[2]
    assert isinstance(result, ToolResultMessage)
    assert (result.call_id, result.is_error) == ("1", True)
    assert "may or may not have run" in result.content


def test_an_earlier_result_with_the_same_id_is_kept() -> None:
    earlier = (ToolCallMessage([ONE]), ToolResultMessage("1", "f", "first"))
    state, effects = resumed(*earlier, ToolCallMessage([ONE, TWO]), ToolResultMessage("1", "f", "second"))
    assert effects == (RunTools((TWO,)),)
    state, _ = fold(state, [ToolReturned("2", "third")])
    assert [m.content for m in history(state) if isinstance(m, ToolResultMessage)] == ["first", "second", "third"]


def test_a_resumed_call_that_must_not_run_is_answered_by_an_error() -> None:
    bad, again = ToolCall("1", "f", "{"), ToolCall("2", "g", '{"x":1}')
    state, effects = resumed(ToolCallMessage([bad, TWO, again]))
    assert effects == (RunTools((TWO,)),)
    assert isinstance(state, RunningTools)
    assert [isinstance(answer, ToolResultMessage) for answer in state.answers] == [True, False, True]
    assert state.answers[1] == "start"
    assert [entry.content for entry in state.log if isinstance(entry, ToolReturned)] == [
        "The tool was not run: the arguments are not a JSON object: not valid JSON: "
        "Expecting property name enclosed in double quotes at character 1.",
        "The tool was not run: a call with the id 2 came before in this turn.",
    ]


def test_without_execution_a_run_over_unanswered_calls_answers_them_for_good() -> None:
    said = (UserMessage("hi"), ToolCallMessage([ONE]))
    state, [requested] = begin(replace(HANDED_OVER, messages=Log(said)))
    assert isinstance(requested, RequestTurn)
    assert len(requested.messages) == 3
    state, _ = fold(state, [TextDelta(0, "ok"), TurnEnded(Finish("stop"))])
    # What the model was shown is what the chat holds.
    assert history(state)[:3] == requested.messages
