"""Calls that run only once somebody approves them: asked for while the run waits, or left to another run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from punk.core.codec import messages_from_json, messages_to_json
from punk.core.effects import Abandon, Effect, RequestTurn, RunTools
from punk.core.events import (
    ApprovalNeeded,
    CallEnded,
    CallSealed,
    CallStarted,
    CancelRequested,
    Event,
    TextDelta,
    TurnEnded,
)
from punk.core.failures import CallLimit, ProtocolViolation, RoundLimit, ToolAborted
from punk.core.history import INTERRUPTED, REPEATABLE, UNAPPROVED, UNSTARTED
from punk.core.log import Log
from punk.core.messages import (
    AssistantMessage,
    Finish,
    FinishReason,
    Message,
    ToolCallMessage,
    ToolResultMessage,
    UserMessage,
)
from punk.core.parts import ToolCall
from punk.core.request import Request, ToolSpec
from punk.core.state import (
    AwaitingApproval,
    Cancelled,
    Completed,
    Failed,
    RunningTools,
    Streaming,
    StreamState,
    history,
)
from punk.core.step import begin, fold
from punk.core.tool_events import ToolAbortRequested, ToolApproved, ToolProgressed, ToolReturned, ToolStarted
from punk.testing import laws
from tests.core.talk import ASKED, DEFERRED, GUARDED_TOOL, TOOL

HI = UserMessage("hi")
TOOL_USE = TurnEnded(Finish("tool_use"))
# One call of a tool that anybody may use, between two of one that somebody has to allow.
A, B, C = ToolCall("a", "g", "{}"), ToolCall("b", "f", "{}"), ToolCall("c", "g", "{}")
# The same calls once their turn has ended.
MARKED_A, MARKED_C = replace(A, approval="needed"), replace(C, approval="needed")
CALLED = ToolCallMessage([MARKED_A, B, MARKED_C], finish=Finish("tool_use"))
# A run whose tools say nothing of approval.
FREE = replace(DEFERRED, tools=(TOOL, replace(GUARDED_TOOL, requires_approval=False)))


def allowed(call: ToolCall) -> ToolCall:
    """`call`, which somebody allowed to run."""
    return replace(call, approval="given")


def turn(*calls: ToolCall) -> tuple[Event, ...]:
    """A turn that makes these calls."""
    blocks = [(CallStarted(block, call.id, call.name), CallEnded(block, "{}")) for block, call in enumerate(calls)]
    return (*(event for block in blocks for event in block), TOOL_USE)


def run(request: Request, *events: Event) -> tuple[StreamState, tuple[Effect, ...]]:
    """Where `events` lead, every law kept on the way."""
    laws.check_stream(request, events)
    return fold(begin(request)[0], events)


def over(request: Request, *messages: Message) -> Request:
    """A run of these messages, said after the first."""
    return replace(request, messages=Log([HI, *messages]))


def results(state: StreamState) -> dict[str, str]:
    """The text of each result, in order, by the id of its call."""
    return {m.call_id: m.content for m in history(state) if isinstance(m, ToolResultMessage)}


# Somebody is asked.


def test_where_somebody_is_asked_the_effect_says_what_for() -> None:
    state, effects = run(ASKED, *turn(A, B, C))
    assert effects == (RunTools((MARKED_A, B, MARKED_C), frozenset({"a", "c"})),)
    assert isinstance(state, RunningTools)
    assert state.answers == ("approval", "start", "approval")
    first, last = (CallSealed(MARKED_A), ApprovalNeeded(MARKED_A)), (CallSealed(MARKED_C), ApprovalNeeded(MARKED_C))
    assert tuple(state.log)[-5:] == (*first, CallSealed(B), *last)
    assert state.run.messages[1] == CALLED


def test_what_is_approved_starts_and_gives_its_result() -> None:
    state, effects = run(ASKED, *turn(A), ToolApproved("a"))
    assert (isinstance(state, RunningTools) and state.answers, effects[1:]) == (("start",), ())
    state, _ = fold(state, [ToolStarted("a")])
    assert isinstance(state, RunningTools)
    assert state.answers == ("result",)
    state, effects = fold(state, [ToolReturned("a", "done")])
    [requested] = effects
    assert isinstance(requested, RequestTurn)
    assert requested.messages == (
        HI,
        ToolCallMessage([MARKED_A], finish=Finish("tool_use")),
        ToolResultMessage("a", "g", "done"),
    )


def test_an_approved_call_need_not_say_that_it_started() -> None:
    state, _ = run(ASKED, *turn(A), ToolApproved("a"), ToolReturned("a", "done"))
    assert (isinstance(state, Streaming), results(state)) == (True, {"a": "done"})


def test_a_denial_is_the_result_that_the_model_sees() -> None:
    state, _ = run(ASKED, *turn(A), ToolReturned("a", "Not today.", is_error=True))
    assert isinstance(state, Streaming)
    assert history(state)[-1] == ToolResultMessage("a", "g", "Not today.", is_error=True)


def test_siblings_do_not_wait_for_approval_nor_approvals_for_each_other() -> None:
    happened = (ToolStarted("b"), ToolReturned("b", "2"), ToolApproved("c"), ToolStarted("c"), ToolReturned("c", "3"))
    state, _ = run(ASKED, *turn(A, B, C), *happened)
    assert isinstance(state, RunningTools)
    assert state.answers[0] == "approval"
    state, _ = fold(state, [ToolReturned("a", "denied", is_error=True)])
    assert isinstance(state, Streaming)
    assert results(state) == {"a": "denied", "b": "2", "c": "3"}


@pytest.mark.parametrize(
    "happened",
    [
        (ToolStarted("a"),),
        (ToolProgressed("a"),),
        (ToolReturned("a", "unasked"),),
        (ToolApproved("b"),),
        (ToolApproved("z"),),
        (ToolApproved("a"), ToolApproved("a")),
        (ToolApproved("a"), ToolProgressed("a")),
        (ToolApproved("a"), ToolStarted("a"), ToolStarted("a")),
        (ToolApproved("a"), ToolStarted("a"), ToolApproved("a")),
        (ToolReturned("a", "no", is_error=True), ToolApproved("a")),
        (ToolReturned("a", "no", is_error=True), ToolStarted("a")),
    ],
    ids=repr,
)
def test_what_is_out_of_place_is_a_violation_by_punk(happened: tuple[Event, ...]) -> None:
    before, _ = run(ASKED, *turn(A, B, C), *happened[:-1])
    assert isinstance(before, RunningTools)
    state, effects = fold(before, happened[-1:])
    assert isinstance(state, Failed)
    assert isinstance(state.failure, ProtocolViolation)
    assert (state.failure.by, effects) == ("punk", (Abandon(),))
    assert (tuple(state.run.late), history(state)) == (happened[-1:], history(before))


def test_whoever_is_asked_may_abort() -> None:
    state, _ = run(ASKED, *turn(A, B), ToolAbortRequested("a", "enough"))
    assert isinstance(state, Failed)
    assert state.failure == ToolAborted("enough", "a")
    assert results(state) == {"a": UNAPPROVED, "b": UNSTARTED}


def test_calls_that_await_approval_count_as_calls() -> None:
    state, effects = run(replace(ASKED, max_tool_calls=1), *turn(A, B))
    assert isinstance(state, Failed)
    assert (state.failure, effects) == (CallLimit(1), ())


# Nobody is asked.


def test_where_nobody_is_asked_siblings_run_and_the_run_ends_in_the_rest() -> None:
    state, effects = run(DEFERRED, *turn(A, B, C))
    assert effects == (RunTools((B,)),)
    assert isinstance(state, RunningTools)
    assert state.answers == ("approval", "start", "approval")
    state, effects = run(DEFERRED, *turn(A, B, C), ToolStarted("b"), ToolReturned("b", "2"))
    assert isinstance(state, AwaitingApproval)
    assert effects == (RunTools((B,)),)
    assert state.calls == (MARKED_A, MARKED_C)
    assert history(state) == (HI, CALLED, ToolResultMessage("b", "f", "2"))
    assert state.run.calls == 1


def test_with_no_sibling_the_run_ends_with_its_turn() -> None:
    state, effects = run(DEFERRED, TextDelta(0, "Let me."), CallStarted(1, "a", "g"), CallEnded(1), TOOL_USE)
    assert isinstance(state, AwaitingApproval)
    assert (state.calls, effects) == ((MARKED_A,), ())
    assert tuple(state.log)[-2:] == (CallSealed(MARKED_A), ApprovalNeeded(MARKED_A))


def test_results_of_siblings_stand_in_the_order_of_their_calls() -> None:
    first, second = ToolCall("1", "f", "{}"), ToolCall("2", "f", "{}")
    state, _ = run(DEFERRED, *turn(first, A, second), ToolReturned("2", "two"), ToolReturned("1", "one"))
    assert isinstance(state, AwaitingApproval)
    assert list(results(state).items()) == [("1", "one"), ("2", "two")]


def test_calls_that_must_not_run_are_answered_and_await_nothing() -> None:
    state, effects = run(DEFERRED, *turn(A)[:-1], CallStarted(1, "b", "g"), TOOL_USE)
    assert isinstance(state, AwaitingApproval)
    assert (state.calls, effects) == ((MARKED_A,), ())
    assert results(state) == {"b": "The tool was not run: the call was not finished."}


@pytest.mark.parametrize(
    "said", [ToolApproved("a"), ToolReturned("a", "no", is_error=True), ToolAbortRequested("a", "no")], ids=repr
)
def test_where_nobody_is_asked_nothing_is_heard_of_what_awaits_approval(said: Event) -> None:
    """The call is in no effect: approved, nobody would run it, and the run would wait without an end."""
    state, _ = run(DEFERRED, *turn(A, B), said)
    assert isinstance(state, Failed)
    assert isinstance(state.failure, ProtocolViolation)


def test_what_awaits_approval_needs_no_further_request() -> None:
    state, effects = run(replace(DEFERRED, max_rounds=1), *turn(A, B), ToolReturned("b", "2"))
    assert isinstance(state, AwaitingApproval)
    assert effects == (RunTools((B,)),)


def test_deferred_calls_are_not_counted_but_their_siblings_are() -> None:
    state, _ = run(replace(DEFERRED, max_tool_calls=1), *turn(A, B, C), ToolReturned("b", "2"))
    assert isinstance(state, AwaitingApproval)
    state, _ = run(replace(DEFERRED, max_tool_calls=0), *turn(A, B))
    assert isinstance(state, Failed)
    assert state.failure == CallLimit(0)
    assert results(state) == dict.fromkeys("ab", f"Not run: {CallLimit(0).message}")


def test_what_comes_after_it_is_recorded_only() -> None:
    late = (ToolApproved("a"), ToolStarted("a"), TextDelta(0, "x"), CancelRequested())
    end, _ = run(DEFERRED, *turn(A))
    state, effects = run(DEFERRED, *turn(A), *late)
    assert effects == ()
    assert state == replace(end, run=replace(end.run, late=Log(late)))


# Going on.


def approve(messages: tuple[Message, ...], *ids: str) -> tuple[Message, ...]:
    """The messages with these calls allowed."""
    approved: list[Message] = []
    for message in messages:
        if isinstance(message, ToolCallMessage):
            parts = [
                replace(p, approval="given" if p.id in ids else p.approval) if isinstance(p, ToolCall) else p
                for p in message.parts
            ]
            message = ToolCallMessage(parts, finish=message.finish, usage=message.usage, origin=message.origin)
        approved.append(message)
    return tuple(approved)


def through_json(state: StreamState) -> tuple[Message, ...]:
    return messages_from_json(messages_to_json(history(state))).unwrap()


def test_approved_in_two_steps_and_through_json_each_call_runs_once() -> None:
    state, _ = run(DEFERRED, *turn(A, B, C), ToolReturned("b", "2"))
    # One of two is approved: it runs, and the run ends in the other.
    first = replace(DEFERRED, messages=Log(approve(through_json(state), "c")))
    _, effects = begin(first)
    assert effects == (RunTools((allowed(C),)),)
    state, effects = run(first, ToolStarted("c"), ToolReturned("c", "3"))
    assert isinstance(state, AwaitingApproval)
    assert (state.calls, effects, state.run.rounds) == ((MARKED_A,), (), 0)
    assert results(state) == {"b": "2", "c": "3"}
    # Then the other, too.
    second = replace(DEFERRED, messages=Log(approve(through_json(state), "a", "c")))
    state, effects = begin(second)
    assert effects == (RunTools((allowed(A),)),)
    state, effects = run(second, ToolReturned("a", "1"))
    assert isinstance(state, Streaming)
    [requested] = effects
    assert isinstance(requested, RequestTurn)
    assert list(results(state).items()) == [("a", "1"), ("b", "2"), ("c", "3")]


def test_a_denial_between_runs_is_a_result() -> None:
    state, _ = run(DEFERRED, *turn(A, C))
    denied = ToolResultMessage("a", "g", "Not today.", is_error=True)
    request = replace(DEFERRED, messages=Log([*approve(history(state), "c"), denied]))
    state, effects = begin(request)
    assert effects == (RunTools((allowed(C),)),)
    state, _ = run(request, ToolReturned("c", "3"))
    assert isinstance(state, Streaming)
    assert list(results(state).items()) == [("a", "Not today."), ("c", "3")]


def test_once_all_are_denied_the_model_is_told_at_once() -> None:
    state, _ = run(DEFERRED, *turn(A, C))
    denials = [ToolResultMessage(id_, "g", "no", is_error=True) for id_ in "ca"]
    state, effects = begin(replace(DEFERRED, messages=Log([*history(state), *denials])))
    [requested] = effects
    assert isinstance(requested, RequestTurn)
    assert list(results(state)) == ["a", "c"]


def test_with_nothing_approved_a_run_is_over_at_once() -> None:
    said = (ToolCallMessage([A, C]), ToolResultMessage("c", "g", "3"))
    state, effects = run(over(DEFERRED, *said))
    assert isinstance(state, AwaitingApproval)
    # Whatever tools the next run has, the chat remembers.
    marked = replace(A, approval="needed")
    assert (state.calls, effects, state.run.rounds) == ((marked,), (), 0)
    assert history(state) == (HI, ToolCallMessage([marked, replace(C, approval="needed")]), said[1])
    again, effects = begin(replace(FREE, messages=Log(history(state))))
    assert isinstance(again, AwaitingApproval)
    assert effects == ()


def test_a_run_that_asks_goes_on_from_one_that_deferred() -> None:
    state, _ = run(DEFERRED, *turn(A, C))
    state, effects = begin(replace(ASKED, messages=Log(approve(history(state), "c"))))
    assert effects == (RunTools((MARKED_A, allowed(C)), frozenset({"a"})),)
    assert isinstance(state, RunningTools)
    assert state.answers == ("approval", "start")


def test_an_approval_of_a_tool_that_needs_none_any_more_does_no_harm() -> None:
    for request in (FREE, replace(FREE, tools=())):
        _, effects = begin(over(request, ToolCallMessage([allowed(A), C])))
        assert effects == (RunTools((allowed(A), C)),)


@pytest.mark.parametrize("execute_tools", [True, False], ids=["deferred", "handed over"])
@pytest.mark.parametrize("later", [FREE, replace(FREE, tools=())], ids=["unguarded", "unknown"])
def test_what_was_guarded_when_it_was_called_awaits_approval_in_any_run(later: Request, execute_tools: bool) -> None:
    """Another process may have other tools: what was saved says enough."""
    state, _ = run(replace(DEFERRED, execute_tools=execute_tools), *turn(A))
    later = replace(later, messages=Log(through_json(state)))
    state, effects = run(later)
    assert isinstance(state, AwaitingApproval)
    assert (state.calls, effects, state.run.messages[1]) == ((MARKED_A,), (), _calling(MARKED_A))
    assert begin(replace(later, approvals="asked"))[1] == (RunTools((MARKED_A,), frozenset({"a"})),)
    # Once it is given, the call runs, and runs once.
    resumed = replace(later, messages=Log(approve(through_json(state), "a")))
    assert begin(resumed)[1] == (RunTools((allowed(A),)),)
    state, [requested] = run(resumed, ToolStarted("a"), ToolReturned("a", "1"))
    assert isinstance(state, Streaming)
    assert isinstance(requested, RequestTurn)
    assert requested.messages == (HI, _calling(allowed(A)), ToolResultMessage("a", "g", "1"))


def _calling(call: ToolCall) -> ToolCallMessage:
    return ToolCallMessage([call], finish=Finish("tool_use"))


@pytest.mark.parametrize("reason", ["max_tokens", "refusal", "content_filter", "other", "pause"])
def test_calls_that_may_not_run_need_no_approval(reason: FinishReason) -> None:
    streaming, _ = run(DEFERRED, *turn(A, B)[:-1])
    ended, _ = run(DEFERRED, *turn(A, B)[:-1], TurnEnded(Finish(reason)))
    assert isinstance(ended, Completed)
    for state in (streaming, ended):
        said = history(state)[-1]
        assert isinstance(said, AssistantMessage)
        assert said.unrun_calls == (A, B)


def test_a_guarded_call_of_a_chat_from_elsewhere_awaits_approval() -> None:
    """It bears no mark, for nobody knew then that its tool is guarded here."""
    said = ToolCallMessage([A, B])
    state, _ = run(over(DEFERRED, said), ToolReturned("b", "2"))
    assert isinstance(state, AwaitingApproval)
    assert [call.id for call in state.calls] == ["a"]
    assert begin(over(DEFERRED, said))[1] == (RunTools((B,)),)
    _, [asked] = begin(over(ASKED, said))
    assert isinstance(asked, RunTools)
    assert ([call.id for call in asked.calls], asked.unapproved) == (["a", "b"], frozenset({"a"}))


def test_a_tool_that_nobody_knows_needs_no_approval() -> None:
    """Its call runs into the error that says so."""
    unknown = ToolCall("u", "unknown", "{}")
    for request in (ASKED, DEFERRED):
        assert run(request, *turn(unknown))[1] == (RunTools((unknown,)),)


def test_approval_does_not_make_an_invalid_call_run() -> None:
    bad = ToolCall("a", "g", "{", approval="given")
    _, [requested] = begin(over(DEFERRED, ToolCallMessage([bad])))
    assert isinstance(requested, RequestTurn)
    [result] = [m for m in requested.messages if isinstance(m, ToolResultMessage)]
    assert "not a JSON object" in result.content


def test_calls_that_are_handed_over_await_approval_in_the_run_that_runs_them() -> None:
    state, effects = run(replace(DEFERRED, execute_tools=False), *turn(A, B))
    assert (isinstance(state, Completed), effects) == (True, ())
    assert not [entry for entry in state.log if isinstance(entry, ApprovalNeeded)]
    assert begin(replace(ASKED, messages=Log(history(state))))[1] == (RunTools((MARKED_A, B), frozenset({"a"})),)
    assert begin(replace(DEFERRED, messages=Log(history(state))))[1] == (RunTools((B,)),)


def test_of_calls_with_one_id_the_first_alone_can_be_approved() -> None:
    state, effects = run(ASKED, *turn(A, A))
    assert effects == (RunTools((MARKED_A,), frozenset({"a"})),)
    assert isinstance(state, RunningTools)
    assert [isinstance(answer, ToolResultMessage) for answer in state.answers] == [False, True]
    # So it is with messages that were made by hand.
    both = ToolCallMessage([allowed(A)] * 2)
    assert begin(over(DEFERRED, both))[1] == (RunTools((allowed(A),)),)


# What becomes of calls that are left, and what a limit keeps.


AGAIN = ToolSpec("again", "A tool that may be called twice.", "{}", idempotent=True)


@pytest.mark.parametrize(
    ("request_", "happened", "told"),
    [
        (ASKED, (), {"a": UNAPPROVED, "b": UNSTARTED, "c": UNAPPROVED}),
        (DEFERRED, (ToolStarted("b"),), {"a": UNAPPROVED, "b": INTERRUPTED, "c": UNAPPROVED}),
        (
            ASKED,
            (ToolApproved("a"), ToolApproved("c"), ToolStarted("c"), ToolProgressed("c"), ToolReturned("b", "2")),
            {"a": UNSTARTED, "b": "2", "c": INTERRUPTED},
        ),
    ],
    ids=["asked", "deferred", "at every stage"],
)
def test_a_cancel_says_of_each_call_how_far_it_came(
    request_: Request, happened: tuple[Event, ...], told: Mapping[str, str]
) -> None:
    state, effects = run(request_, *turn(A, B, C), *happened, CancelRequested())
    assert isinstance(state, Cancelled)
    assert effects[-1] == Abandon()
    assert results(state) == told
    errors = {m.call_id for m in history(state) if isinstance(m, ToolResultMessage) and m.is_error}
    assert errors == {id_ for id_, text in told.items() if text != "2"}


def test_of_an_idempotent_tool_it_is_said_that_it_may_be_called_again() -> None:
    one, other = ToolCall("1", "again", "{}"), ToolCall("2", "again", "{}")
    request = replace(DEFERRED, tools=(TOOL, AGAIN))
    state, _ = run(request, *turn(one, other, B), ToolStarted("1"), ToolStarted("b"), CancelRequested())
    assert results(state) == {"1": f"{INTERRUPTED} {REPEATABLE}", "2": UNSTARTED, "b": INTERRUPTED}


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (A, INTERRUPTED),
        (MARKED_A, UNAPPROVED),
        (allowed(A), INTERRUPTED),
        (B, INTERRUPTED),
        (ToolCall("1", "again", "{}"), f"{INTERRUPTED} {REPEATABLE}"),
        (ToolCall("1", "again", "{}", approval="needed"), UNAPPROVED),
        (ToolCall("u", "unknown", "{}"), INTERRUPTED),
        (ToolCall("u", "unknown", "{}", approval="needed"), UNAPPROVED),
    ],
    ids=["unmarked", "unapproved", "approved", "free", "idempotent", "free by now", "unknown", "unknown by now"],
)
@pytest.mark.parametrize("last", [UserMessage("never mind"), ToolCallMessage([B])], ids=["said", "resumed"])
def test_of_calls_that_were_left_long_ago_it_is_said_what_can_be_told(call: ToolCall, told: str, last: Message) -> None:
    request = replace(DEFERRED, tools=(TOOL, GUARDED_TOOL, AGAIN))
    state, _ = begin(over(request, ToolCallMessage([call]), last))
    assert history(state)[2] == ToolResultMessage(call.id, call.name, told, is_error=True)


def test_a_limit_keeps_the_results_that_were_known() -> None:
    said = (ToolCallMessage([B, ToolCall("d", "f", "{}")]), ToolResultMessage("d", "f", "known"))
    state, effects = begin(replace(over(DEFERRED, *said), max_rounds=0))
    assert isinstance(state, Failed)
    assert (state.failure, effects) == (RoundLimit(0), ())
    assert results(state) == {"b": f"Not run: {RoundLimit(0).message}", "d": "known"}
