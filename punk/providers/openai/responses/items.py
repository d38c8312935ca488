"""Folds the beginnings and ends of items: messages, reasoning, calls, and those that punk does not interpret.

An item is whole when its end states it again. What its deltas did not say, the end does; where both did, the deltas
were shown and stay, but for a call, whose arguments must agree. An item that only ends began just before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, assert_never

from punk.core.events import (
    CallEnded,
    CallStarted,
    OpaqueEnded,
    OpaqueStarted,
    ProviderEvent,
    TextAnnotated,
    ThinkingDelta,
    ThinkingSealed,
)
from punk.core.failures import Malformed
from punk.core.json import JsonObject, same_json
from punk.core.provider_data import ProviderData
from punk.providers.openai.responses import wire
from punk.providers.openai.responses.deltas import BLANK_LINE, say
from punk.providers.openai.responses.settings import FAMILY
from punk.providers.openai.responses.turn import (
    Call,
    Closed,
    Ended,
    Key,
    Kind,
    Message,
    Opaque,
    Open,
    Reasoning,
    Step,
    Turn,
    failed,
    violated,
    with_item,
)

_IN_EVERY_CALL: Final = frozenset({"type", "call_id", "name", "arguments", "status"})


def item_begins(turn: Turn, key: Key, item: JsonObject) -> Step:
    """The answer after `item` began; what it already holds waits for its end."""
    known = wire.OTHER.check(item)
    if isinstance(known, Malformed):
        return failed(known)
    id_, kind = known.get("id"), known["type"]
    match turn.items.get(key):
        case None:
            pass
        case Closed(id=before):
            if before == id_:
                return turn, ()
        case under_way:
            if under_way.id == id_ and is_kind(under_way, kind):
                return turn, ()
            return violated("an item began where another one is not whole yet")
    match kind:
        case "message":
            return with_item(turn, key, Message(id_)), ()
        case "reasoning":
            return with_item(turn, key, Reasoning(id_)), ()
        case "function_call":
            return _call_begins(turn, key, item)
        case _:
            begun = with_item(turn, key, Opaque(id_, turn.blocks, item), new_blocks=1)
            return begun, (OpaqueStarted(turn.blocks, kind),)


def item_ends(turn: Turn, key: Key, item: JsonObject) -> Step:
    """The answer after `item`, which is whole now."""
    said: tuple[ProviderEvent, ...] = ()
    if isinstance(turn.items.get(key), Closed | None):
        begun, said = item_begins(turn, key, item)
        if isinstance(begun, Ended):
            return begun, said
        turn = begun
    match turn.items[key]:
        case Closed():
            return turn, ()
        case under_way if not is_kind(under_way, item.get("type")):
            return violated("an item ended as another one than it began")
        case Message() as message:
            after, more = _message_ends(turn, key, message, item)
        case Reasoning() as reasoning:
            return _reasoning_ends(turn, key, reasoning, item, said)
        case Call() as call:
            after, more = _call_ends(turn, call, item)
        case Opaque(block=block):
            after, more = turn, (OpaqueEnded(block, ProviderData.of(FAMILY, item)),)
        case never:
            assert_never(never)
    if isinstance(after, Turn):
        after = with_item(after, key, Closed(wire_id(item)))
    return after, said + more


def left_open(item: Open) -> tuple[ProviderEvent, ...]:
    """What the answer's end says of an item that did not end itself. A call is not whole then, and stays so."""
    match item:
        case Reasoning(block=int(block)):
            return (ThinkingSealed(block),)
        case Opaque(block=block, start=start):
            return (OpaqueEnded(block, ProviderData.of(FAMILY, start), replayable=False),)
        case _:
            return ()


def is_kind(item: Open, kind: object) -> bool:
    """Whether `item` is one that the wire calls `kind`."""
    match item:
        case Message():
            return kind == "message"
        case Reasoning():
            return kind == "reasoning"
        case Call():
            return kind == "function_call"
        case Opaque(start=start):
            return kind == start["type"]
        case _:
            assert_never(item)


def wire_id(item: JsonObject) -> str | None:
    """The id of an item, None where it has none."""
    id_ = item.get("id")
    return id_ if isinstance(id_, str) else None


def _call_begins(turn: Turn, key: Key, item: JsonObject) -> Step:
    call = wire.CALL.check(item)
    if isinstance(call, Malformed):
        return failed(call)
    block = turn.blocks
    begun = with_item(turn, key, Call(call.get("id"), block), new_blocks=1)
    if begun.reason == "stop":
        begun = replace(begun, reason="tool_use")
    return begun, (CallStarted(block, call.get("call_id") or None, call.get("name") or ""),)


def _message_ends(turn: Turn, key: Key, message: Message, item: JsonObject) -> Step:
    whole = wire.MESSAGE.check(item)
    if isinstance(whole, Malformed):
        return failed(whole)
    said: list[ProviderEvent] = []
    notes: list[ProviderEvent] = []
    for index, part in enumerate(whole.get("content") or ()):
        texts: tuple[tuple[Kind, str | None], ...] = (("text", part.get("text")), ("refusal", part.get("refusal")))
        for kind, text in texts:
            block = message.parts.get((kind, index))
            if block is None and text:
                block = turn.blocks
                turn, more = say(turn, key, message, kind, index, text)
                said += more
            if kind == "text" and block is not None:
                notes += _note(block, whole, part)
    return turn, (*said, *notes)


def _note(block: int, message: wire.MessageItem, part: wire.Part) -> tuple[ProviderEvent, ...]:
    """What belongs to a text beside its words: the message's name and phase, and its citations."""
    fields: JsonObject = {
        "id": message.get("id"),
        "phase": message.get("phase"),
        "annotations": part.get("annotations"),
    }
    kept: JsonObject = {name: value for name, value in fields.items() if value}
    return (TextAnnotated(block, ProviderData.of(FAMILY, kept)),) if kept else ()


def _reasoning_ends(
    turn: Turn, key: Key, reasoning: Reasoning, item: JsonObject, said: tuple[ProviderEvent, ...]
) -> Step:
    whole = wire.REASONING.check(item)
    if isinstance(whole, Malformed):
        return failed(whole)
    block, new_blocks = reasoning.block, 0
    if block is None:
        block, new_blocks = turn.blocks, 1
        parts = [*(whole.get("summary") or ()), *(whole.get("content") or ())]
        text = BLANK_LINE.join(text for part in parts if (text := part.get("text")))
        if text:
            said = (*said, ThinkingDelta(block, text))
    sealed = ThinkingSealed(block, provider_data=ProviderData.of(FAMILY, item))
    return with_item(turn, key, Closed(wire_id(item), block, _encrypted(item)), new_blocks), (*said, sealed)


def resealed(item: Closed, stated: JsonObject) -> tuple[ProviderEvent, ...]:
    """What the answer's end says of a whole reasoning item that it states again, encrypted anew."""
    if item.block is None or _encrypted(stated) in (None, item.encrypted):
        return ()
    return (ThinkingSealed(item.block, provider_data=ProviderData.of(FAMILY, stated)),)


def _encrypted(item: JsonObject) -> str | None:
    content = item.get("encrypted_content")
    return content if isinstance(content, str) else None


def _call_ends(turn: Turn, call: Call, item: JsonObject) -> Step:
    whole = wire.CALL.check(item)
    if isinstance(whole, Malformed):
        return failed(whole)
    stated, arguments = call.stated, whole.get("arguments") or call.stated
    if stated is not None and arguments is not None and not same_json(stated, arguments):
        # A call that was stated in two ways is not whole.
        return turn, ()
    rest: JsonObject = {name: value for name, value in item.items() if name not in _IN_EVERY_CALL and value is not None}
    return turn, (CallEnded(call.block, arguments, ProviderData.of(FAMILY, rest) if rest else None),)
