"""The laws of the core as plain functions: each raises `AssertionError`, and says why, where one is broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from returns.methods import unwrap_or_failure

from punk.core.codec import messages_from_json, messages_to_json
from punk.core.effects import Abandon, Effect, RequestTurn
from punk.core.events import CancelRequested, Event, TextDelta, ThinkingDelta, TurnEnded, TurnRequested
from punk.core.messages import AssistantMessage, Message, ToolCallMessage, ToolResultMessage
from punk.core.request import Request
from punk.core.state import (
    AwaitingApproval,
    Cancelled,
    Completed,
    Failed,
    RunningTools,
    Streaming,
    StreamState,
    Waiting,
    history,
)
from punk.core.step import begin, fold, step
from punk.core.tool_events import ToolReturned
from punk.testing.call_laws import check_calls_that_run, check_starts
from punk.testing.retry_laws import check_retries

__all__ = [
    "check_calls_that_run",
    "check_cancel",
    "check_fold_splits",
    "check_growth",
    "check_history",
    "check_json",
    "check_nothing_is_lost",
    "check_recut",
    "check_retries",
    "check_starts",
    "check_step",
    "check_stream",
]


def check_stream(request: Request, events: Sequence[Event]) -> StreamState:
    """Every law below, over `events` one by one from the beginning of `request`; gives the last state."""
    state, effects = begin(request)
    asked = list(effects)
    check_history(state)
    check_calls_that_run(state, effects)
    for event in events:
        after, effects = check_step(state, event)
        asked.extend(effects)
        check_growth(state, after)
        check_history(after)
        check_calls_that_run(after, effects)
        state = after
    check_nothing_is_lost(state)
    check_starts(state)
    check_retries(state)
    check_cancel(state)
    for at in (0, len(events) // 2, len(events)):
        check_fold_splits(request, events, at)
    check_json(history(state))
    requests = [effect for effect in asked if isinstance(effect, RequestTurn)]
    noted = [entry for entry in state.log if isinstance(entry, TurnRequested)]
    _expect(len(requests) == len(noted), f"{len(requests)} requests were made, and {len(noted)} noted")
    rounds = len({effect.round for effect in requests})
    _expect(rounds == state.run.rounds, f"{rounds} turns were requested, and the run counts {state.run.rounds}")
    return state


def check_fold_splits(request: Request, events: Sequence[Event], at: int) -> None:
    """Law 1: folding in two parts gives the same state and effects as folding at once."""
    state, _ = begin(request)
    whole, effects = fold(state, events)
    middle, first = fold(state, events[:at])
    last, second = fold(middle, events[at:])
    _expect(whole == last, f"folding in two parts, cut at {at}, gives another state")
    _expect(effects == first + second, f"folding in two parts, cut at {at}, asks for other effects")


def check_step(state: StreamState, event: Event) -> tuple[StreamState, tuple[Effect, ...]]:
    """Laws 2 and 3: `step` raises nothing, leaves the old state as it was, records `event` once, and a terminal state
    absorbs it."""
    before = (repr(state), history(state))
    try:
        after, effects = step(state, event)
    except Exception as error:
        raise AssertionError(f"step raised {error!r} at {event!r} in {type(state).__name__}") from error
    _expect(before == (repr(state), history(state)), f"{event!r} changed the state before it")
    applied = tuple(after.log)[len(state.log) :][:1] == (event,) and after.run.late == state.run.late
    put_aside = after.log == state.log and after.run.late == state.run.late.append(event)
    _expect(applied != put_aside, f"{event!r} is not recorded once, in the log or among the late events")
    if isinstance(state, Completed | AwaitingApproval | Cancelled | Failed):
        _expect(effects == (), f"{type(state).__name__} asked for {effects} at {event!r}")
        _expect(type(after) is type(state), f"{event!r} led from {type(state).__name__} to {type(after).__name__}")
        _expect(after.log == state.log, f"{event!r} was applied to {type(state).__name__}")
        _expect(history(after) == history(state), f"{event!r} changed the messages of {type(state).__name__}")
    elif isinstance(after, Completed):
        _expect(isinstance(event, TurnEnded), f"{event!r} completed a stream: only a turn's end can")
    elif isinstance(after, AwaitingApproval):
        _expect(isinstance(event, TurnEnded | ToolReturned), f"{event!r} left a stream to be approved")
    return after, effects


def check_growth(before: StreamState, after: StreamState) -> None:
    """Law 4: content, thinking, the log and the history only grow at their end."""
    entries = tuple(before.log)
    _expect(tuple(after.log)[: len(entries)] == entries, "the log changed before its end")
    for name, kind in (("content", TextDelta), ("thinking", ThinkingDelta)):
        said = "".join(entry.text for entry in before.log if isinstance(entry, kind))
        now = "".join(entry.text for entry in after.log if isinstance(entry, kind))
        _expect(now.startswith(said), f"the {name} changed before its end: {said!r} became {now!r}")
    done = tuple(before.run.messages)
    _expect(history(after)[: len(done)] == done, "the messages of finished turns changed")
    if isinstance(before, Streaming) and len(history(before)) > len(done):
        # Blocks that interleave grow in their middle, so it is the characters that are counted.
        partial = history(before)[-1].content
        grown = "".join(message.content for message in history(after)[len(done) :][:1])
        _expect(Counter(partial) <= Counter(grown), f"the partial answer {partial!r} became {grown!r}")


def check_nothing_is_lost(state: StreamState) -> None:
    """Law 6: the text and thinking of the messages that this run added are those of the log's deltas, joined."""
    said: list[Message] = list(history(state))[_given(state) :]
    texts = "".join(message.content for message in said if isinstance(message, AssistantMessage | ToolCallMessage))
    thoughts = "".join(part.text for message in said for part in message.thinking_blocks)
    _same_characters("text", texts, (entry.text for entry in state.log if isinstance(entry, TextDelta)))
    _same_characters("thinking", thoughts, (entry.text for entry in state.log if isinstance(entry, ThinkingDelta)))


def check_recut(request: Request, events: Sequence[Event], recut: Sequence[Event]) -> None:
    """Law 7: the same events with their deltas cut elsewhere give the same messages and effects."""
    state, _ = begin(request)
    one, asked = fold(state, events)
    other, asked_again = fold(state, recut)
    _expect(history(one) == history(other), "cutting the deltas elsewhere changed the messages")
    _expect(asked == asked_again, "cutting the deltas elsewhere changed the effects")


def check_cancel(state: StreamState) -> None:
    """Law 9: cancelling ends any live state, keeps what has arrived, and lets go once."""
    after, effects = step(state, CancelRequested())
    _expect(history(after) == history(state), "cancelling changed the messages")
    if isinstance(state, Streaming | RunningTools | Waiting):
        _expect(isinstance(after, Cancelled), f"cancelling led from {type(state).__name__} to {type(after).__name__}")
        _expect(effects == (Abandon(),), f"cancelling asked for {effects}")
        again, more = step(after, CancelRequested())
        _expect(isinstance(again, Cancelled) and more == (), "cancelling twice is more than cancelling once")


def check_history(state: StreamState) -> None:
    """Law 19: the history is valid for the next request, but for calls that were handed over on purpose, and those that
    somebody has to approve, in which it ends."""
    said = history(state)
    handed_over = isinstance(state, Completed) and not state.run.request.execute_tools
    waiting = [call.id for call in state.calls] if isinstance(state, AwaitingApproval) else []
    left: list[str] = []
    for index, message in enumerate(said):
        if isinstance(message, ToolCallMessage):
            ids = [call.id for call in message.calls]
            answered = [m.call_id for m in _results_after(said, index)]
            last = index + len(answered) + 1 == len(said)
            left = [id_ for id_ in waiting if id_ in ids] if last else []
            expected = [id_ for id_ in ids if id_ not in left]
            complete = set(answered) <= set(ids) if handed_over and last else answered == expected
            _expect(complete, f"the calls {ids} of message {index} have the results {answered}")
        elif isinstance(message, ToolResultMessage):
            before = said[index - 1] if index else None
            follows = isinstance(before, ToolCallMessage | ToolResultMessage)
            _expect(follows, f"message {index} is a result that follows no call")
    _expect(left == waiting, f"{waiting} await approval, and the history ends in {left}")
    if isinstance(state, AwaitingApproval):
        _expect(waiting != [], "a stream was left to be approved, and no call awaits that")


def check_json(messages: Iterable[Message]) -> None:
    """Law 18: messages survive being written as JSON and read again."""
    said = tuple(messages)
    read = unwrap_or_failure(messages_from_json(messages_to_json(said)))
    _expect(read == said, f"{said} came back from JSON as {read}")


def _expect(true: bool, otherwise: str) -> None:
    if not true:
        raise AssertionError(otherwise)


def _given(state: StreamState) -> int:
    """How many messages the run began with."""
    first, _ = begin(state.run.request)
    return len(first.run.messages)


def _same_characters(what: str, kept: str, deltas: Iterable[str]) -> None:
    # Blocks that interleave put their deltas in another order, so it is the characters that are counted.
    said = "".join(deltas)
    _expect(sorted(kept) == sorted(said), f"the messages hold the {what} {kept!r}, and the deltas were {said!r}")


def _results_after(said: Sequence[Message], index: int) -> list[ToolResultMessage]:
    results: list[ToolResultMessage] = []
    for message in said[index + 1 :]:
        if not isinstance(message, ToolResultMessage):
            break
        results.append(message)
    return results
