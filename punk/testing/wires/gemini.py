"""Writes a turn as a server of the Gemini wire would stream it.

The wire cannot say everything. Blocks have no numbers, so neighbours of one kind become one block, unless they have a
payload of their own; calls come whole, so one whose arguments are no object is one that never ends; a refusal's words
are text; heartbeats are lost; of failures only a provider's error has words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
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
from punk.core.json import JsonObject, JsonValue, dump_json, parse_object
from punk.core.messages import Finish, FinishReason
from punk.core.provider_data import ProviderData
from punk.core.usage import Usage
from punk.providers.google.turn import REASONS, SIGNATURE, TOKEN
from punk.providers.google.wire import FAMILY

WORDS: Final[Mapping[FinishReason, str]] = {
    "stop": "STOP",
    "max_tokens": "MAX_TOKENS",
    "tool_use": "STOP",
    "refusal": "SAFETY",
    "content_filter": "SAFETY",
    "pause": "CONTINUATION",
    "other": "OTHER",
}


def encode_events(events: Iterable[ProviderEvent]) -> bytes:
    """The body of an answer that says `events`, as server-sent events."""
    return b"".join(b"data: " + payload + b"\r\n\r\n" for payload in encode_payloads(events))


def encode_payloads(events: Iterable[ProviderEvent]) -> tuple[bytes, ...]:
    """The payloads of an answer that says `events`."""
    said = tuple(events)
    beside = {found[0]: found[1] for event in said if (found := _beside(event)) is not None}
    words: dict[int, str] = {}
    arguments: dict[int, str] = {}
    for event in said:
        match event:
            case ThinkingDelta(block=block, text=text) | TextDelta(block=block, text=text):
                words[block] = words.get(block, "") + text
            case CallDelta(block=block, arguments=more):
                arguments[block] = arguments.get(block, "") + more
            case _:
                pass
    ended = {event.block: event for event in said if isinstance(event, CallEnded)}
    calls = {block: parse_object(arguments.get(block) or event.arguments or "{}") for block, event in ended.items()}
    whole = {block: args for block, found in calls.items() if (args := found.value_or(None)) is not None}
    answer = _Answer(beside, words, whole)
    return tuple(payload for event in said for payload in answer.payloads(event))


@final
@dataclass(slots=True)
class _Answer:
    """What a server knows of its blocks when they begin: the payload beside them, their words, a call's arguments."""

    beside: Mapping[int, JsonObject]
    words: Mapping[int, str]
    arguments: Mapping[int, JsonObject]
    names: JsonObject = field(default_factory=dict)
    calls: dict[int, JsonObject] = field(default_factory=dict)
    opaque: dict[int, str] = field(default_factory=dict)
    token: JsonValue = None

    def payloads(self, event: ProviderEvent) -> Iterator[bytes]:
        """The payloads that say `event`."""
        match event:
            case TurnStarted(model=model, response_id=response_id):
                self.names = {"modelVersion": model, "responseId": response_id}
                yield self._part()
            case ThinkingDelta(block=block, text=text) if block not in self.beside:
                yield self._part({"text": text, "thought": True})
            case ThinkingSealed(block=block) if block in self.beside:
                yield self._part({"text": self.words.get(block, ""), "thought": True, **self.beside[block]})
            case TextDelta(block=block, text=text) if block not in self.beside:
                yield self._part({"text": text})
            case RefusalDelta(text=text):
                yield self._part({"text": text})
            case TextAnnotated(block=block) if block in self.beside:
                yield self._part({"text": self.words.get(block, ""), **self.beside[block]})
            case CallStarted(block=block, id=id_, name=name):
                self.calls[block] = {"name": name, **({"id": id_} if id_ else {})}
                if block not in self.arguments:
                    yield self._part({"functionCall": {**self.calls[block], "willContinue": True}})
            case CallEnded(block=block) if block in self.arguments:
                beside = {name: value for name, value in self.beside.get(block, {}).items() if name != "id"}
                yield self._part({"functionCall": {**self.calls[block], "args": self.arguments[block]}, **beside})
            case OpaqueStarted(block=block, kind=kind):
                self.opaque[block] = kind
            case OpaqueEnded():
                yield from self._opaque(event)
            case UsageReported(usage=usage):
                yield self._payload(usageMetadata=_usage(usage))
            case TurnEnded(finish=finish):
                more: JsonObject = {"finishReason": _word(finish), "finishMessage": finish.detail, TOKEN: self.token}
                yield self._part(**{name: value for name, value in more.items() if value is not None})
            case TurnFailed(failure=ProviderError(message=message, error_type=error_type)):
                yield dump_json({"error": {"message": message, "status": error_type}}).encode()
            case TurnFailed(failure=Truncated()):
                pass
            case TurnFailed(failure=failure):
                yield dump_json({"error": {"message": failure.message}}).encode()
            case ThinkingDelta() | ThinkingSealed() | TextDelta() | TextAnnotated() | CallDelta() | CallEnded():
                pass
            case Heartbeat():
                pass
            case _:
                assert_never(event)

    def _opaque(self, event: OpaqueEnded) -> Iterator[bytes]:
        kind = self.opaque.get(event.block, "unknown")
        value = event.data.value if event.data.family == FAMILY else None
        kept: JsonObject = value if isinstance(value, dict) else {kind: event.data.value}
        if kind == TOKEN:
            self.token = kept.get(TOKEN)
        elif event.replayable:
            yield self._part(kept)
        else:
            yield self._part(**(kept if kind in kept and kind.endswith("Metadata") else {"groundingMetadata": kept}))

    def _part(self, *parts: JsonValue, **more: JsonValue) -> bytes:
        return self._payload(candidates=[{"content": {"parts": [*parts], "role": "model"}, "index": 0, **more}])

    def _payload(self, **fields: JsonValue) -> bytes:
        return dump_json({**fields, **self.names}).encode()


def _beside(event: ProviderEvent) -> tuple[int, JsonObject] | None:
    """The block of a part and what stands beside it, if `event` says something of that."""
    match event:
        case ThinkingSealed(block=block, signature=signature, provider_data=data):
            beside = {**_ours(data), **({SIGNATURE: signature} if signature else {})}
        case TextAnnotated(block=block, provider_data=data) | CallEnded(block=block, provider_data=data):
            beside = _ours(data)
        case _:
            return None
    return (block, beside) if beside else None


def _ours(data: ProviderData | None) -> JsonObject:
    value = data.value if data is not None and data.family == FAMILY else None
    return value if isinstance(value, dict) else {}


def _word(finish: Finish) -> str:
    word = finish.raw
    if finish.reason is None or (word is not None and REASONS.get(word, "other") == finish.reason):
        return word or WORDS["stop"]
    return WORDS[finish.reason]


def _usage(usage: Usage) -> JsonValue:
    reported = _ours(usage.reported)
    if reported:
        return reported
    thoughts = usage.reasoning_tokens or 0
    return {
        "promptTokenCount": usage.input_tokens,
        "cachedContentTokenCount": usage.cache_read_tokens,
        "candidatesTokenCount": None if usage.output_tokens is None else usage.output_tokens - thoughts,
        "thoughtsTokenCount": usage.reasoning_tokens,
    }
