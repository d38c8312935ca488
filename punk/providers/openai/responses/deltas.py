"""Folds the pieces of items that are under way: text, refusals, thinking, arguments.

A piece whose item has not begun opens one of its kind; arguments wait for their call to begin. A piece for an item that
was whole is not heard: what an item says after its end, the end of the answer states.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from punk.core.events import CallDelta, ProviderEvent, RefusalDelta, TextDelta, ThinkingDelta
from punk.core.failures import Malformed
from punk.providers.openai.responses.failures import reported
from punk.providers.openai.responses.turn import (
    Call,
    Closed,
    EarlyArguments,
    Key,
    Kind,
    Message,
    Reasoning,
    Said,
    Section,
    Step,
    Turn,
    failed,
    key_of,
    makes_way,
    violated,
    with_item,
)
from punk.providers.openai.responses.wire import Delta, read_delta

BLANK_LINE: Final = "\n\n"
"""What stands between the parts of one reasoning item."""


def take_delta(take: Callable[[Turn, Key, Delta], Step], turn: Turn, data: bytes) -> Step:
    """The answer after the delta that `data` is. This is the hot path: most events of a stream pass here."""
    delta = read_delta(data)
    if isinstance(delta, Malformed):
        return failed(delta)
    if not delta:
        return turn, ()
    if delta.get("error"):
        return failed(reported(data))
    return take(turn, key_of(delta.get("output_index"), delta.get("item_id")), delta)


def say(turn: Turn, key: Key, message: Message, kind: Kind, index: int, text: str) -> Said:
    """The answer after more `text` of part `index` of `message`."""
    block = message.parts.get((kind, index))
    before: tuple[ProviderEvent, ...] = ()
    if block is None:
        turn, before = makes_way(turn, key)
        block = turn.blocks
        turn = with_item(turn, key, replace(message, parts={**message.parts, (kind, index): block}), new_blocks=1)
        if kind == "refusal":
            turn = replace(turn, reason="refusal")
    return turn.hears(block, text), (*before, TextDelta(block, text) if kind == "text" else RefusalDelta(block, text))


def think(turn: Turn, key: Key, reasoning: Reasoning, section: Section, text: str) -> Said:
    """The answer after more `text` of one section of `reasoning`."""
    block = reasoning.block
    if block is None:
        turn, before = makes_way(turn, key)
        begun = replace(reasoning, block=turn.blocks, section=section)
        return with_item(turn, key, begun, new_blocks=1), (*before, ThinkingDelta(turn.blocks, text))
    if reasoning.section == section:
        return turn, (ThinkingDelta(block, text),)
    text = text if reasoning.section is None else BLANK_LINE + text
    return with_item(turn, key, replace(reasoning, section=section)), (ThinkingDelta(block, text),)


def _words(kind: Kind, turn: Turn, key: Key, delta: Delta) -> Step:
    text, item = delta.get("delta"), turn.items.get(key)
    if not text or isinstance(item, Closed):
        return turn, ()
    if item is None:
        item = Message(delta.get("item_id"))
    if not isinstance(item, Message):
        return violated("text came for an item that is no message")
    return say(turn, key, item, kind, delta.get("content_index") or 0, text)


def _summary(turn: Turn, key: Key, delta: Delta) -> Step:
    return _thought(turn, key, delta, ("summary", delta.get("summary_index") or 0))


def _content(turn: Turn, key: Key, delta: Delta) -> Step:
    return _thought(turn, key, delta, ("content", delta.get("content_index") or 0))


def _thought(turn: Turn, key: Key, delta: Delta, section: Section) -> Step:
    text, item = delta.get("delta"), turn.items.get(key)
    if not text or isinstance(item, Closed):
        return turn, ()
    if item is None:
        item = Reasoning(delta.get("item_id"))
    if not isinstance(item, Reasoning):
        return violated("thinking came for an item that is no reasoning")
    return think(turn, key, item, section, text)


def _arguments(turn: Turn, key: Key, delta: Delta) -> Step:
    text, item = delta.get("delta"), turn.items.get(key)
    if isinstance(item, Call):
        return (turn.hears(item.block, text), (CallDelta(item.block, text),)) if text else (turn, ())
    if isinstance(item, Closed):
        return turn, ()
    if not isinstance(item, EarlyArguments | None):
        return violated("arguments came for an item that is no call")
    early = item or EarlyArguments(delta.get("item_id"))
    return (with_item(turn, key, replace(early, pieces=early.pieces.append(text))) if text else turn), ()


def _all_arguments(turn: Turn, key: Key, delta: Delta) -> Step:
    whole, item = delta.get("arguments"), turn.items.get(key)
    if isinstance(item, Closed):
        return turn, ()
    if item is None:
        item = EarlyArguments(delta.get("item_id"))
    if not isinstance(item, Call | EarlyArguments):
        return violated("arguments came for an item that is no call")
    return (turn if whole is None else with_item(turn, key, replace(item, stated=whole))), ()


DELTAS: Final[Mapping[str, Callable[[Turn, bytes], Step]]] = {
    "response.output_text.delta": partial(take_delta, partial(_words, "text")),
    "response.refusal.delta": partial(take_delta, partial(_words, "refusal")),
    "response.reasoning_summary_text.delta": partial(take_delta, _summary),
    "response.reasoning_text.delta": partial(take_delta, _content),
    "response.function_call_arguments.delta": partial(take_delta, _arguments),
    "response.function_call_arguments.done": partial(take_delta, _all_arguments),
}
"""What each kind of delta does to an answer."""
