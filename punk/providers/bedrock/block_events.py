"""Folds the events of content blocks, by index: start, deltas, stop.

Blocks of text and of reasoning have no start: their first delta opens them, and a delta of another kind, or the start
of another block in their place, ends them. Only calls, and blocks that punk does not interpret, have a start; arguments
cannot come without a call.
"""

from __future__ import annotations

from dataclasses import replace

from pydantic import ValidationError

from punk.core.events import CallDelta, CallStarted, OpaqueStarted, ProviderEvent, TextDelta, ThinkingDelta
from punk.core.failures import Malformed
from punk.core.json import JsonObject
from punk.providers.bedrock import wire
from punk.providers.bedrock.blocks import (
    CallUnderWay,
    OpaqueUnderWay,
    RedactedUnderWay,
    TextUnderWay,
    ThinkingUnderWay,
    UnderWay,
)
from punk.providers.bedrock.turn import Step, Turn, failed, violated, with_block, without_block
from punk.providers.reading import read_as, read_json


def block_start(turn: Turn, document: JsonObject) -> Step:
    """The answer after `contentBlockStart`."""
    event = read_as(wire.BLOCK_START, document, "a contentBlockStart event")
    if isinstance(event, Malformed):
        return failed(event)
    index, start = event["contentBlockIndex"], document.get("start")
    members = {k: v for k, v in start.items() if v is not None} if isinstance(start, dict) else {}
    if not members or members.keys() <= {"text", "reasoningContent"}:
        return turn, ()  # these open with their first delta
    said: tuple[ProviderEvent, ...] = ()
    match turn.open.get(index):
        case None:
            pass
        case CallUnderWay() | OpaqueUnderWay():
            return violated(f"a block began at index {index}, where one is still open")
        case TextUnderWay() | ThinkingUnderWay() | RedactedUnderWay():
            turn, said = without_block(turn, index)
    kind, content = next(iter(members.items()))
    if kind == "toolUse":
        call = read_as(wire.TOOL_USE, content, "the start of a call")
        if isinstance(call, Malformed):
            return failed(call)
        if not call.get("type"):
            started = CallStarted(turn.count, call.get("toolUseId") or None, call.get("name") or "")
            return with_block(turn, index, CallUnderWay(turn.count)), (*said, started)
    opened = OpaqueStarted(turn.count, kind)
    return with_block(turn, index, OpaqueUnderWay(turn.count, kind, content)), (*said, opened)


def block_stop(turn: Turn, document: JsonObject) -> Step:
    """The answer after `contentBlockStop`."""
    event = read_as(wire.BLOCK_STOP, document, "a contentBlockStop event")
    if isinstance(event, Malformed):
        return failed(event)
    index = event.get("contentBlockIndex")
    return without_block(turn, index) if index is not None and index in turn.open else (turn, ())


def block_delta(turn: Turn, data: bytes) -> Step:
    """The answer after `contentBlockDelta`. This is the hot path: most events of a stream pass here."""
    try:
        event = wire.parse_block_delta(data)
    except ValidationError:
        return _slow_delta(turn, data)
    delta = event["delta"]
    block = turn.open.get(event["contentBlockIndex"])
    # The most usual delta of all, without another call.
    if isinstance(block, TextUnderWay) and block.number is not None and (text := delta.get("text")):
        return turn, (TextDelta(block.number, text),)
    if not delta or isinstance(block, OpaqueUnderWay):
        return _slow_delta(turn, data)
    return _delta(turn, event["contentBlockIndex"], delta)


def _delta(turn: Turn, index: int, delta: wire.Delta) -> Step:
    said: tuple[ProviderEvent, ...] = ()
    text = delta.get("text")
    if text:
        turn, said = _in_block(turn, index, TextUnderWay())
        block = turn.open.get(index)
        if not isinstance(block, TextUnderWay):
            return violated("text came in a block of another kind")
        turn, number = _numbered(turn, index, block)
        return turn, (*said, TextDelta(number, text))
    if (reasoning := delta.get("reasoningContent")) is not None:
        return _reasoning(turn, index, reasoning)
    if (call := delta.get("toolUse")) is not None:
        under_way = turn.open.get(index)
        if not isinstance(under_way, CallUnderWay):
            return violated("arguments came in a block that is no call")
        arguments = call.get("input")
        return turn, (CallDelta(under_way.number, arguments),) if arguments else ()
    return turn, ()


def _reasoning(turn: Turn, index: int, delta: wire.ReasoningDelta) -> Step:
    said: tuple[ProviderEvent, ...] = ()
    if redacted := delta.get("redactedContent"):
        turn, said = _in_block(turn, index, RedactedUnderWay())
        block = turn.open.get(index)
        if not isinstance(block, RedactedUnderWay):
            return violated("reasoning came in a block of another kind")
        return with_block(turn, index, replace(block, pieces=block.pieces.append(redacted))), said
    text, signature = delta.get("text"), delta.get("signature")
    if not text and not signature:
        return turn, ()
    turn, said = _in_block(turn, index, ThinkingUnderWay())
    thinking = turn.open.get(index)
    if not isinstance(thinking, ThinkingUnderWay):
        return violated("reasoning came in a block of another kind")
    if text:
        turn, number = _numbered(turn, index, thinking)
        said = (*said, ThinkingDelta(number, text))
    if signature:
        signed = turn.open[index]
        assert isinstance(signed, ThinkingUnderWay), "a number changes no kind"
        turn = with_block(turn, index, replace(signed, signature=signed.signature.append(signature)))
    return turn, said


def _slow_delta(turn: Turn, data: bytes) -> Step:
    """For what the fast parser refuses or does not know: lone surrogates, rare deltas, garbage, opaque blocks."""
    document = read_json(data, "a contentBlockDelta event")
    if isinstance(document, Malformed):
        return failed(document)
    return delta_document(turn, document)


def delta_document(turn: Turn, document: JsonObject) -> Step:
    """The answer after the `contentBlockDelta` that is `document`."""
    if not document:
        return turn, ()
    event = read_as(wire.OTHER_BLOCK_DELTA, document, "a contentBlockDelta event")
    if isinstance(event, Malformed):
        return failed(event)
    index, delta = event["contentBlockIndex"], document["delta"]
    assert isinstance(delta, dict), "the form says so"
    members: JsonObject = {name: value for name, value in delta.items() if value is not None}
    if not members:
        return turn, ()
    block = turn.open.get(index)
    if isinstance(block, OpaqueUnderWay):
        return with_block(turn, index, replace(block, deltas=block.deltas.append(members))), ()
    if members.keys() & {"text", "reasoningContent", "toolUse"}:
        known = read_as(wire.BLOCK_DELTA, document, "a contentBlockDelta event")
        return failed(known) if isinstance(known, Malformed) else _delta(turn, index, known["delta"])
    if "citation" in members:
        turn, said = _in_block(turn, index, TextUnderWay())
        cited = turn.open.get(index)
        if not isinstance(cited, TextUnderWay):
            return turn, said
        return with_block(turn, index, replace(cited, citations=cited.citations.append(members["citation"]))), said
    if block is not None:
        return turn, ()
    kind = next(iter(members))
    opaque = OpaqueUnderWay(turn.count, kind, None)
    opened = with_block(turn, index, replace(opaque, deltas=opaque.deltas.append(members)))
    return opened, (OpaqueStarted(turn.count, kind),)


def _in_block(turn: Turn, index: int, fresh: UnderWay) -> tuple[Turn, tuple[ProviderEvent, ...]]:
    """`turn` with a block of the kind of `fresh` at `index`, if one can be there, and what ended for its sake."""
    block = turn.open.get(index)
    said: tuple[ProviderEvent, ...] = ()
    if type(block) is type(fresh) or isinstance(block, CallUnderWay | OpaqueUnderWay):
        return turn, said
    if block is not None:
        turn, said = without_block(turn, index)
    return with_block(turn, index, fresh), said


def _numbered(turn: Turn, index: int, block: TextUnderWay | ThinkingUnderWay) -> tuple[Turn, int]:
    if block.number is not None:
        return turn, block.number
    return with_block(turn, index, replace(block, number=turn.count)), turn.count
