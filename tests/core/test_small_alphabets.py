"""Law 20: every stream that a few letters can spell, up to a stated length, keeps the laws."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace

import pytest

from punk.core.events import (
    CallDelta,
    CallEnded,
    CallStarted,
    CancelRequested,
    Event,
    OpaqueStarted,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TurnEnded,
)
from punk.core.messages import Finish
from punk.core.request import Request
from punk.core.state import AwaitingApproval, Cancelled, Completed, Failed, RunningTools, Streaming, StreamState
from punk.core.step import begin, fold
from punk.core.tool_events import ToolAbortRequested, ToolApproved, ToolProgressed, ToolReturned, ToolStarted
from punk.testing import laws
from tests.core.talk import ASKED, DEFERRED, WITH_TOOLS, WITHOUT_TOOLS, possible, say
from tests.core.test_readers import ThinkingReader

RAW: tuple[Event, ...] = (
    TextDelta(0, "x"),
    ThinkingDelta(0, "t"),
    ThinkingSealed(0, "s"),
    CallStarted(0, "a", "f"),
    CallStarted(1, "a", "g"),
    CallDelta(0, "{"),
    CallDelta(0, "}"),
    CallEnded(0),
    CallEnded(1, "{}"),
    OpaqueStarted(1, "k"),
    TurnEnded(Finish("tool_use")),
    TurnEnded(Finish("max_tokens")),
    ToolStarted("a"),
    ToolReturned("a", "r"),
    ToolAbortRequested("a", "no"),
    CancelRequested(),
)
RAW_LENGTH = 5
# Said of a call that needs approval and of one that needs none.
OF_TOOLS: tuple[Event, ...] = (
    ToolApproved("call_1_0"),
    ToolStarted("call_1_0"),
    ToolProgressed("call_1_0"),
    ToolReturned("call_1_0", "r"),
    ToolReturned("call_1_0", "no", is_error=True),
    ToolApproved("call_1_1"),
    ToolStarted("call_1_1"),
    ToolReturned("call_1_1", "r"),
    ToolAbortRequested("call_1_0", "no"),
    CancelRequested(),
)
TALK_LENGTH = 6


@pytest.mark.parametrize("handed_over", [False, True])
def test_every_raw_stream_of_up_to_five_events(handed_over: bool) -> None:
    request = replace(WITH_TOOLS, max_rounds=2, execute_tools=not handed_over)
    ran = 0
    todo = [(begin(request)[0], 0)]
    while todo:
        state, length = todo.pop()
        for event in RAW:
            after, effects = laws.check_step(state, event)
            laws.check_history(after)
            laws.check_growth(state, after)
            laws.check_calls_that_run(after, effects)
            ran += isinstance(after, RunningTools)
            # What comes after an end changes nothing, as check_step sees: one event after it is enough.
            if length + 1 < RAW_LENGTH and isinstance(state, Streaming | RunningTools):
                todo.append((after, length + 1))
    assert (ran == 0) == handed_over


@pytest.mark.parametrize("request_", [ASKED, DEFERRED], ids=["asked", "deferred"])
def test_every_order_of_what_tools_say_of_two_calls(request_: Request) -> None:
    """Up to five events, one call needing approval: every law on the way, and what runs was allowed to."""
    state, _ = begin(request_)
    for letter in "gc.":
        state, _ = fold(state, say(state, letter))
    ends: set[type] = set()
    todo = [(state, 0)]
    while todo:
        state, length = todo.pop()
        laws.check_starts(state)
        laws.check_history(state)
        ends.add(type(state))
        if length < RAW_LENGTH and isinstance(state, RunningTools):
            todo.extend((laws.check_step(state, event)[0], length + 1) for event in OF_TOOLS)
    assert ends == {RunningTools, Cancelled, Failed, Streaming if request_ is ASKED else AwaitingApproval}


@pytest.mark.parametrize(
    ("request_", "spoken", "ends"),
    [
        (ASKED, "cg.kaspdr", {Streaming, RunningTools, Completed, Cancelled}),
        (DEFERRED, "cg.kspr", {Streaming, RunningTools, Completed, Cancelled, AwaitingApproval}),
    ],
    ids=["asked", "deferred"],
)
def test_every_script_with_approvals_keeps_the_laws(request_: Request, spoken: str, ends: set[type]) -> None:
    """Up to six letters, all of them calls, ends of turns, and what tools say: nothing fails."""
    letters: set[str] = set()
    led_to: set[type] = set()
    todo = [("", begin(request_)[0])]
    while todo:
        script, state = todo.pop()
        letters.update(script)
        led_to.add(type(state))
        laws.check_starts(state)
        laws.check_history(state)
        if len(script) < TALK_LENGTH:
            for letter in set(possible(state)) & set(spoken):
                after, effects = fold(state, say(state, letter))
                laws.check_calls_that_run(after, effects)
                todo.append((script + letter, after))
    assert (letters, led_to) == (set(spoken), ends)


def scripts(request: Request, length: int) -> Iterator[tuple[str, StreamState]]:
    """Every script of up to `length` letters, and where it leads."""
    todo = [("", begin(request)[0])]
    while todo:
        script, state = todo.pop()
        yield script, state
        if len(script) < length:
            todo.extend((script + letter, fold(state, say(state, letter))[0]) for letter in possible(state))


@pytest.mark.parametrize("request_", [WITH_TOOLS, WITHOUT_TOOLS], ids=["with tools", "without"])
def test_every_script_is_read_alike_by_the_model_of_thinking(request_: Request) -> None:
    """At every moment of every script of up to six letters: readers that have read at all moments before, at none,
    or only at the first ones, are told what the model says."""
    todo: list[tuple[int, StreamState, tuple[ThinkingReader, ...]]] = [(0, begin(request_)[0], (ThinkingReader(),) * 2)]
    told = 0
    while todo:
        length, state, (eager, lazy) = todo.pop()
        eager, late = deepcopy((eager, lazy))
        for _ in range(3):
            eager.read_on(state)
            late.read_on(state)
        told += len(late.read)
        if length < TALK_LENGTH:
            for letter in possible(state).replace("h", ""):
                todo.append((length + 1, fold(state, say(state, letter))[0], (eager, lazy)))
    assert told > 0


def test_a_script_completes_only_by_its_last_turns_end() -> None:
    for script, state in scripts(WITH_TOOLS, 6):
        if isinstance(state, Completed):
            assert script.endswith(".")
            assert "c" not in script[script.rfind("r") + 1 :]
