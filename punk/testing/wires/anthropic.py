"""Writes a turn as a server of the Messages wire would stream it.

The wire cannot say everything: a refusal has no words of its own (they are text), a call's arguments are not stated
again at its end, and of failures only a provider's error has words.
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
from punk.core.json import JsonObject, JsonValue, dump_json
from punk.core.messages import Finish, FinishReason
from punk.core.provider_data import ProviderData
from punk.core.usage import Usage
from punk.providers.anthropic.decode import REASONS
from punk.providers.anthropic.wire import FAMILY

WORDS: Final[Mapping[FinishReason, str]] = {
    "stop": "end_turn",
    "max_tokens": "max_tokens",
    "tool_use": "tool_use",
    "refusal": "refusal",
    "content_filter": "content_filter",
    "pause": "pause_turn",
    "other": "other",
}


def encode_events(events: Iterable[ProviderEvent]) -> bytes:
    """The body of an answer that says `events`, as server-sent events."""
    return b"".join(
        f"event: {name}\ndata: {dump_json({'type': name, **fields})}\n\n".encode()
        for name, fields in encode_documents(events)
    )


def encode_documents(events: Iterable[ProviderEvent]) -> tuple[tuple[str, JsonObject], ...]:
    """The events of an answer that says `events`: each one's name and fields."""
    said = tuple(events)
    answer = _Answer(
        {event.block: _payload(event.provider_data) for event in said if isinstance(event, CallEnded)},
        {event.block: event for event in said if isinstance(event, OpaqueEnded)},
    )
    return tuple(document for event in said for document in answer.documents(event))


@final
@dataclass(slots=True)
class _Answer:
    """What a server knows when a block starts, and which blocks are open, by their kind."""

    calls: Mapping[int, JsonObject]
    opaque: Mapping[int, OpaqueEnded]
    open: dict[int, JsonValue] = field(default_factory=dict)

    def documents(self, event: ProviderEvent) -> Iterator[tuple[str, JsonObject]]:
        """The wire's events that say `event`."""
        match event:
            case TurnStarted(model=model, response_id=response_id):
                yield "message_start", {"message": {"id": response_id, "model": model, "role": "assistant"}}
            case ThinkingDelta(block=block, text=text):
                yield from self._start(block, {"type": "thinking", "thinking": "", "signature": ""})
                yield _delta(block, {"type": "thinking_delta", "thinking": text})
            case ThinkingSealed(block=block, signature=signature, provider_data=data):
                redacted = _payload(data)
                thinking: JsonObject = {"type": "thinking", "thinking": "", "signature": ""}
                yield from self._start(block, {**redacted, "type": "redacted_thinking"} if redacted else thinking)
                if signature is not None:
                    yield _delta(block, {"type": "signature_delta", "signature": signature})
                yield self._stop(block)
            case TextDelta(block=block, text=text) | RefusalDelta(block=block, text=text):
                yield from self._start(block, {"type": "text", "text": ""})
                yield _delta(block, {"type": "text_delta", "text": text})
            case TextAnnotated(block=block, provider_data=data):
                yield from self._start(block, {"type": "text", "text": ""})
                for citation in _list(_payload(data).get("citations")):
                    yield _delta(block, {"type": "citations_delta", "citation": citation})
                yield self._stop(block)
            case CallStarted(block=block, id=id_, name=name):
                call: JsonObject = {"type": "tool_use", "id": id_, "name": name, "input": {}}
                yield from self._start(block, {**self.calls.get(block, {}), **call})
            case CallDelta(block=block, arguments=arguments):
                yield _delta(block, {"type": "input_json_delta", "partial_json": arguments})
            case CallEnded(block=block):
                yield self._stop(block)
            case OpaqueStarted(block=block, kind=kind):
                yield from self._opaque(block, kind)
            case OpaqueEnded(block=block):
                yield self._stop(block)
            case Heartbeat():
                yield "ping", {}
            case UsageReported(usage=usage):
                yield "message_delta", {"delta": {}, "usage": _usage(usage)}
            case TurnEnded(finish=finish):
                yield from [self._stop(block) for block, kind in tuple(self.open.items()) if kind != "tool_use"]
                yield "message_delta", {"delta": _finish(finish)}
                yield "message_stop", {}
            case TurnFailed(failure=ProviderError(message=message, error_type=error_type)):
                yield "error", {"error": {"message": message, "type": error_type}}
            case TurnFailed(failure=Truncated()):
                pass
            case TurnFailed(failure=failure):
                yield "error", {"error": {"message": failure.message}}
            case _:
                assert_never(event)

    def _start(self, block: int, content: JsonObject) -> Iterator[tuple[str, JsonObject]]:
        if block not in self.open:
            self.open[block] = content["type"]
            yield "content_block_start", {"index": block, "content_block": content}

    def _opaque(self, block: int, kind: str) -> Iterator[tuple[str, JsonObject]]:
        ended = self.opaque.get(block)
        payload = _payload(ended.data) if ended else {}
        if ended is None or ended.replayable:
            yield from self._start(block, {**payload, "type": kind})
            return
        start = payload.get("block")
        yield from self._start(block, {**(start if isinstance(start, dict) else {}), "type": kind})
        # A delta of a kind that nobody knows is what makes a block one that cannot be sent back.
        for delta in _list(payload.get("deltas")) or [{"type": "unknown_delta"}]:
            yield "content_block_delta", {"index": block, "delta": delta}

    def _stop(self, block: int) -> tuple[str, JsonObject]:
        self.open.pop(block, None)
        return "content_block_stop", {"index": block}


def _delta(block: int, delta: JsonObject) -> tuple[str, JsonObject]:
    return "content_block_delta", {"index": block, "delta": delta}


def _payload(data: ProviderData | None) -> JsonObject:
    value = data.value if data is not None and data.family == FAMILY else None
    return value if isinstance(value, dict) else {}


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _finish(finish: Finish) -> JsonObject:
    word = finish.raw
    if finish.reason is not None and (word is None or REASONS.get(word, "other") != finish.reason):
        word = WORDS[finish.reason]
    if word == "stop_sequence":
        return {"stop_reason": word, "stop_sequence": finish.detail}
    return {"stop_reason": word, "stop_details": {"type": "refusal", "explanation": finish.detail}}


def _usage(usage: Usage) -> JsonObject:
    reported = _payload(usage.reported)
    if reported or usage.input_tokens is None:
        return reported or {"output_tokens": usage.output_tokens}
    read, written = usage.cache_read_tokens, usage.cache_write_tokens
    return {
        "input_tokens": usage.input_tokens - (read or 0) - (written or 0),
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"thinking_tokens": usage.reasoning_tokens},
    }
