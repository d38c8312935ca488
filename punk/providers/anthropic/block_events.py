"""Folds the events of content blocks, by index: start, deltas, stop.

An index may be used again once its block was closed. A delta whose block has not started opens one of its kind; only
arguments cannot come without a call. A delta that is of no use to its block is ignored, unless content would be lost.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from pydantic import ValidationError

from punk.core.events import CallDelta, CallStarted, OpaqueStarted, TextDelta, ThinkingDelta, ThinkingSealed
from punk.core.failures import Malformed
from punk.core.json import JsonObject, dump_json
from punk.core.log import Log
from punk.core.provider_data import ProviderData
from punk.providers.anthropic import wire
from punk.providers.anthropic.blocks import (
    CallUnderWay,
    OpaqueUnderWay,
    TextUnderWay,
    ThinkingUnderWay,
    UnderWay,
    WholeAtStart,
)
from punk.providers.anthropic.turn import Step, Turn, failed, violated, with_block, without_block
from punk.providers.anthropic.wire import FAMILY, read_model
from punk.providers.reading import read_json


def block_start(turn: Turn, document: JsonObject) -> Step:
    """The answer after `content_block_start`."""
    event = read_model(wire.BlockStart, document, "a content_block_start event")
    if isinstance(event, Malformed):
        return failed(event)
    index, block = event.index, document["content_block"]
    if index in turn.open:
        return violated(f"a block began at index {index}, where one is still open")
    assert isinstance(block, dict), "the model says so"
    match event.content_block.type:
        case "text":
            return _text_start(turn, index, block)
        case "thinking":
            return _thinking_start(turn, index, block)
        case "redacted_thinking":
            sealed = ThinkingSealed(turn.count, provider_data=ProviderData.of(FAMILY, block))
            return with_block(turn, index, WholeAtStart(turn.count)), (sealed,)
        case "tool_use":
            return _call_start(turn, index, block)
        case kind:
            return with_block(turn, index, OpaqueUnderWay(turn.count, block)), (OpaqueStarted(turn.count, kind),)


def block_stop(turn: Turn, document: JsonObject) -> Step:
    """The answer after `content_block_stop`."""
    event = read_model(wire.BlockStop, document, "a content_block_stop event")
    if isinstance(event, Malformed):
        return failed(event)
    return without_block(turn, event.index) if event.index in turn.open else (turn, ())


def block_delta(turn: Turn, data: bytes) -> Step:
    """The answer after `content_block_delta`. This is the hot path: most events of a stream pass here."""
    try:
        event = wire.parse_block_delta(data)
    except ValidationError:
        return _slow_delta(turn, data)
    return _delta(turn, event, data)


def _delta(turn: Turn, event: wire.BlockDelta, data: bytes) -> Step:
    index, piece = event.index, event.delta
    block = turn.open.get(index)
    if isinstance(block, OpaqueUnderWay):
        return _slow_delta(turn, data)
    match piece:
        case wire.TextPiece(text=text):
            return _text(turn, index, block, text)
        case wire.ThinkingPiece(thinking=text):
            return _thinking(turn, index, block, text)
        case wire.InputPiece(partial_json=text):
            return _arguments(turn, index, block, text)
        case wire.SignaturePiece(signature=text):
            return _signature(turn, index, block, text)
        case _:
            assert_never(piece)


def _slow_delta(turn: Turn, data: bytes) -> Step:
    """For what the fast parser refuses: lone surrogates, rare deltas, unknown ones, garbage; and for opaque blocks."""
    document = read_json(data, "a content_block_delta event")
    if isinstance(document, Malformed):
        return failed(document)
    if not document:
        return turn, ()
    event = read_model(wire.OtherBlockDelta, document, "a content_block_delta event")
    if isinstance(event, Malformed):
        return failed(event)
    index, delta = event.index, document["delta"]
    assert isinstance(delta, dict), "the model says so"
    block = turn.open.get(index)
    match event.delta.type:
        case _ if isinstance(block, OpaqueUnderWay):
            return with_block(turn, index, replace(block, deltas=block.deltas.append(delta))), ()
        case kind if kind in wire.KNOWN_PIECES:
            known = read_model(wire.BlockDelta, document, f"a {kind}")
            return failed(known) if isinstance(known, Malformed) else _delta(turn, known, data)
        case "citations_delta" if block is None or isinstance(block, TextUnderWay):
            cited = block or TextUnderWay()
            return with_block(turn, index, replace(cited, citations=cited.citations.append(delta.get("citation")))), ()
        case _:
            return turn, ()


def _text_start(turn: Turn, index: int, block: JsonObject) -> Step:
    start = read_model(wire.TextBlock, block, "a text block")
    if isinstance(start, Malformed):
        return failed(start)
    citations = block.get("citations")
    started = TextUnderWay(citations=Log(citations if isinstance(citations, list) else ()))
    return _text(with_block(turn, index, started), index, started, start.text or "")


def _thinking_start(turn: Turn, index: int, block: JsonObject) -> Step:
    start = read_model(wire.ThinkingBlock, block, "a thinking block")
    if isinstance(start, Malformed):
        return failed(start)
    started = ThinkingUnderWay(signature=start.signature or None)
    return _thinking(with_block(turn, index, started), index, started, start.thinking or "")


def _call_start(turn: Turn, index: int, block: JsonObject) -> Step:
    start = read_model(wire.ToolUseBlock, block, "a tool_use block")
    if isinstance(start, Malformed):
        return failed(start)
    stated = block.get("input")
    arguments = dump_json(stated) if stated is not None and stated != {} else None
    call = CallUnderWay(turn.count, arguments, _beside_the_call(block))
    return with_block(turn, index, call), (CallStarted(call.number, start.id or None, start.name or ""),)


def _beside_the_call(block: JsonObject) -> ProviderData | None:
    """What the wire says of a call beyond what every call has; a call made directly is the rule, and needs no word."""
    known = {"type", "id", "name", "input"}
    rest: JsonObject = {name: value for name, value in block.items() if name not in known and value is not None}
    if rest.get("caller") == {"type": "direct"}:
        del rest["caller"]
    return ProviderData.of(FAMILY, rest) if rest else None


def _text(turn: Turn, index: int, block: UnderWay | None, text: str) -> Step:
    if isinstance(block, TextUnderWay):
        if not text:
            return turn, ()
        if block.number is not None:
            return turn, (TextDelta(block.number, text),)
    elif block is not None:
        return violated("text came in a block of another kind")
    elif not text:
        return turn, ()
    numbered = replace(block or TextUnderWay(), number=turn.count)
    return with_block(turn, index, numbered), (TextDelta(turn.count, text),)


def _thinking(turn: Turn, index: int, block: UnderWay | None, text: str) -> Step:
    if isinstance(block, ThinkingUnderWay):
        if not text:
            return turn, ()
        if block.number is not None:
            return turn, (ThinkingDelta(block.number, text),)
    elif block is not None:
        return violated("thinking came in a block of another kind")
    elif not text:
        return turn, ()
    numbered = replace(block or ThinkingUnderWay(), number=turn.count)
    return with_block(turn, index, numbered), (ThinkingDelta(turn.count, text),)


def _arguments(turn: Turn, index: int, block: UnderWay | None, text: str) -> Step:
    if not isinstance(block, CallUnderWay):
        return violated("arguments came in a block that is no call")
    if not text:
        return turn, ()
    if block.stated is not None:
        turn = with_block(turn, index, replace(block, stated=None))
    return turn, (CallDelta(block.number, text),)


def _signature(turn: Turn, index: int, block: UnderWay | None, signature: str) -> Step:
    if not signature or not isinstance(block, ThinkingUnderWay | None):
        return turn, ()
    signed = block or ThinkingUnderWay()
    return with_block(turn, index, replace(signed, signature=signature)), ()
