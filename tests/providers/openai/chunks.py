"""Chunks and streams of the chat-completions wire, written by hand, for the tests."""

from __future__ import annotations

from punk.core.events import ProviderEvent, TurnStarted
from punk.core.json import JsonObject, JsonValue, dump_json
from punk.providers.openai.chat.decode import ChatDecoder
from punk.providers.openai.chat.settings import FAMILY
from tests.support.wire_cases import decode

STARTED = TurnStarted(FAMILY, "m", "r")
DONE = b"data: [DONE]\n\n"


def sse(payload: JsonValue) -> bytes:
    """One server-sent event."""
    return b"data: " + dump_json(payload).encode() + b"\n\n"


def chunk(delta: JsonValue = None, reason: str | None = None, **more: JsonValue) -> bytes:
    """A chunk of answer 0."""
    choice: JsonObject = {"index": 0, "delta": delta, "finish_reason": reason}
    return sse({"id": "r", "model": "m", "choices": [choice], **more})


def tool(index: JsonValue = 0, id_: JsonValue = None, name: JsonValue = None, arguments: JsonValue = None) -> bytes:
    """A chunk with a piece of one call."""
    return chunk({"tool_calls": [{"index": index, "id": id_, "function": {"name": name, "arguments": arguments}}]})


def decoded(*chunks: bytes) -> tuple[ProviderEvent, ...]:
    """Everything that is said of a stream of `chunks` and its end."""
    return decode(ChatDecoder(), chunks)


def said(*chunks: bytes) -> tuple[ProviderEvent, ...]:
    """As `decoded`, without the start."""
    events = decoded(*chunks)
    assert events[0] == STARTED
    return events[1:]
