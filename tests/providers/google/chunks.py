"""Chunks and streams of the Gemini wire, written by hand, for the tests."""

from __future__ import annotations

from punk.core.events import ProviderEvent, TurnStarted
from punk.core.json import JsonObject, JsonValue, dump_json
from punk.providers.google.decode import GeminiDecoder
from punk.providers.google.wire import FAMILY
from tests.support.wire_cases import decode

STARTED = TurnStarted(FAMILY, "m", "r")


def sse(payload: JsonValue) -> bytes:
    """One server-sent event, as Google writes it."""
    return b"data: " + dump_json(payload).encode() + b"\r\n\r\n"


def document(
    *parts: JsonValue, reason: str | None = None, more: JsonObject | None = None, **top: JsonValue
) -> JsonObject:
    """A payload with these parts of answer 0; `more` stands beside them, `top` at the top."""
    candidate: JsonObject = {"content": {"parts": [*parts], "role": "model"}, "index": 0, **(more or {})}
    if reason is not None:
        candidate["finishReason"] = reason
    return {"candidates": [candidate], "modelVersion": "m", "responseId": "r", **top}


def chunk(*parts: JsonValue, reason: str | None = None, more: JsonObject | None = None, **top: JsonValue) -> bytes:
    """An event with a `document`."""
    return sse(document(*parts, reason=reason, more=more, **top))


def text(words: str, **beside: JsonValue) -> JsonObject:
    """A part that is a text."""
    return {"text": words, **beside}


def call(name: str | None = "f", **fields: JsonValue) -> JsonObject:
    """A part that is a call, or a piece of one."""
    return {"functionCall": {**({"name": name} if name else {}), **fields}}


END = chunk(reason="STOP")


def decoded(*chunks: bytes) -> tuple[ProviderEvent, ...]:
    """Everything that is said of a stream of `chunks` and its end."""
    return decode(GeminiDecoder(), chunks)


def said(*chunks: bytes) -> tuple[ProviderEvent, ...]:
    """As `decoded`, without the start."""
    events = decoded(*chunks)
    assert events[0] == STARTED
    return events[1:]
