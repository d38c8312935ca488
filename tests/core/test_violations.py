"""An event that cannot come where it does ends the stream with a value that says who spoke wrongly, when and what."""

from __future__ import annotations

import pytest

from punk.core.effects import Abandon, Effect
from punk.core.events import (
    CallDelta,
    CallEnded,
    CallStarted,
    Event,
    OpaqueEnded,
    OpaqueStarted,
    RefusalDelta,
    TextAnnotated,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TurnEnded,
    TurnStarted,
    UsageReported,
)
from punk.core.failures import (
    ProtocolViolation,
    is_retryable,
)
from punk.core.messages import (
    Finish,
)
from punk.core.provider_data import ProviderData
from punk.core.state import Completed, Failed, StreamState, history
from punk.core.step import begin, fold
from punk.core.tool_events import ToolAbortRequested, ToolApproved, ToolProgressed, ToolReturned, ToolStarted
from punk.core.usage import Usage
from tests.core.talk import WITH_TOOLS

DATA = ProviderData.of("anthropic", {})
TWO_CALLS: tuple[Event, ...] = (
    UsageReported(Usage(5, 5)),
    CallStarted(0, "a", "f"),
    CallEnded(0),
    CallStarted(1, "b", "g"),
    CallEnded(1),
    TurnEnded(Finish("tool_use")),
)


def run(*events: Event) -> tuple[StreamState, tuple[Effect, ...]]:
    return fold(begin(WITH_TOOLS)[0], events)


VIOLATIONS: list[tuple[str, tuple[Event, ...], ProtocolViolation]] = [
    (
        "a second start",
        (TurnStarted("x"), TurnStarted("x")),
        ProtocolViolation("provider", "a second answer began inside the first", 2),
    ),
    (
        "a delta of a call that was not started",
        (CallDelta(0, "{}"),),
        ProtocolViolation("provider", "CallDelta in a block that was not started", 1),
    ),
    (
        "the end of a call that was not started",
        (CallEnded(0),),
        ProtocolViolation("provider", "CallEnded in a block that was not started", 1),
    ),
    (
        "the end of an opaque block that was not started",
        (OpaqueEnded(0, DATA),),
        ProtocolViolation("provider", "OpaqueEnded in a block that was not started", 1),
    ),
    (
        "text in a block of thinking",
        (ThinkingDelta(0, "t"), TextDelta(0, "x")),
        ProtocolViolation("provider", "TextDelta in a block of another kind", 2),
    ),
    (
        "an annotation of a refusal",
        (RefusalDelta(0, "t"), TextAnnotated(0, DATA)),
        ProtocolViolation("provider", "TextAnnotated in a block of another kind", 2),
    ),
    (
        "the seal of a call",
        (CallStarted(0, "a", "f"), ThinkingSealed(0)),
        ProtocolViolation("provider", "ThinkingSealed in a block of another kind", 2),
    ),
    (
        "thinking after its seal",
        (ThinkingDelta(0, "t"), ThinkingSealed(0), ThinkingDelta(0, "t")),
        ProtocolViolation("provider", "ThinkingDelta in a block that is closed", 3),
    ),
    (
        "arguments after their end",
        (CallStarted(0, "a", "f"), CallEnded(0), CallDelta(0, "{}")),
        ProtocolViolation("provider", "CallDelta in a block that is closed", 3),
    ),
    (
        "a second end of a call",
        (CallStarted(0, "a", "f"), CallEnded(0), CallEnded(0)),
        ProtocolViolation("provider", "CallEnded in a block that is closed", 3),
    ),
    (
        "a second end of an opaque block",
        (OpaqueStarted(0, "k"), OpaqueEnded(0, DATA), OpaqueEnded(0, DATA)),
        ProtocolViolation("provider", "OpaqueEnded in a block that is closed", 3),
    ),
    (
        "a block that starts twice",
        (CallStarted(0, "a", "f"), CallStarted(0, "a", "f")),
        ProtocolViolation("provider", "block 0 started twice", 2),
    ),
    (
        "a block that was left out",
        (TextDelta(1, "x"),),
        ProtocolViolation("punk", "block 1 started where 0 is next", 1),
    ),
    (
        "a block below the first",
        (TextDelta(-1, "x"),),
        ProtocolViolation("punk", "block -1 started where 0 is next", 1),
    ),
    (
        "an opaque block out of order",
        (OpaqueStarted(2, "k"),),
        ProtocolViolation("punk", "block 2 started where 0 is next", 1),
    ),
    (
        "a result while no tool runs",
        (TextDelta(0, "x"), ToolReturned("a", "r")),
        ProtocolViolation("punk", "ToolReturned came while no tool runs", 2),
    ),
    (
        "a start while no tool runs",
        (ToolStarted("a"),),
        ProtocolViolation("punk", "ToolStarted came while no tool runs", 1),
    ),
    (
        "an abort while no tool runs",
        (ToolAbortRequested("a", "no"),),
        ProtocolViolation("punk", "ToolAbortRequested came while no tool runs", 1),
    ),
    (
        "a result of another call",
        (*TWO_CALLS, ToolReturned("z", "r")),
        ProtocolViolation("punk", "ToolReturned came for z, which does not await it", 9),
    ),
    (
        "a second result of one call",
        (*TWO_CALLS, ToolReturned("a", "r"), ToolReturned("a", "r")),
        ProtocolViolation("punk", "ToolReturned came for a, which does not await it", 10),
    ),
    (
        "a start of another call",
        (*TWO_CALLS, ToolStarted("z")),
        ProtocolViolation("punk", "ToolStarted came for z, which does not await it", 9),
    ),
    (
        "a second start of one call",
        (*TWO_CALLS, ToolStarted("a"), ToolStarted("a")),
        ProtocolViolation("punk", "ToolStarted came for a, which does not await it", 10),
    ),
    (
        "a start after the result",
        (*TWO_CALLS, ToolReturned("a", "r"), ToolStarted("a")),
        ProtocolViolation("punk", "ToolStarted came for a, which does not await it", 10),
    ),
    (
        "progress before the start",
        (*TWO_CALLS, ToolProgressed("a", "half", 1, 2)),
        ProtocolViolation("punk", "ToolProgressed came for a, which does not await it", 9),
    ),
    (
        "progress after the result",
        (*TWO_CALLS, ToolStarted("a"), ToolReturned("a", "r"), ToolProgressed("a")),
        ProtocolViolation("punk", "ToolProgressed came for a, which does not await it", 11),
    ),
    (
        "progress while no tool runs",
        (ToolProgressed("a"),),
        ProtocolViolation("punk", "ToolProgressed came while no tool runs", 1),
    ),
    (
        "approval of a call that needs none",
        (*TWO_CALLS, ToolApproved("a")),
        ProtocolViolation("punk", "ToolApproved came for a, which does not await it", 9),
    ),
    (
        "approval while no tool runs",
        (ToolApproved("a"),),
        ProtocolViolation("punk", "ToolApproved came while no tool runs", 1),
    ),
    (
        "an abort of a call that was answered",
        (*TWO_CALLS, ToolReturned("a", "r"), ToolAbortRequested("a", "no")),
        ProtocolViolation("punk", "ToolAbortRequested came for a, which does not await it", 10),
    ),
]


@pytest.mark.parametrize(("happened", "violation"), [case[1:] for case in VIOLATIONS], ids=[c[0] for c in VIOLATIONS])
def test_a_violation_says_who_what_and_when(happened: tuple[Event, ...], violation: ProtocolViolation) -> None:
    before, _ = run(*happened[:-1])
    state, effects = fold(before, happened[-1:])
    assert isinstance(state, Failed)
    assert state.failure == violation
    assert effects == (Abandon(),)
    # What came before is kept, and the event itself is recorded without being applied.
    assert (state.log, history(state)) == (before.log, history(before))
    assert tuple(state.run.late) == happened[-1:]
    assert not is_retryable(violation)


@pytest.mark.parametrize(
    "happened",
    [
        (TextDelta(0, "a"), ThinkingDelta(1, "t"), TextDelta(0, "b")),
        (RefusalDelta(0, "a"), TextDelta(1, "t"), RefusalDelta(0, "b")),
        (TextAnnotated(0, DATA), TextDelta(0, "a"), TextAnnotated(0, DATA)),
        (ThinkingSealed(0), ThinkingDelta(1, "t")),
        (CallStarted(0, "a", "f"), OpaqueStarted(1, "k"), CallDelta(0, "{"), OpaqueEnded(1, DATA), CallDelta(0, "}")),
        (UsageReported(Usage(1)), TurnStarted("x"), UsageReported(Usage(2))),
    ],
)
def test_orders_that_are_allowed(happened: tuple[Event, ...]) -> None:
    state, _ = run(*happened, TurnEnded(Finish("max_tokens")))
    assert isinstance(state, Completed)
    assert tuple(state.run.late) == ()
