"""Writes the table of states and events from what `step` does: `python -m tests.core.state_table` rewrites it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, get_args

from punk.core.effects import Effect
from punk.core.events import (
    CallDelta,
    CallEnded,
    CallStarted,
    CancelRequested,
    Event,
    Heartbeat,
    OpaqueEnded,
    OpaqueStarted,
    RefusalDelta,
    TextAnnotated,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TimerFired,
    TurnEnded,
    TurnFailed,
    TurnStarted,
    UsageReported,
)
from punk.core.failures import Clock, Truncated
from punk.core.messages import Finish, FinishReason
from punk.core.provider_data import ProviderData
from punk.core.state import Failed, Streaming, StreamState
from punk.core.step import begin, fold, step
from punk.core.tool_events import ToolAbortRequested, ToolApproved, ToolProgressed, ToolReturned, ToolStarted
from punk.core.usage import Usage
from tests.core.talk import ASKED, DEFERRED, RETRIED, WITH_TOOLS, possible, say
from tests.support.paths import PACKAGE

TABLE: Final = PACKAGE / "core" / "STATES.md"
LENGTH: Final = 3  # letters of the scripts that lead to the states that are tried
DATA: Final = ProviderData.of("x", {})
REASONS: Final[tuple[FinishReason | None, ...]] = (*get_args(FinishReason), None)

# What is tried of each kind of event: right and wrong blocks, every reason, awaited and unknown calls.
SAMPLES: Final[Mapping[type, tuple[Event, ...]]] = {
    TurnStarted: (TurnStarted("x"),),
    TextDelta: tuple(TextDelta(block, "x") for block in range(-1, 4)),
    TextAnnotated: tuple(TextAnnotated(block, DATA) for block in range(-1, 4)),
    ThinkingDelta: tuple(ThinkingDelta(block, "x") for block in range(-1, 4)),
    ThinkingSealed: tuple(ThinkingSealed(block) for block in range(-1, 4)),
    RefusalDelta: tuple(RefusalDelta(block, "x") for block in range(-1, 4)),
    CallStarted: tuple(CallStarted(block, None, "f") for block in range(-1, 4)),
    CallDelta: tuple(CallDelta(block, "{}") for block in range(-1, 4)),
    CallEnded: tuple(CallEnded(block) for block in range(-1, 4)),
    OpaqueStarted: tuple(OpaqueStarted(block, "k") for block in range(-1, 4)),
    OpaqueEnded: tuple(OpaqueEnded(block, DATA) for block in range(-1, 4)),
    Heartbeat: (Heartbeat(),),
    UsageReported: (UsageReported(Usage(1)),),
    TurnEnded: tuple(TurnEnded(Finish(reason)) for reason in REASONS),
    TurnFailed: (TurnFailed(Truncated("cut")),),
    ToolApproved: (ToolApproved("call_1_0"), ToolApproved("unknown")),
    ToolStarted: (ToolStarted("call_1_0"), ToolStarted("unknown")),
    ToolProgressed: (ToolProgressed("call_1_0"), ToolProgressed("unknown")),
    ToolReturned: (ToolReturned("call_1_0", "r"), ToolReturned("call_1_0", "e", True), ToolReturned("unknown", "r")),
    ToolAbortRequested: (ToolAbortRequested("call_1_0", "no"), ToolAbortRequested("unknown", "no")),
    CancelRequested: (CancelRequested(),),
    TimerFired: tuple(TimerFired(timer) for timer in (*get_args(Clock), "backoff")),
}

INTRODUCTION: Final = """\
# States and events

What `step` answers to each kind of event in each state: the states it can lead to and the effects it then asks for.
Which of several depends on the event (its block, its reason, its call) and on what came before it.
*recorded* means that nothing changes but `run.late`, where the event is kept.

This table is generated from `step` by `python -m tests.core.state_table`, and a test keeps it current.
"""


def table() -> str:
    """The whole document."""
    cells: dict[str, dict[str, set[str]]] = {}
    for state in states():
        column = cells.setdefault(type(state).__name__, {})
        for kind, events in SAMPLES.items():
            for event in events:
                column.setdefault(kind.__name__, set()).add(_outcome(state, event))
    columns: dict[str, dict[str, str]] = {}
    for name in (kind.__name__ for kind in get_args(StreamState)):
        column_text = {event: "<br>".join(sorted(outcomes)) for event, outcomes in cells[name].items()}
        same = next((names for names, column in columns.items() if column == column_text), None)
        if same is not None:
            del columns[same]
        columns[f"{same}, {name}" if same else name] = column_text
    rows = [["", *columns], ["---"] * (len(columns) + 1)]
    rows += [[f"`{kind.__name__}`", *(column[kind.__name__] for column in columns.values())] for kind in SAMPLES]
    return INTRODUCTION + "\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def states() -> Iterator[StreamState]:
    """States that short scripts lead to, with rounds to spare and without, with a call or an opaque block open, and
    with calls that need approval."""
    bounded, handed_over = replace(WITH_TOOLS, max_rounds=1), replace(WITH_TOOLS, execute_tools=False)
    for request in (WITH_TOOLS, bounded, handed_over, DEFERRED, ASKED, RETRIED):
        todo = [("", begin(request)[0])]
        while todo:
            script, state = todo.pop()
            yield state
            if isinstance(state, Streaming):
                block = len(state.turn.blocks)
                yield fold(state, [TurnStarted("x"), CallStarted(block, "call_1_0", "f")])[0]
                yield fold(state, [OpaqueStarted(block, "k")])[0]
                yield fold(state, [RefusalDelta(block, "no")])[0]
            if len(script) < LENGTH:
                todo.extend((script + letter, fold(state, say(state, letter))[0]) for letter in possible(state))


def _outcome(state: StreamState, event: Event) -> str:
    after, effects = step(state, event)
    if len(after.run.late) > len(state.run.late) and type(after) is type(state):
        return "*recorded*"
    name = type(after).__name__
    if isinstance(after, Failed):
        name += f" ({type(after.failure).__name__})"
    return " + ".join([name, *(_effect(effect) for effect in effects)])


def _effect(effect: Effect) -> str:
    return type(effect).__name__


if __name__ == "__main__":
    Path(TABLE).write_text(table(), encoding="utf-8")
