"""Folds the beginnings and ends of items: messages, reasoning, calls, and those that punk does not interpret.

An item is whole when its end states it again. What its deltas did not say, the end does; where they differ, the deltas
were shown and stay, but for a call: all that is said of it must agree. An item that only ends began just before.
"""

from __future__ import annotations

from typing import assert_never

from punk.core.events import (
    OpaqueEnded,
    OpaqueStarted,
    ProviderEvent,
    TextAnnotated,
    ThinkingDelta,
    ThinkingSealed,
)
from punk.core.failures import Malformed
from punk.core.json import JsonObject
from punk.core.provider_data import ProviderData
from punk.providers.openai.responses import wire
from punk.providers.openai.responses.calls import call_again, call_begins, call_ends
from punk.providers.openai.responses.deltas import BLANK_LINE, say
from punk.providers.openai.responses.settings import FAMILY
from punk.providers.openai.responses.turn import (
    Call,
    Closed,
    EarlyArguments,
    Ended,
    Key,
    Kind,
    Message,
    Opaque,
    Open,
    Reasoning,
    Step,
    Thought,
    Turn,
    WholeCall,
    failed,
    makes_way,
    violated,
    with_item,
)


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
        case EarlyArguments() if kind == "function_call":
            pass
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
            return call_begins(turn, key, item)
        case _:
            turn, before_it = makes_way(turn, key)
            begun = with_item(turn, key, Opaque(id_, turn.blocks, item), new_blocks=1)
            return begun, (*before_it, OpaqueStarted(turn.blocks, kind))


def item_ends(turn: Turn, key: Key, item: JsonObject) -> Step:
    """The answer after `item`, which is whole now."""
    said: tuple[ProviderEvent, ...] = ()
    before = turn.items.get(key)
    if isinstance(before, Closed) and before.id == wire_id(item):
        return restated(turn, key, before, item)
    if isinstance(before, Closed | EarlyArguments | None):
        begun, said = item_begins(turn, key, item)
        if isinstance(begun, Ended):
            return begun, said
        turn = begun
    match turn.items[key]:
        case Closed() | EarlyArguments():
            return turn, said
        case under_way if not is_kind(under_way, item.get("type")):
            return violated("an item ended as another one than it began")
        case Message() as message:
            after, more = _message_ends(turn, key, message, item)
        case Reasoning() as reasoning:
            after, more = _reasoning_ends(turn, key, reasoning, item)
        case Call() as call:
            after, more = call_ends(turn, key, call, item)
        case Opaque(block=block):
            after = with_item(turn, key, Closed(wire_id(item)))
            more = (OpaqueEnded(block, ProviderData.of(FAMILY, item)),)
        case never:
            assert_never(never)
    return after, said + more


def restated(turn: Turn, key: Key, item: Closed, stated: JsonObject) -> Step:
    """The answer after `item`, which was whole, was `stated` again: a message may have grown, reasoning be encrypted
    anew, but a call stays what it was."""
    is_same = item.id == wire_id(stated)
    match item.was:
        case Message() as message if is_same and stated.get("type") == "message":
            after, said = _message_ends(turn, key, message, stated)
            return after, said if any(not isinstance(event, TextAnnotated) for event in said) else ()
        case Thought(block, encrypted) if is_same and _encrypted(stated) not in (None, encrypted):
            return turn, (ThinkingSealed(block, provider_data=ProviderData.of(FAMILY, stated)),)
        case WholeCall() as call if stated.get("type") == "function_call":
            return call_again(turn, call, stated, is_same=is_same)
        case _:
            return turn, ()


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
        case Call() | EarlyArguments():
            return kind == "function_call"
        case Opaque(start=start):
            return kind == start["type"]
        case _:
            assert_never(item)


def wire_id(item: JsonObject) -> str | None:
    """The id of an item, None where it has none."""
    id_ = item.get("id")
    return id_ if isinstance(id_, str) else None


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
            before = "" if block is None else turn.said_in(block)
            if text and text != before and text.startswith(before):
                turn, more = say(turn, key, message, kind, index, text[len(before) :])
                said += more
                message = _message_at(turn, key, message)
                block = message.parts[kind, index]
            if kind == "text" and block is not None and (before or text):
                notes += _note(block, whole, part)
    return with_item(turn, key, Closed(wire_id(item), message)), (*said, *notes)


def _message_at(turn: Turn, key: Key, before: Message) -> Message:
    message = turn.items[key]
    return message if isinstance(message, Message) else before


def _note(block: int, message: wire.MessageItem, part: wire.Part) -> tuple[ProviderEvent, ...]:
    """What belongs to a text beside its words: the message's name and phase, and its citations."""
    fields: JsonObject = {
        "id": message.get("id"),
        "phase": message.get("phase"),
        "annotations": part.get("annotations"),
    }
    kept: JsonObject = {name: value for name, value in fields.items() if value}
    return (TextAnnotated(block, ProviderData.of(FAMILY, kept)),) if kept else ()


def _reasoning_ends(turn: Turn, key: Key, reasoning: Reasoning, item: JsonObject) -> Step:
    whole = wire.REASONING.check(item)
    if isinstance(whole, Malformed):
        return failed(whole)
    said: tuple[ProviderEvent, ...] = ()
    block, new_blocks = reasoning.block, 0
    if block is None:
        turn, said = makes_way(turn, key)
        block, new_blocks = turn.blocks, 1
    text = _words(whole)
    if text and reasoning.section is None:
        said = (*said, ThinkingDelta(block, text))
    sealed = ThinkingSealed(block, provider_data=ProviderData.of(FAMILY, item))
    closed = Closed(wire_id(item), Thought(block, _encrypted(item)))
    return with_item(turn, key, closed, new_blocks), (*said, sealed)


def _words(reasoning: wire.ReasoningItem) -> str:
    content = reasoning.get("content") or ()
    parts = [part.get("text") for part in reasoning.get("summary") or ()]
    parts += [content] if isinstance(content, str) else [part.get("text") for part in content]
    return BLANK_LINE.join(text for text in parts if text)


def _encrypted(item: JsonObject) -> str | None:
    content = item.get("encrypted_content")
    return content if isinstance(content, str) else None
