"""Which calls run: only those that are complete, closed, in agreement, and of a turn whose end allows them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from punk.core.effects import Effect, RequestTurn, RunTools
from punk.core.events import CallDelta, CallEnded, CallSealed, CallStarted, Event, TextDelta, TurnEnded, TurnFailed
from punk.core.failures import Truncated
from punk.core.messages import (
    AssistantMessage,
    Finish,
    FinishReason,
    ToolCallMessage,
    ToolResultMessage,
    UserMessage,
)
from punk.core.parts import TextPart, ToolCall
from punk.core.provider_data import ProviderData
from punk.core.state import Completed, Failed, RunningTools, Streaming, StreamState, history
from punk.core.step import begin, fold
from punk.core.tool_events import ToolReturned
from tests.core.talk import WITH_TOOLS

HANDED_OVER = replace(WITH_TOOLS, execute_tools=False)
TOOL_USE = TurnEnded(Finish("tool_use"))


def call(block: int, id_: str | None, *deltas: str, name: str = "f", ended: str | None = None) -> list[Event]:
    """A call that is started, spoken and closed."""
    return [CallStarted(block, id_, name), *(CallDelta(block, delta) for delta in deltas), CallEnded(block, ended)]


def run(*events: Event) -> tuple[StreamState, tuple[Effect, ...]]:
    return fold(begin(WITH_TOOLS)[0], events)


def refusals(state: StreamState) -> list[str]:
    """What the calls that were not run are answered with."""
    return [message.content for message in history(state) if isinstance(message, ToolResultMessage)]


def test_a_whole_call_runs_once_its_turn_has_ended() -> None:
    open_, effects = run(*call(0, "a", '{"city":', '"Paris"}'))
    assert (isinstance(open_, Streaming), effects) == (True, ())
    state, effects = fold(open_, [TOOL_USE])
    sealed = ToolCall("a", "f", '{"city":"Paris"}')
    assert effects == (RunTools((sealed,)),)
    assert isinstance(state, RunningTools)
    assert state.log[len(state.log) - 1] == CallSealed(sealed)


@pytest.mark.parametrize("reason", ["stop", "tool_use", None])
def test_reasons_that_let_calls_run(reason: FinishReason | None) -> None:
    _, effects = run(*call(0, "a", "{}"), TurnEnded(Finish(reason)))
    assert effects == (RunTools((ToolCall("a", "f", "{}"),)),)


@pytest.mark.parametrize("reason", ["max_tokens", "refusal", "content_filter", "pause", "other"])
def test_reasons_that_let_none_run(reason: FinishReason) -> None:
    state, effects = run(TextDelta(0, "I will."), *call(1, "a", "{}"), TurnEnded(Finish(reason, "raw")))
    assert effects == ()
    assert isinstance(state, Completed)
    answer = AssistantMessage(
        # A pause with calls that may not run cannot be gone on from: it is an end like any other.
        [TextPart("I will.")],
        finish=Finish("other" if reason == "pause" else reason, "raw"),
        unrun_calls=[ToolCall("a", "f", "{}")],
    )
    assert history(state) == (UserMessage("hi"), answer)


def test_a_stream_that_is_cut_after_a_whole_call_runs_nothing() -> None:
    state, effects = run(*call(0, "a", "{}"), TurnFailed(Truncated("cut")))
    assert effects == ()
    assert isinstance(state, Failed)
    last = history(state)[-1]
    assert isinstance(last, AssistantMessage)
    assert last.unrun_calls == (ToolCall("a", "f", "{}"),)


@pytest.mark.parametrize("deltas", [(), ("",), ("", "")])
def test_empty_arguments_are_an_empty_object(deltas: tuple[str, ...]) -> None:
    for ended in (None, "", "{}"):
        _, effects = run(*call(0, "a", *deltas, ended=ended), TOOL_USE)
        assert effects == (RunTools((ToolCall("a", "f", "{}"),)),)


@pytest.mark.parametrize("arguments", ['{"amount": 1', "[]", "null", '"x"', "{} {}", "NaN", '{"a":1,"a":2}', " "])
def test_arguments_that_are_no_object_are_answered_by_an_error(arguments: str) -> None:
    state, effects = run(*call(0, "a", arguments), TOOL_USE)
    assert [type(effect) for effect in effects] == [RequestTurn]
    [refused] = refusals(state)
    assert refused.startswith("The tool was not run: the arguments are not a JSON object: ")
    last = history(state)[-1]
    assert isinstance(last, ToolResultMessage)
    assert last.is_error
    assert ToolReturned("a", refused, is_error=True) in tuple(state.log)
    # The model sees what it said, as it said it.
    assert [c.arguments for m in history(state) if isinstance(m, ToolCallMessage) for c in m.calls] == [arguments]


def test_a_block_that_was_not_closed_does_not_run() -> None:
    state, effects = run(CallStarted(0, "a", "f"), CallDelta(0, '{"amount":1}'), TOOL_USE)
    assert [type(effect) for effect in effects] == [RequestTurn]
    assert refusals(state) == ["The tool was not run: the call was not finished."]


@pytest.mark.parametrize("final", ['{"amount":1000}', '{"amount":1.0}', '{"amount":true}', "{}", ""])
def test_final_arguments_that_say_otherwise_do_not_run(final: str) -> None:
    state, effects = run(*call(0, "a", '{"amount":1}', ended=final), TOOL_USE)
    assert [type(effect) for effect in effects] == [RequestTurn]
    assert refusals(state) == ["The tool was not run: the streamed arguments and the final ones differ."]


def test_final_arguments_may_be_spaced_differently_or_stand_alone() -> None:
    _, effects = run(*call(0, "a", '{"amount":', "1}", ended='{"amount": 1}'), *call(1, "b", ended='{"x":2}'), TOOL_USE)
    assert effects == (RunTools((ToolCall("a", "f", '{"amount": 1}'), ToolCall("b", "f", '{"x":2}'))),)


def test_arguments_cut_alike_twice_do_not_run() -> None:
    _, effects = run(*call(0, "a", '{"amount":', ended='{"amount": '), TOOL_USE)
    assert [type(effect) for effect in effects] == [RequestTurn]


def test_a_second_call_with_an_id_that_was_used_does_not_run() -> None:
    state, effects = run(*call(0, "a", '{"x":1}'), *call(1, "a", '{"x":2}'), TOOL_USE)
    assert effects == (RunTools((ToolCall("a", "f", '{"x":1}'),)),)
    state, effects = fold(state, [ToolReturned("a", "one")])
    assert refusals(state) == ["one", "The tool was not run: a call with the id a came before in this turn."]
    called = history(state)[1]
    assert isinstance(called, ToolCallMessage)
    assert [c.id for c in called.calls] == ["a", "call_1_1"]


def test_an_id_may_come_again_in_another_turn() -> None:
    again = [*call(0, "a", "{}"), TOOL_USE]
    state, effects = run(*again, ToolReturned("a", "one"), *again)
    assert effects[-1] == RunTools((ToolCall("a", "f", "{}"),))
    state, _ = fold(state, [ToolReturned("a", "two")])
    assert refusals(state) == ["one", "two"]


@pytest.mark.parametrize("given", [None, ""])
def test_ids_that_were_left_out_are_derived_from_the_place(given: str | None) -> None:
    _, effects = run(*call(0, given, "{}"), *call(1, "a", "{}"), *call(2, given, "{}"), TOOL_USE)
    [running] = effects
    assert isinstance(running, RunTools)
    assert [c.id for c in running.calls] == ["call_1_0", "a", "call_1_2"]


def test_derived_ids_give_way_to_given_ones() -> None:
    """Wherever the given one stands: before the call without an id, or after it."""
    _, effects = run(*call(0, None, "{}"), *call(1, "call_1_0", "{}"), *call(2, "call_1_2", "{}"), TOOL_USE)
    [running] = effects
    assert isinstance(running, RunTools)
    assert [c.id for c in running.calls] == ["call_1_0_", "call_1_0", "call_1_2"]
    _, effects = run(*call(0, "call_1_1", "{}"), *call(1, None, "{}"), *call(2, None, "{}"), TOOL_USE)
    [running] = effects
    assert isinstance(running, RunTools)
    assert [c.id for c in running.calls] == ["call_1_1", "call_1_1_", "call_1_2"]


def test_a_derived_id_does_not_hide_that_an_id_was_used_twice() -> None:
    _, effects = run(*call(0, None, "{}"), *call(1, "call_1_0", "{}"), *call(2, "call_1_0", "{}"), TOOL_USE)
    [running] = effects
    assert isinstance(running, RunTools)
    assert [c.id for c in running.calls] == ["call_1_0_", "call_1_0"]


def test_a_call_that_names_no_tool_does_not_run() -> None:
    state, effects = run(*call(0, "a", "{}", name=""), TOOL_USE)
    assert [type(effect) for effect in effects] == [RequestTurn]
    assert refusals(state) == ["The tool was not run: the call names no tool."]


def test_good_calls_run_beside_bad_ones_and_results_stand_in_call_order() -> None:
    state, effects = run(*call(0, "a", "{"), *call(1, "b", "{}"), *call(2, "c", "{}"), TOOL_USE)
    assert effects == (RunTools((ToolCall("b", "f", "{}"), ToolCall("c", "f", "{}"))),)
    state, effects = fold(state, [ToolReturned("c", "three"), ToolReturned("b", "two", is_error=True)])
    results = [m for m in history(state) if isinstance(m, ToolResultMessage)]
    assert [(m.call_id, m.name, m.is_error) for m in results] == [
        ("a", "f", True),
        ("b", "f", True),
        ("c", "f", False),
    ]
    assert [m.content for m in results[1:]] == ["two", "three"]
    assert [type(effect) for effect in effects] == [RequestTurn]


def test_what_belongs_to_a_call_on_its_wire_is_kept() -> None:
    data = ProviderData.of("google", {"thought_signature": "s"})
    state, _ = run(CallStarted(0, "a", "f"), CallEnded(0, provider_data=data), TOOL_USE)
    called = history(state)[1]
    assert isinstance(called, ToolCallMessage)
    assert called.calls == (ToolCall("a", "f", "{}", data),)
