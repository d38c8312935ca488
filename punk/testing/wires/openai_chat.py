"""Writes a turn as a chat-completions server would stream it.

The wire cannot say everything. Blocks have no numbers, so neighbours of one kind become one block; signatures,
heartbeats, restated arguments and a call's payload are lost; of failures only a provider's error has words.
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
from punk.providers.openai.chat.decode import DONE

WORDS: Final[Mapping[FinishReason, str]] = {
    "stop": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "stop",
    "content_filter": "content_filter",
    "pause": "pause",
    "other": "other",
}


def encode_events(events: Iterable[ProviderEvent]) -> bytes:
    """The body of an answer that says `events`, as server-sent events."""
    return b"".join(b"data: " + payload + b"\n\n" for payload in encode_payloads(events))


def encode_payloads(events: Iterable[ProviderEvent]) -> tuple[bytes, ...]:
    """The payloads of an answer that says `events`, the last one `[DONE]` if they end the turn."""
    said = tuple(events)
    answer = _Answer({event.block: _kept(event) for event in said if isinstance(event, ThinkingSealed)})
    return tuple(payload for event in said for payload in answer.payloads(event))


@final
@dataclass(slots=True)
class _Answer:
    """What later chunks repeat or refer to. `seals` is what is kept beside each block of thinking."""

    seals: Mapping[int, JsonObject]
    names: JsonObject = field(default_factory=dict)
    calls: dict[int, int] = field(default_factory=dict)

    def payloads(self, event: ProviderEvent) -> Iterator[bytes]:
        """The payloads that say `event`."""
        match event:
            case TurnStarted(model=model, response_id=response_id):
                self.names = {"id": response_id, "object": "chat.completion.chunk", "model": model}
                yield self._delta({"role": "assistant", "content": ""})
            case ThinkingDelta(block=block, text=text):
                channel = self.seals.get(block, {}).get("channel")
                match channel:
                    case "content":
                        yield self._delta({"content": [{"type": "thinking", "thinking": [_text(text)]}]})
                    case "reasoning":
                        yield self._delta({"reasoning": text})
                    case _:
                        yield self._delta({"reasoning_content": text})
            case ThinkingSealed(block=block):
                yield self._delta({"reasoning_details": self.seals[block].get("reasoning_details", [])})
            case TextDelta(text=text):
                yield self._delta({"content": text})
            case TextAnnotated(provider_data=data):
                match data.value:
                    case {"annotations": [*annotations]}:
                        yield self._delta({"annotations": annotations})
                    case _:
                        pass
            case RefusalDelta(text=text):
                yield self._delta({"refusal": text})
            case CallStarted(block=block, id=id_, name=name):
                self.calls[block] = len(self.calls)
                function: JsonObject = {"name": name, "arguments": ""}
                yield self._call(block, {"id": id_, "type": "function", "function": function})
            case CallDelta(block=block, arguments=arguments):
                yield self._call(block, {"function": {"arguments": arguments}})
            case OpaqueEnded(data=data, replayable=replayable):
                value = data.value
                piece: JsonObject = value if isinstance(value, dict) else {"type": "opaque", "value": value}
                yield self._delta({"content" if replayable else "images": [piece]})
            case UsageReported(usage=usage):
                yield self._chunk([], usage=_usage(usage))
            case TurnEnded(finish=finish):
                yield self._chunk([{"index": 0, "delta": {}, "finish_reason": _word(finish)}])
                yield DONE
            case TurnFailed(failure=ProviderError(message=message, error_type=error_type)):
                yield self._chunk([], error={"message": message, "type": error_type})
            case TurnFailed(failure=Truncated()):
                pass
            case TurnFailed(failure=failure):
                yield self._chunk([], error={"message": failure.message})
            case CallEnded() | OpaqueStarted() | Heartbeat():
                pass
            case _:
                assert_never(event)

    def _delta(self, delta: JsonObject) -> bytes:
        return self._chunk([{"index": 0, "delta": delta, "finish_reason": None}])

    def _call(self, block: int, piece: JsonObject) -> bytes:
        return self._delta({"tool_calls": [{"index": self.calls[block], **piece}]})

    def _chunk(self, choices: list[JsonValue], **more: JsonValue) -> bytes:
        return dump_json({**self.names, "choices": choices, **more}).encode()


def _text(text: str) -> JsonValue:
    return {"type": "text", "text": text}


def _kept(event: ThinkingSealed) -> JsonObject:
    value = event.provider_data.value if event.provider_data is not None else None
    return value if isinstance(value, dict) else {}


def _word(finish: Finish) -> str | None:
    return finish.raw if finish.raw is not None or finish.reason is None else WORDS[finish.reason]


def _usage(usage: Usage) -> JsonValue:
    match usage.reported:
        case ProviderData(value=dict() as reported):
            return reported
        case _:
            return {
                "prompt_tokens": usage.input_tokens,
                "completion_tokens": usage.output_tokens,
                "prompt_tokens_details": {"cached_tokens": usage.cache_read_tokens},
                "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
            }
