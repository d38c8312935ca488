"""The laws of calls: which run, and when one may start."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from punk.core.effects import Effect, RunTools
from punk.core.events import (
    ApprovalNeeded,
    CallDelta,
    CallEnded,
    CallSealed,
    CallStarted,
    LogEntry,
    TurnEnded,
    TurnRequested,
)
from punk.core.json import parse_json, parse_object
from punk.core.parts import ToolCall
from punk.core.request import Request
from punk.core.state import StreamState
from punk.core.tool_events import ToolApproved, ToolProgressed, ToolReturned, ToolStarted


def check_calls_that_run(state: StreamState, effects: Iterable[Effect]) -> None:
    """Law 11: what runs was started, closed and sealed once, by a turn that allows it; its arguments are its deltas
    joined, one JSON object; its id is distinct. Calls that the request itself left open were sealed alone. Those that
    need approval are named, where somebody is asked, and do not run where nobody is."""
    rounds = [effect for effect in effects if isinstance(effect, RunTools)]
    running = [call for effect in rounds for call in effect.calls]
    ids = [call.id for call in running]
    _expect(len(set(ids)) == len(ids), f"two calls that run share an id: {ids}")
    for call in running:
        _expect(parse_object(call.arguments).value_or(None) is not None, f"{call!r} runs without an object")
        _expect(CallSealed(call) in tuple(state.log), f"{call!r} runs unsealed")
    named = {id_ for effect in rounds for id_ in effect.unapproved}
    guarded = {call.id for call in running if needs_approval(state.run.request, call)}
    _expect(named == guarded, f"{guarded} need approval, and it is asked for {named}")
    asked = state.run.request.approvals == "asked"
    _expect(asked or not guarded, f"{guarded} run, and nobody can approve them")
    turn = _last_turn(state)
    if not turn or not running:
        return
    ends = [entry for entry in turn if isinstance(entry, TurnEnded)]
    _expect(len(ends) == 1, f"calls run in a turn with {len(ends)} ends")
    _expect(ends[0].finish.reason in ("stop", "tool_use", None), f"calls run after {ends[0].finish!r}")
    started = [entry for entry in turn if isinstance(entry, CallStarted)]
    whole = {entry.block: arguments for entry in started for arguments in _arguments(turn, entry.block)}
    for call in running:
        blocks = [entry.block for entry in started if entry.name == call.name and _is_named(call.id, entry, started)]
        same = [block for block in blocks if block in whole and _agree(whole[block], call.arguments)]
        _expect(same != [], f"{call!r} runs, and no block that was started and ended once says so: {started}")
        del whole[same[0]]


def check_starts(state: StreamState) -> None:
    """Law 11 as well: what was sealed starts at most once, is silent before that, and gives one result; what needs
    approval has that before its start, and before any result but an error. Calls of guarded tools say so themselves,
    once their turn has ended."""
    requested = False
    waiting: dict[str, ToolCall] = {}
    unapproved: set[str] = set()
    started: set[str] = set()
    for entry in state.log:
        match entry:
            case TurnRequested():
                requested = True
            case CallSealed(call=call):
                marked = call.approval is not None or not needs_approval(state.run.request, call)
                _expect(marked or not requested, f"{call!r} needs approval, and does not say so")
                waiting[call.id] = call
                started.discard(call.id)
                if needs_approval(state.run.request, call):
                    unapproved.add(call.id)
            case ApprovalNeeded(call=call):
                _expect(call.id in unapproved, f"{call!r} needs approval, and nothing says so")
            case ToolApproved(call_id=call_id):
                _expect(call_id in unapproved, f"{call_id} was approved, which did not await it")
                unapproved.discard(call_id)
            case ToolStarted(call_id=call_id):
                _expect(call_id in waiting and call_id not in started, f"{call_id} started twice, or unsealed")
                _expect(call_id not in unapproved, f"{call_id} started, and nobody approved it")
                started.add(call_id)
            case ToolProgressed(call_id=call_id):
                _expect(call_id in waiting and call_id in started, f"{call_id} gets on, and does not run")
            case ToolReturned(call_id=call_id, is_error=is_error):
                _expect(is_error or call_id in waiting, f"{call_id} gave a second result, or ran unsealed")
                _expect(is_error or call_id not in unapproved, f"{call_id} gave a result, and nobody approved it")
                waiting.pop(call_id, None)
                unapproved.discard(call_id)
            case _:
                pass


def needs_approval(request: Request, call: ToolCall) -> bool:
    """Whether `call` may only run once somebody approves it, which nobody has."""
    guarded = any(tool.name == call.name and tool.requires_approval for tool in request.tools)
    return (guarded and call.approval is None) or call.approval == "needed"


def _expect(true: bool, otherwise: str) -> None:
    if not true:
        raise AssertionError(otherwise)


def _last_turn(state: StreamState) -> list[LogEntry]:
    entries = list(state.log)
    starts = [index for index, entry in enumerate(entries) if isinstance(entry, TurnRequested)]
    return entries[starts[-1] :] if starts else []


def _is_named(id_: str, started: CallStarted, others: Sequence[CallStarted]) -> bool:
    """Whether a call may have `id_`: the one it was given, if it is the first with it; another where it has none."""
    given = [entry for entry in others if entry.id == id_]
    return given[0] is started if given else not started.id


def _arguments(turn: Sequence[LogEntry], block: int) -> list[str]:
    """The arguments of the call in `block`, if it was started and ended once, and does not contradict itself."""
    started = [entry for entry in turn if isinstance(entry, CallStarted) and entry.block == block]
    ended = [entry for entry in turn if isinstance(entry, CallEnded) and entry.block == block]
    if len(started) != 1 or len(ended) != 1:
        return []
    joined = "".join(entry.arguments for entry in turn if isinstance(entry, CallDelta) and entry.block == block)
    whole = ended[0].arguments
    if joined and whole is not None and not _agree(joined, whole):
        return []
    return [joined or whole or "{}"]


def _agree(one: str, other: str) -> bool:
    return one == other or parse_json(one).value_or(one) == parse_json(other).value_or(other)
