"""Builds Messages streams by hand, event by event."""

from __future__ import annotations

from punk.core.events import ProviderEvent
from punk.core.json import JsonObject, JsonValue, dump_json
from punk.providers.anthropic.decode import AnthropicDecoder
from tests.support.wire_cases import decode


def event(name: str, **fields: JsonValue) -> bytes:
    return raw(name, dump_json({"type": name, **fields}).encode())


def raw(name: str | None, data: bytes) -> bytes:
    return (b"" if name is None else b"event: " + name.encode() + b"\n") + b"data: " + data + b"\n\n"


def message(**fields: JsonValue) -> bytes:
    return event("message_start", message={"id": "msg_1", "model": "claude-sonnet-4-6", **fields})


def start(index: int, kind: str, **fields: JsonValue) -> bytes:
    return event("content_block_start", index=index, content_block={"type": kind, **fields})


def delta(index: int, kind: str, **fields: JsonValue) -> bytes:
    return event("content_block_delta", index=index, delta={"type": kind, **fields})


def stop(index: int) -> bytes:
    return event("content_block_stop", index=index)


def text(index: int, piece: str) -> bytes:
    return delta(index, "text_delta", text=piece)


def thinking(index: int, piece: str) -> bytes:
    return delta(index, "thinking_delta", thinking=piece)


def arguments(index: int, piece: str) -> bytes:
    return delta(index, "input_json_delta", partial_json=piece)


def signature(index: int, piece: str) -> bytes:
    return delta(index, "signature_delta", signature=piece)


def ending(reason: str | None = "end_turn", usage: JsonObject | None = None, **fields: JsonValue) -> bytes:
    said: JsonObject = {"delta": {"stop_reason": reason, **fields}}
    return event("message_delta", **said, **({"usage": usage} if usage is not None else {})) + event("message_stop")


def decoded(*pieces: bytes) -> tuple[ProviderEvent, ...]:
    """Everything said by the pieces and their end."""
    return decode(AnthropicDecoder(), pieces)
