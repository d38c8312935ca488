"""Folds the beginning and the end of function calls: a call is whole only if all that is said of it agrees."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from punk.core.events import CallDelta, CallEnded, CallStarted
from punk.core.failures import Malformed
from punk.core.json import JsonObject, same_json
from punk.core.provider_data import ProviderData
from punk.providers.openai.responses import wire
from punk.providers.openai.responses.settings import FAMILY
from punk.providers.openai.responses.turn import (
    Call,
    Closed,
    EarlyArguments,
    Key,
    Step,
    Turn,
    WholeCall,
    failed,
    makes_way,
    violated,
    with_item,
)

_IN_EVERY_CALL: Final = frozenset({"type", "call_id", "name", "arguments", "status"})


def call_begins(turn: Turn, key: Key, item: JsonObject) -> Step:
    """The answer after the call `item` began; arguments that came before it are its own."""
    call = wire.CALL.check(item)
    if isinstance(call, Malformed):
        return failed(call)
    early = turn.items.get(key)
    turn, said = makes_way(turn, key)
    block, call_id, name = turn.blocks, call.get("call_id") or None, call.get("name") or None
    stated = early.stated if isinstance(early, EarlyArguments) else None
    turn = with_item(turn, key, Call(call.get("id"), block, call_id, name, stated), new_blocks=1)
    if turn.reason == "stop":
        turn = replace(turn, reason="tool_use")
    said = (*said, CallStarted(block, call_id, name or ""))
    if isinstance(early, EarlyArguments) and early.pieces:
        arguments = "".join(early.pieces)
        return turn.hears(block, arguments), (*said, CallDelta(block, arguments))
    return turn, said


def call_ends(turn: Turn, key: Key, call: Call, item: JsonObject) -> Step:
    """The answer after `call` ended as `item`."""
    whole = wire.CALL.check(item)
    if isinstance(whole, Malformed):
        return failed(whole)
    stated, arguments = call.stated, whole.get("arguments") or call.stated
    differ = stated is not None and arguments is not None and not same_json(stated, arguments)
    if differ or whole.get("status") == "incomplete" or not _agrees(call, whole):
        # A call that was stated in two ways, or as half a call, is not whole.
        return with_item(turn, key, Closed(whole.get("id"))), ()
    rest: JsonObject = {name: value for name, value in item.items() if name not in _IN_EVERY_CALL and value is not None}
    was = WholeCall(call.call_id, call.name, arguments or turn.said_in(call.block) or "{}")
    ended = CallEnded(call.block, arguments, ProviderData.of(FAMILY, rest) if rest else None)
    return with_item(turn, key, Closed(whole.get("id"), was)), (ended,)


def call_again(turn: Turn, call: WholeCall, item: JsonObject, *, is_same: bool) -> Step:
    """The answer after `item` was said where `call` was whole; `is_same` if it has the same id."""
    again = wire.CALL.check(item)
    if isinstance(again, Malformed):
        return failed(again)
    if not is_same and (call.call_id is None or again.get("call_id") != call.call_id):
        return turn, ()
    arguments = again.get("arguments")
    if not _agrees(call, again) or (arguments and not same_json(arguments, call.arguments)):
        return violated("a call that was whole was stated otherwise")
    return turn, ()


def _agrees(call: Call | WholeCall, stated: wire.CallItem) -> bool:
    """Whether `stated` may be `call`. What either does not say is no contradiction."""
    pairs = ((call.call_id, stated.get("call_id")), (call.name, stated.get("name")))
    return all(one == other for one, other in pairs if one and other)
