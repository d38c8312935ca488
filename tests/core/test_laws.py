"""The laws of the core as properties, over well-formed, bent and senseless conversations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from punk.core.codec import messages_from_json, messages_to_json
from punk.core.effects import RequestTurn
from punk.core.events import CallDelta, CallEnded, CallStarted, CancelRequested, Event, TurnRequested
from punk.core.log import Log
from punk.core.messages import AssistantMessage, Message, ToolCallMessage, ToolResultMessage
from punk.core.parts import AssistantPart, ToolCall
from punk.core.request import Request
from punk.core.state import AwaitingApproval, Cancelled, Completed, RunningTools, StreamState, history
from punk.core.step import begin, fold, step
from punk.core.tool_events import ToolApproved, ToolProgressed, ToolReturned, ToolStarted
from punk.testing import laws
from punk.testing.strategies import Conversation, bent, conversations, deferred_conversations, events, recut, requests
from tests.core.naive import final_messages

OF_TOOLS = (ToolApproved, ToolStarted, ToolProgressed, ToolReturned)


@given(requests(), st.lists(events(), max_size=12))
def test_every_law_over_events_in_no_order(request: Request, happened: list[Event]) -> None:
    laws.check_stream(request, happened)


@given(st.data())
def test_every_law_over_bent_conversations(data: st.DataObject) -> None:
    conversation = data.draw(conversations())
    laws.check_stream(conversation.request, data.draw(bent(conversation.events)))


@given(st.data())
def test_every_law_over_bent_conversations_that_await_approval(data: st.DataObject) -> None:
    conversation = data.draw(deferred_conversations())
    laws.check_stream(conversation.request, data.draw(bent(conversation.events)))


@given(conversations())
def test_no_call_runs_when_any_of_its_events_is_missing_or_doubled(conversation: Conversation) -> None:
    events = conversation.events
    for at, event in enumerate(events):
        if isinstance(event, CallStarted | CallDelta | CallEnded):
            for happened in ((*events[:at], *events[at + 1 :]), (*events[:at], event, *events[at:])):
                state, _ = begin(conversation.request)
                for each in happened:
                    state, effects = step(state, each)
                    laws.check_calls_that_run(state, effects)


@given(conversations())
def test_a_well_formed_conversation_completes(conversation: Conversation) -> None:
    state = laws.check_stream(conversation.request, conversation.events)
    assert isinstance(state, Completed)
    assert tuple(state.run.late) == ()
    asked = [entry.round for entry in state.log if isinstance(entry, TurnRequested)]
    assert asked == list(range(1, conversation.rounds + 1))
    assert state.run.rounds == conversation.rounds


@given(conversations())
def test_the_final_messages_are_those_of_a_naive_reading(conversation: Conversation) -> None:
    state, _ = fold(begin(conversation.request)[0], conversation.events)
    assert history(state) == final_messages(conversation)


@given(conversations())
def test_each_request_holds_all_that_was_said_before(conversation: Conversation) -> None:
    state, effects = begin(conversation.request)
    rounds = [effect.round for effect in effects if isinstance(effect, RequestTurn)]
    for event in conversation.events:
        state, effects = fold(state, [event])
        for effect in effects:
            if isinstance(effect, RequestTurn):
                rounds.append(effect.round)
                assert effect.tools == conversation.request.tools
                done = len(state.run.messages)
                assert effect.messages[:done] == tuple(state.run.messages)
                # A turn that paused is no message of its own yet, but what it said goes back.
                assert [_parts(m) for m in effect.messages[done:]] == [_parts(m) for m in history(state)[done:]]
    assert rounds == list(range(1, conversation.rounds + 1))


def _parts(message: Message) -> tuple[AssistantPart, ...]:
    assert isinstance(message, AssistantMessage)
    return message.parts


@given(conversations(), st.data())
def test_folding_in_parts_is_folding_at_once(conversation: Conversation, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(conversation.events)))
    laws.check_fold_splits(conversation.request, conversation.events, at)


@given(conversations(), st.data())
def test_cutting_deltas_elsewhere_changes_nothing(conversation: Conversation, data: st.DataObject) -> None:
    laws.check_recut(conversation.request, conversation.events, data.draw(recut(conversation.events)))


@given(conversations(), st.data())
def test_cancel_ends_a_conversation_at_any_moment(conversation: Conversation, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(conversation.events) - 1))
    state, _ = fold(begin(conversation.request)[0], conversation.events[:at])
    laws.check_cancel(state)
    state = laws.check_stream(conversation.request, [*conversation.events[:at], CancelRequested()])
    assert isinstance(state, Cancelled)


@given(conversations(), st.data())
def test_what_comes_after_the_end_is_recorded_only(conversation: Conversation, data: st.DataObject) -> None:
    late = data.draw(st.lists(events(), max_size=4))
    end, _ = fold(begin(conversation.request)[0], conversation.events)
    state = laws.check_stream(conversation.request, [*conversation.events, *late])
    assert state == replace(end, run=replace(end.run, late=Log(late)))


@given(conversations())
def test_a_run_handed_over_through_json_and_resumed_says_the_same(conversation: Conversation) -> None:
    """Law 1, through JSON: the first calls are handed over, and run by the next run, as in another process."""
    happened = conversation.events
    tools = [i for i, e in enumerate(happened) if isinstance(e, OF_TOOLS)]
    at = tools[0] if tools else len(happened)
    handed_over, effects = fold(begin(replace(conversation.request, execute_tools=False))[0], happened[:at])
    assert isinstance(handed_over, Completed)
    assert all(isinstance(effect, RequestTurn) for effect in effects)
    if at < len(happened):
        said = messages_from_json(messages_to_json(history(handed_over))).unwrap()
        resumed, _ = begin(replace(conversation.request, messages=Log(said)))
        handed_over, _ = fold(resumed, happened[at:])
    assert isinstance(handed_over, Completed)
    assert history(handed_over) == final_messages(conversation)


@given(deferred_conversations(), st.lists(events(), max_size=3))
def test_a_deferred_conversation_ends_in_the_calls_that_await_approval(
    conversation: Conversation, late: list[Event]
) -> None:
    state = laws.check_stream(conversation.request, conversation.events)
    assert isinstance(state, AwaitingApproval)
    assert (tuple(state.run.late), state.run.rounds) == ((), conversation.rounds)
    # Begun again with nothing approved, it is where it was.
    again, effects = begin(replace(conversation.request, messages=Log(history(state))))
    assert isinstance(again, AwaitingApproval)
    assert (effects, again.calls, history(again)) == ((), state.calls, history(state))
    assert laws.check_stream(conversation.request, [*conversation.events, *late]) == replace(
        state, run=replace(state.run, late=Log(late))
    )


@given(conversations())
def test_approved_between_runs_through_json_a_conversation_says_the_same(conversation: Conversation) -> None:
    """Law 1, through JSON: where nobody is asked, each run ends in what needs approval, and another goes on."""
    request = replace(conversation.request, approvals="deferred")
    state, _ = begin(request)
    todo = list(conversation.events)
    while todo:
        if not isinstance(state, RunningTools | AwaitingApproval):
            state, _ = step(state, todo.pop(0))
            continue
        together = next((i for i, e in enumerate(todo) if not isinstance(e, OF_TOOLS)), len(todo))
        happened, todo = [e for e in todo[:together] if isinstance(e, OF_TOOLS)], todo[together:]
        assert happened, "nothing happens to what still waits"
        waiting = _waiting(state)
        state, _ = fold(state, [e for e in happened if e.call_id not in waiting])
        if waiting:
            assert isinstance(state, AwaitingApproval)
            said = messages_from_json(messages_to_json(history(state))).unwrap()
            approved = {e.call_id for e in happened if isinstance(e, ToolApproved)}
            state, _ = begin(replace(request, messages=Log(_decided(said, waiting, approved, happened))))
            later = [e for e in happened if e.call_id in approved and not isinstance(e, ToolApproved)]
            state, _ = fold(state, later)
    assert isinstance(state, Completed)
    known = len(conversation.request.messages)
    assert _as_before_approval(history(state), known) == final_messages(conversation)


def _waiting(state: StreamState) -> set[str]:
    match state:
        case RunningTools(calls=calls, answers=answers):
            return {call.id for call, answer in zip(calls, answers, strict=True) if answer == "approval"}
        case AwaitingApproval(calls=calls):
            return {call.id for call in calls}
        case _:
            raise AssertionError(state)


def _decided(
    said: tuple[Message, ...], waiting: set[str], approved: set[str], happened: Sequence[Event]
) -> list[Message]:
    """The messages with the calls that are `approved` marked as such, and the other `waiting` ones denied."""
    last = max(i for i, message in enumerate(said) if isinstance(message, ToolCallMessage))
    called = said[last]
    assert isinstance(called, ToolCallMessage)
    names = {call.id: call.name for call in called.calls}
    marked = _with_calls(called, lambda call: replace(call, approval="given" if call.id in approved else call.approval))
    decided: list[Message] = [*said[:last], marked, *said[last + 1 :]]
    for event in happened:
        if isinstance(event, ToolReturned) and event.call_id in waiting - approved:
            decided.append(ToolResultMessage(event.call_id, names[event.call_id], event.parts, event.is_error))
    return decided


def _as_before_approval(said: tuple[Message, ...], known: int) -> tuple[Message, ...]:
    """`said`, with the approvals taken back that its messages after the first `known` ones were given."""
    asked = (_with_calls(message, _unapproved) for message in said[known:])
    return (*said[:known], *asked)


def _unapproved(call: ToolCall) -> ToolCall:
    return replace(call, approval="needed") if call.approval == "given" else call


def _with_calls(message: Message, change: Callable[[ToolCall], ToolCall]) -> Message:
    """`message` with its calls changed, if it has any that run."""
    if not isinstance(message, ToolCallMessage):
        return message
    parts = [change(part) if isinstance(part, ToolCall) else part for part in message.parts]
    return ToolCallMessage(parts, finish=message.finish, usage=message.usage, origin=message.origin)
