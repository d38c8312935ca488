"""Writes a turn as Bedrock would stream it: messages of Amazon's event stream, with events of ConverseStream in them.

The wire cannot say everything: it names no model and no answer, has no heartbeat, a refusal has no words of its own
(they are text), a call's arguments are not stated again at its end, and of failures only a provider's error has words.
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from struct import pack
from typing import Final, assert_never, final

from punk.core.events import (
    CallDelta,
    CallEnded,
    CallStarted,
    Heartbeat,
    OpaqueEnded,
    OpaqueStarted,
    ProviderEvent,
    RefusalDelta,
    TextAnnotated,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TurnEnded,
    TurnFailed,
    TurnStarted,
    UsageReported,
)
from punk.core.failures import ProviderError, Truncated
from punk.core.json import JsonObject, JsonValue, dump_json
from punk.core.messages import Finish, FinishReason
from punk.core.provider_data import ProviderData
from punk.core.usage import Usage
from punk.providers.bedrock.decode import REASONS
from punk.providers.bedrock.wire import FAMILY

WORDS: Final[Mapping[FinishReason, str]] = {
    "stop": "end_turn",
    "max_tokens": "max_tokens",
    "tool_use": "tool_use",
    "refusal": "refusal",
    "content_filter": "content_filtered",
    "pause": "other",
    "other": "other",
}


def encode_message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message of an event stream, its headers texts."""
    head = b"".join(
        pack("!B", len(name)) + name.encode() + pack("!BH", 7, len(text := value.encode())) + text
        for name, value in headers.items()
    )
    prelude = pack("!II", 16 + len(head) + len(payload), len(head))
    message = prelude + pack("!I", crc32(prelude)) + head + payload
    return message + pack("!I", crc32(message))


def encode_event(name: str, document: JsonObject) -> bytes:
    """The message that is the event `name` of ConverseStream."""
    headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    return encode_message(headers, dump_json(document).encode())


def encode_exception(message: str, error_type: str | None) -> bytes:
    """The message that is an exception of the service, or an error without a type."""
    if error_type is None:
        return encode_message({":message-type": "error", ":error-message": message}, b"")
    headers = {":exception-type": error_type, ":content-type": "application/json", ":message-type": "exception"}
    return encode_message(headers, dump_json({"message": message}).encode())


def encode_events(events: Iterable[ProviderEvent]) -> bytes:
    """The body of an answer that says `events`."""
    said = tuple(events)
    answer = _Answer({event.block: event for event in said if isinstance(event, OpaqueEnded)})
    return b"".join(
        message for place, event in enumerate(said) for message in answer.messages(event, said[place + 1 :])
    )


@final
@dataclass(slots=True)
class _Answer:
    """What a server knows when a block starts, which blocks are open, which are calls, which of those have arguments,
    and what is told only after the answer has stopped."""

    opaque: Mapping[int, OpaqueEnded]
    open: set[int] = field(default_factory=set)
    calls: set[int] = field(default_factory=set)
    argued: set[int] = field(default_factory=set)
    last: JsonObject = field(default_factory=dict)

    def messages(self, event: ProviderEvent, after: Sequence[ProviderEvent]) -> Iterator[bytes]:
        """The messages that say `event`, which others come `after`."""
        match event:
            case TurnStarted():
                yield encode_event("messageStart", {"role": "assistant"})
            case ThinkingDelta(block=block, text=text):
                yield self._delta(block, {"reasoningContent": {"text": text}})
            case ThinkingSealed(block=block, signature=signature, provider_data=data):
                if data is not None:
                    yield self._delta(block, _payload(data))
                if signature is not None:
                    yield self._delta(block, {"reasoningContent": {"signature": signature}})
                yield self._stop(block)
            case TextDelta(block=block, text=text) | RefusalDelta(block=block, text=text):
                yield self._delta(block, {"text": text})
            case TextAnnotated(block=block, provider_data=data):
                for citation in _list(_payload(data).get("citations")):
                    yield self._delta(block, {"citation": citation})
                yield self._stop(block)
            case CallStarted(block=block, id=id_, name=name):
                self.calls.add(block)
                yield self._start(block, {"toolUse": {"toolUseId": id_, "name": name}})
            case CallDelta(block=block, arguments=arguments):
                self.argued.add(block)
                yield self._delta(block, {"toolUse": {"input": arguments}})
            case CallEnded(block=block, arguments=arguments):
                if arguments is not None and block not in self.argued:
                    yield self._delta(block, {"toolUse": {"input": arguments}})
                yield self._stop(block)
            case OpaqueStarted(block=block, kind=kind):
                yield from self._opaque(block, kind)
            case OpaqueEnded(block=block):
                yield self._stop(block)
            case Heartbeat():
                pass
            case UsageReported(usage=usage):
                counts: JsonObject = {"usage": _usage(usage)}
                if after and isinstance(after[0], TurnEnded):
                    self.last = counts
                else:
                    yield encode_event("metadata", counts)
            case TurnEnded(finish=finish):
                yield from [self._stop(block) for block in sorted(self.open - self.calls)]
                yield from self._end(finish)
            case TurnFailed(failure=ProviderError(message=message, error_type=error_type)):
                yield encode_exception(message, error_type)
            case TurnFailed(failure=Truncated()):
                pass
            case TurnFailed(failure=failure):
                yield encode_exception(failure.message, "modelStreamErrorException")
            case _:
                assert_never(event)

    def _start(self, block: int, start: JsonObject) -> bytes:
        self.open.add(block)
        return encode_event("contentBlockStart", {"contentBlockIndex": block, "start": start})

    def _delta(self, block: int, delta: JsonObject) -> bytes:
        self.open.add(block)
        return encode_event("contentBlockDelta", {"contentBlockIndex": block, "delta": delta})

    def _stop(self, block: int) -> bytes:
        self.open.discard(block)
        return encode_event("contentBlockStop", {"contentBlockIndex": block})

    def _opaque(self, block: int, kind: str) -> Iterator[bytes]:
        ended = self.opaque.get(block)
        payload = _payload(ended.data) if ended else {}
        if ended is None or not ended.replayable:
            start = payload.get("start")
            yield self._start(block, start if isinstance(start, dict) and start.get(kind) is not None else {kind: {}})
            # A delta of a kind that nobody knows is what makes a block one that cannot be sent back.
            for delta in _list(payload.get("deltas")) or [{"unknown": {}}]:
                yield encode_event("contentBlockDelta", {"contentBlockIndex": block, "delta": delta})
            return
        content = payload.get(kind)
        whole = dict(content) if isinstance(content, dict) else {}
        match kind:
            case "toolUse":
                given = whole.pop("input", {})
                yield self._start(block, {kind: {**whole, "type": whole.get("type") or "server_tool_use"}})
                yield self._delta(block, {kind: {"input": dump_json(given)}})
            case "toolResult":
                results = whole.pop("content", [])
                yield self._start(block, {kind: whole})
                yield self._delta(block, {kind: results})
            case _:
                source = whole.pop("source", {})
                yield self._start(block, {kind: whole})
                yield self._delta(block, {kind: {"source": source}})

    def _end(self, finish: Finish) -> Iterator[bytes]:
        word, more = _word(finish), self.last
        stop: JsonObject = {"p": "abcdef"} if word is None else {"stopReason": word, "p": "abcdef"}
        if word == "stop_sequence":
            stop["additionalModelResponseFields"] = {"delta": {"stop_sequence": finish.detail}}
        elif finish.detail is not None:
            more = {**more, "trace": {"guardrail": {"actionReason": finish.detail}}}
        yield encode_event("messageStop", stop)
        if more:
            yield encode_event("metadata", {**more, "metrics": {"latencyMs": 1}})


def _word(finish: Finish) -> str | None:
    word = finish.raw
    if finish.reason is not None and (word is None or REASONS.get(word, "other") != finish.reason):
        return WORDS[finish.reason]
    return word


def _payload(data: ProviderData | None) -> JsonObject:
    value = data.value if data is not None and data.family == FAMILY else None
    return value if isinstance(value, dict) else {}


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _usage(usage: Usage) -> JsonObject:
    reported = _payload(usage.reported)
    if reported or usage.input_tokens is None:
        return reported or {"outputTokens": usage.output_tokens}
    read, written = usage.cache_read_tokens, usage.cache_write_tokens
    return {
        "inputTokens": usage.input_tokens - (read or 0) - (written or 0),
        "outputTokens": usage.output_tokens,
        "cacheReadInputTokens": read,
        "cacheWriteInputTokens": written,
    }
