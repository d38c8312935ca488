"""The strategies draw what they promise: well-formed turns and conversations, valid chats, and bent ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeGuard

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from punk.core.effects import RunTools
from punk.core.events import CallStarted, Event, TextDelta, ThinkingDelta, ThinkingSealed, TurnEnded, TurnStarted
from punk.core.history import valid_history
from punk.core.log import Log
from punk.core.messages import ToolResultMessage
from punk.core.parts import ImagePart
from punk.core.request import Request
from punk.core.state import AwaitingApproval, RunningTools, Streaming, StreamState
from punk.core.step import begin, fold
from punk.core.tool_events import ToolApproved, ToolProgressed, ToolReturned
from punk.llm.chat import Chat
from punk.testing import laws, strategies
from punk.testing.strategies import (
    Conversation,
    bent,
    chats,
    conversations,
    deferred_conversations,
    messages,
    recut,
    requests,
    turns,
)


@given(turns(), turns(calls=2))
def test_a_turn_begins_and_ends_and_breaks_no_order(one: tuple[Event, ...], other: tuple[Event, ...]) -> None:
    for turn in (one, other):
        assert isinstance(turn[-1], TurnEnded)
        assert sum(isinstance(event, TurnStarted) for event in turn) == 1
        state, _ = fold(begin(Request(Log()))[0], turn[:-1])
        assert isinstance(state, Streaming)
        assert not any(state.turn.open)
    assert sum(isinstance(event, CallStarted) for event in other) == 2
    assert not any(isinstance(event, CallStarted) for event in one)


@given(chats())
def test_a_chat_is_valid(chat: Chat) -> None:
    assert valid_history(chat.messages) == chat.messages
    assert Chat.from_json(chat.to_json()) == chat


@given(st.data())
def test_cutting_anew_keeps_what_was_said(data: st.DataObject) -> None:
    events = data.draw(conversations()).events
    anew = data.draw(recut(events))
    for kind in (TextDelta, ThinkingDelta):
        said = "".join(event.text for event in events if isinstance(event, kind))
        assert "".join(event.text for event in anew if isinstance(event, kind)) == said


# Only to see that there is one: no need to make it small.
SEARCH = settings(phases=[Phase.generate], max_examples=1000, derandomize=True, database=None, deadline=None)


@pytest.mark.parametrize(
    "is_found",
    [
        lambda c: c.rounds == 3,
        lambda c: sum(isinstance(e, TurnEnded) and e.finish.reason == "pause" for e in c.events) == 2,
        lambda c: any(isinstance(e, ThinkingSealed) and e.signature for e in c.events),
        lambda c: any(isinstance(state, RunningTools) and len(state.calls) == 2 for state in _states(c)),
        lambda c: _interleaved(c.events),
        lambda c: any(isinstance(e, ToolApproved) for e in c.events),
        lambda c: any("approval" in s.answers and "result" in s.answers for s in _states(c) if _runs_tools(s)),
        lambda c: any(isinstance(e, ToolProgressed) and e.progress is not None for e in c.events),
        lambda c: any(isinstance(e, ToolReturned) and any(isinstance(p, ImagePart) for p in e.parts) for e in c.events),
    ],
    ids=[
        "three rounds",
        "two pauses",
        "a signature",
        "two calls",
        "interleaved blocks",
        "an approval",
        "one awaits approval while another runs",
        "progress",
        "an image as a result",
    ],
)
def test_conversations_of_every_kind_are_drawn(is_found: Callable[[Conversation], bool]) -> None:
    find(conversations(), is_found, settings=SEARCH)


@pytest.mark.parametrize(
    "is_found",
    [
        lambda c: c.rounds == 2,
        lambda c: any(isinstance(e, ToolReturned) for e in c.events),
        lambda c: any(isinstance(s, AwaitingApproval) and len(s.calls) == 2 for s in _states(c)),
    ],
    ids=["a pause before", "a sibling that ran", "two calls that wait"],
)
def test_deferred_conversations_of_every_kind_are_drawn(is_found: Callable[[Conversation], bool]) -> None:
    find(deferred_conversations(), is_found, settings=SEARCH)


@pytest.mark.parametrize("approvals", ["asked", "deferred"])
def test_requests_begin_with_calls_that_were_approved_and_that_were_not(approvals: str) -> None:
    def awaits(request: Request) -> bool:
        state, _ = begin(request)
        return request.approvals == approvals and (
            isinstance(state, AwaitingApproval) or (_runs_tools(state) and "approval" in state.answers)
        )

    def runs(request: Request) -> bool:
        guarded = {tool.name for tool in request.tools if tool.requires_approval}
        _, effects = begin(request)
        running = [call for effect in effects if isinstance(effect, RunTools) for call in effect.calls]
        approved = [call for call in running if call.approval == "given" and call.name in guarded]
        return request.approvals == approvals and approved != []

    def remembers(request: Request) -> bool:
        state, _ = begin(request)
        guarded = {tool.name for tool in request.tools if tool.requires_approval}
        calls = state.calls if isinstance(state, AwaitingApproval) or _runs_tools(state) else ()
        free = [call for call in calls if call.approval == "needed" and call.name not in guarded]
        return request.approvals == approvals and free != []

    find(requests(), awaits, settings=SEARCH)
    find(requests(), runs, settings=SEARCH)
    find(requests(), remembers, settings=SEARCH)


def test_results_are_texts_and_parts() -> None:
    results = messages().filter(lambda message: isinstance(message, ToolResultMessage))
    find(results, lambda m: len(m.parts) == 1 and m.content != "", settings=SEARCH)
    find(results, lambda m: any(isinstance(part, ImagePart) for part in m.parts), settings=SEARCH)


def test_bending_leaves_enough_of_a_conversation_to_run_calls() -> None:
    """Were each bent conversation cut short by a violation, law 11 would be tried on next to nothing."""

    def runs_calls_after_being_bent(drawn: tuple[Conversation, tuple[Event, ...]]) -> bool:
        conversation, events = drawn
        _, effects = fold(begin(conversation.request)[0], events)
        return events != conversation.events and any(isinstance(effect, RunTools) for effect in effects)

    both = conversations().flatmap(lambda conversation: st.tuples(st.just(conversation), bent(conversation.events)))
    find(both, runs_calls_after_being_bent, settings=SEARCH)


def _runs_tools(state: StreamState) -> TypeGuard[RunningTools]:
    return isinstance(state, RunningTools)


def _states(conversation: Conversation) -> list[StreamState]:
    state, _ = begin(conversation.request)
    states: list[StreamState] = []
    for event in conversation.events:
        state, _ = fold(state, [event])
        states.append(state)
    return states


def _interleaved(events: tuple[Event, ...]) -> bool:
    blocks = [event.block for event in events if isinstance(event, TextDelta | ThinkingDelta)]
    return any(blocks[i] == blocks[i + 2] != blocks[i + 1] for i in range(len(blocks) - 2))


def test_what_is_public_is_there() -> None:
    assert [name for name in strategies.__all__ if not hasattr(strategies, name)] == []
    assert laws.check_stream.__doc__
