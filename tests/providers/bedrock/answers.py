"""Builds ConverseStream answers by hand, event by event."""

from __future__ import annotations

from punk.core.events import ProviderEvent, TurnEnded, TurnFailed, TurnStarted, UsageReported
from punk.core.failures import Failure
from punk.core.json import JsonObject, JsonValue
from punk.core.messages import Finish
from punk.core.provider_data import ProviderData
from punk.providers.bedrock.decode import ConverseDecoder
from punk.providers.bedrock.usage import usage_of
from punk.providers.bedrock.wire import FAMILY
from punk.testing.wires.bedrock_converse import encode_event, encode_message
from tests.support.wire_cases import decode


def raw(name: str, payload: bytes) -> bytes:
    return encode_message({":event-type": name, ":message-type": "event"}, payload)


def message() -> bytes:
    return encode_event("messageStart", {"role": "assistant", "p": "abc"})


def start(index: int, **member: JsonValue) -> bytes:
    return encode_event("contentBlockStart", {"contentBlockIndex": index, "start": member})


def delta(index: int, **member: JsonValue) -> bytes:
    return encode_event("contentBlockDelta", {"contentBlockIndex": index, "delta": member, "p": "abcdefgh"})


def stop(index: int) -> bytes:
    return encode_event("contentBlockStop", {"contentBlockIndex": index})


def text(index: int, piece: str) -> bytes:
    return delta(index, text=piece)


def thinking(index: int, piece: str) -> bytes:
    return delta(index, reasoningContent={"text": piece})


def signature(index: int, piece: str) -> bytes:
    return delta(index, reasoningContent={"signature": piece})


def redacted(index: int, piece: str) -> bytes:
    return delta(index, reasoningContent={"redactedContent": piece})


def arguments(index: int, piece: str) -> bytes:
    return delta(index, toolUse={"input": piece})


def ending(reason: str | None = "end_turn", **fields: JsonValue) -> bytes:
    return encode_event("messageStop", {"stopReason": reason, **fields})


def metadata(**fields: JsonValue) -> bytes:
    usage: JsonObject = {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}
    return encode_event("metadata", {"usage": usage, "metrics": {"latencyMs": 1}, **fields})


def decoded(*pieces: bytes) -> tuple[ProviderEvent, ...]:
    """Everything said by the pieces and their end."""
    return decode(ConverseDecoder(), pieces)


STARTED = TurnStarted(FAMILY)
STOPPED = TurnEnded(Finish("stop", "end_turn"))
USAGE = UsageReported(usage_of({"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}))


def data(value: JsonValue) -> ProviderData:
    return ProviderData.of(FAMILY, value)


def between(*pieces: bytes) -> list[ProviderEvent]:
    """What is said by these pieces of an answer that is else complete."""
    first, *said, last = decoded(message(), *pieces, ending())
    assert (first, last) == (STARTED, STOPPED)
    return said


def failure(*pieces: bytes) -> Failure:
    """How an answer of these pieces fails, at its last event."""
    *_, last = decoded(message(), *pieces)
    assert isinstance(last, TurnFailed)
    return last.failure


def call(index: int, id_: str | None = "t", name: str = "f", **more: JsonValue) -> bytes:
    return start(index, toolUse={"toolUseId": id_, "name": name, **more})


CITATION: JsonObject = {"location": {"web": {"url": "u"}}}
