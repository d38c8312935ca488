"""Events, items and streams of the Responses wire, written by hand, for the tests."""

from __future__ import annotations

from punk.core.events import ProviderEvent, TurnStarted
from punk.core.json import JsonObject, JsonValue, dump_json
from punk.core.provider_data import ProviderData
from punk.providers.openai.responses.decode import ResponsesDecoder
from punk.providers.openai.responses.settings import FAMILY
from tests.support.wire_cases import decode

STARTED = TurnStarted(FAMILY, "m", "r")


def sse(name: str, fields: JsonValue, *, named: bool = True) -> bytes:
    """One server-sent event, with its name as its name or only as its type."""
    payload = {"type": name, **fields} if isinstance(fields, dict) else fields
    return (f"event: {name}\n" if named else "").encode() + b"data: " + dump_json(payload).encode() + b"\n\n"


def about(status: str, **fields: JsonValue) -> bytes:
    """An event about the whole answer."""
    response: JsonObject = {"id": "r", "model": "m", "object": "response", "status": status, "output": [], **fields}
    return sse(f"response.{status}", {"response": response})


CREATED = about("created")
COMPLETED = about("completed")


def added(index: JsonValue, type_: str, **fields: JsonValue) -> bytes:
    """An item begins."""
    return sse("response.output_item.added", {"output_index": index, "item": {"type": type_, **fields}})


def done(index: JsonValue, type_: str, **fields: JsonValue) -> bytes:
    """An item is whole."""
    return sse("response.output_item.done", {"output_index": index, "item": {"type": type_, **fields}})


def delta(what: str, index: JsonValue, text: JsonValue, **fields: JsonValue) -> bytes:
    """The next piece of an item."""
    return sse(f"response.{what}.delta", {"output_index": index, "delta": text, **fields})


def text(words: JsonValue, index: JsonValue = 0, part: JsonValue = 0) -> bytes:
    """A piece of text."""
    return delta("output_text", index, words, content_index=part)


def data(value: JsonValue) -> ProviderData:
    """A payload of this wire."""
    return ProviderData.of(FAMILY, value)


def decoded(*frames: bytes) -> tuple[ProviderEvent, ...]:
    """Everything that is said of a stream of `frames` and its end."""
    return decode(ResponsesDecoder(), frames)


def said(*frames: bytes) -> tuple[ProviderEvent, ...]:
    """As `decoded` of frames after the first event, without the start."""
    events = decoded(CREATED, *frames)
    assert events[0] == STARTED
    return events[1:]
